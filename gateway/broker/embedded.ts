/**
 * The embedded broker: aedes, held to what it can keep. It speaks MQTT 3.1.1; it keeps no sessions of absent clients,
 * takes no shared subscriptions and no QoS 2, bounds every packet and every queue, and lets a client that costs the
 * others their flow go, with a reason (measured traps and cures: docs/decisions, embedded broker).
 */
import type { EventEmitter } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type AedesPublishPacket, type Client, type PublishPacket, type Subscription } from 'aedes';
import { FaultError, type Fault, type FaultCode, type FaultParams } from '../../core/faults.ts';
import { isLoopback } from '../../core/net.ts';
import type { World } from '../../core/world.ts';
import { parseEdgeTopic } from '../../core/wire/topics.ts';
import type { EmbeddedBrokerSetup } from '../config/setup.ts';
import type { BrokerRights } from '../config/reload.ts';
import { edgeClientId, identify, isAdmittedAlike, mayPublish, mayReceive, maySubscribe, reasonParams, type Identity } from './access.ts';
import { Arrivals } from './arrivals.ts';
import { guardClient, MAX_CONSUMER_BYTES, MAX_EDGE_BYTES, PacketTooLarge, SOCKET_HIGH_WATER_BYTES, type Guard } from './client-limits.ts';
import { Guesses } from './guesses.ts';
import { GATEWAY_CLIENT } from './link.ts';
import { openPipe } from './pipe.ts';
import { Shares } from './shares.ts';
import type { CertifiedEdge, EdgeCertificates } from '../tls/certificates.ts';
import type { AcceptedConnection, TlsPort } from '../tls/tls-port.ts';
import '../certificates/faults.ts';
import '../tls/faults.ts';
import type { ProtocolProblem } from './protocol-check.ts';
import { noteTakeover, type Takeover } from './takeovers.ts';

/** Why a client was let go; the label of cityvitals_clients_dropped_total. */
type DropReason =
  | 'stalled'
  | 'unacknowledged'
  | 'packet_too_large'
  | 'unsupported'
  | 'refused'
  | 'denied'
  | 'taken_over'
  | 'keepalive'
  | 'connection_limit'
  | 'broken';

export interface BrokerTls {
  port: Pick<TlsPort, 'accept' | 'makeRoom' | 'close'>;
  certificates: EdgeCertificates;
  /** Whether who comes from beyond this machine may speak plaintext. */
  isPlaintextAllowed(): boolean;
}

export interface EmbeddedBroker {
  /** A stream for the gateway's own client: in memory, so there is no password to keep and no port to guard. */
  connectGateway(): Duplex;
  /** Whether any client subscribes to what goes out; never false while one does. */
  hasReaders(): boolean;
  /** A message of this edge is dealt with, so another one of it may come. */
  settled(edge: string): void;
  /** Address that an edge is connected from, without port; null while it is not. */
  addressOf(edge: string): string | null;
  /** Edges that are connected from beyond this machine without TLS. */
  plaintextEdges(): string[];
  /** Whoever came in by this certificate goes, at once; with the last of its edge, whoever came in by its token. */
  dropRevoked(edge: string, serialNumber: string): void;
  /** Lets clients in. @returns the address they reach it under, mqtt(s)://host:port. @throws CV_BROKER_LISTEN */
  listen(): Promise<string>;
  /** Who may come in from now on. Clients whose rights went or were changed are let go; the others notice nothing. */
  admit(rights: BrokerRights): void;
  close(): Promise<void>;
}

interface Session {
  address: string;
  identity: Identity | null;
  guard: Guard | null;
  /** What waits for the gateway's own client; null for all others. */
  waitingBytes: (() => number) | null;
  dropped: boolean;
  isSecure: boolean;
  /** Who it is by the certificate that it has shown, or why that does not count. */
  shown: CertifiedEdge | Fault | null;
  /** The last topic on which it published and may: hardly anybody uses another in each packet. */
  lastTopic: string;
}

/** Above this the gateway itself is behind (its log is full or slow): what comes is left undelivered, edges send it again. */
const MAX_GATEWAY_WAITING_BYTES = 64 << 20;
const MAX_SUBSCRIPTIONS = 64;
const MAX_STATE_BYTES = 1 << 20;
/** An edge that moves to another centre leaves its old retained state behind; more than this is not a move. */
const MAX_STATE_CENTRES = 4;
const MAX_NAME_CHARACTERS = 64;
const CONNECT_TIMEOUT_MS = 5000;
const DRAIN_TIMEOUT_MS = 5000;

/** Opens it for the gateway's own client; nobody else comes in before `listen`. */
export async function openEmbeddedBroker(setup: EmbeddedBrokerSetup, world: World, tls: BrokerTls | null = null): Promise<EmbeddedBroker> {
  let rights: BrokerRights = setup;
  const sessions = new WeakMap<Client, Session>();
  const takeovers = new Map<string, Takeover[]>();
  const stateCentres = new Map<string, Set<string>>();
  const sockets = new Set<Duplex>();
  const readers = new Set<Client>();
  const guesses = new Guesses(world);
  const shares = new Shares(world.clock);
  const arrivals = new Arrivals<Client>((client) => drop(client, 'connection_limit'));
  const sessionOf = (client: Client): Session => {
    const session = sessions.get(client);
    if (!session) throw new Error('a client that did not come through this door');
    return session;
  };

  function drop(client: Client, reason: DropReason, fault?: Fault): void {
    const session = sessionOf(client);
    if (session.dropped) return;
    session.dropped = true;
    tellDrop(nameOf(client, session), reason, fault, session.identity);
    client.conn.destroy();
  }
  function tellDrop(client: string, reason: DropReason, fault: Fault | undefined, identity: Identity | null): void {
    world.tell({ kind: 'client_dropped', client, reason });
    if (fault) world.tell({ kind: 'fault', fault, ...(identity?.kind === 'edge' ? { edge: identity.id } : {}) });
  }

  const broker = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    preConnect(client, packet, done) {
      // A session of an absent client would grow without bound; what it misses is in the log, under its cursor.
      packet.clean = true;
      // Who leaves the id to the broker is given one (MQTT-3.1.3-6); that of an edge follows from its user.
      const edge = certifiedBy(sessionOf(client))?.edge ?? rights.edges.find(({ id }) => id === packet.username)?.id;
      if (packet.clientId === '' && edge !== undefined) packet.clientId = edgeClientId(edge);
      done(null, true);
    },
    authenticate(client, user, password, done) {
      const session = sessionOf(client);
      const certified = certifiedBy(session);
      const given = { clientId: client.id, user: user ?? null, password: password ?? null, address: hostOf(session.address), certified };
      const look = () => {
        if (session.dropped || client.closed) return;
        const who = session.waitingBytes ? ({ kind: 'gateway' } as const) : (refusalBefore(client, session) ?? identify(rights, given));
        if (typeof who === 'string' || 'code' in who) {
          session.dropped = true;
          if (typeof who === 'string') guesses.failed(given.address);
          const refused = typeof who === 'string'
            ? fault('CV_CLIENT_REFUSED', { client: shortened(client.id), address: session.address, ...reasonParams(who) })
            : who;
          tellDrop(nameOf(client, session), 'refused', refused, null);
          return done(null, false);
        }
        session.identity = who;
        arrivals.remove(given.address, client);
        session.guard?.allowBytes(who.kind === 'edge' ? MAX_EDGE_BYTES : MAX_CONSUMER_BYTES);
        noteChange(client, session);
        done(null, true);
      };
      // Who has shown its certificate does not guess, and does not wait for those behind its address who do.
      if (session.waitingBytes || certified) look();
      else guesses.inTurn(given.address, look, () => drop(client, 'refused'));
    },
    authorizePublish(client, packet, done) {
      if (!client) return done(new Error('no client'));
      const problem = publishProblem(client, packet);
      if (!problem) return inItsShare(client, packet.topic, () => done(null));
      // A will that is not allowed is simply not published: its client is gone already.
      if (client.connected)
        drop(
          client,
          'denied',
          fault('CV_TOPIC_DENIED', { client: shortened(client.id), topic: packet.topic.slice(0, 200), ...reasonParams(problem) }),
        );
      done(new Error(problem));
    },
    authorizeSubscribe(client, subscription, done) {
      const problem = subscribeProblem(client, subscription);
      // Before it is granted: from its SUBACK on nothing may be left unsaid.
      if (!problem && sessionOf(client).identity?.kind === 'consumer') readers.add(client);
      done(null, problem ? null : subscription);
    },
    authorizeForward(client, packet) {
      return forwards(client, packet) ? packet : null;
    },
  });

  /** What needs no look at user and password. */
  function refusalBefore(client: Client, { address, isSecure, shown }: Session): Fault | string | null {
    const isEdge = client.id.startsWith(edgeClientId(''));
    if (client.id.startsWith(GATEWAY_CLIENT)) return 'this client id is kept for the gateway';
    // Consumers come by password; programs show whatever certificate they have.
    if (isEdge && shown && 'code' in shown) return shown;
    const edge = client.id.slice(edgeClientId('').length);
    if (isEdge && !shown && tls?.certificates.isRevoked(edge)) return revokedFault(edge);
    if (!tls || isSecure || isLoopback(hostOf(address)) || tls.isPlaintextAllowed()) return null;
    return fault('CV_TLS_REQUIRED', { client: client.id ? shortened(client.id) : '?', address });
  }

  /** Answered in a form that the other side can read, and let go; aedes never sees the packet. */
  function refuse(client: Client, { detail, answer, isUnsupported }: ProtocolProblem): void {
    const session = sessionOf(client);
    session.dropped = true;
    if (isUnsupported)
      tellDrop(session.address, 'unsupported', fault('CV_MQTT_UNSUPPORTED', { client: session.address, what: detail }), null);
    else
      tellDrop(
        session.address,
        'refused',
        fault('CV_CLIENT_REFUSED', { client: '', address: session.address, ...reasonParams(detail) }),
        null,
      );
    // What else it sends is thrown away, not kept; the connect time-out ends one that does not close.
    client.conn.removeAllListeners('readable');
    setImmediate(() => client.conn.resume());
    client.conn.end(answer ?? Buffer.alloc(0));
  }

  function noteChange(client: Client, session: Session): void {
    const before = (broker as unknown as { clients: Record<string, Client | undefined> }).clients[client.id];
    if (!before || before.closed) return;
    const old = sessionOf(before);
    old.dropped = true;
    tellDrop(nameOf(before, old), 'taken_over', undefined, old.identity);
    if (session.identity?.kind !== 'edge') return;
    const edge = session.identity.id;
    const { changes, tooMany } = noteTakeover(takeovers.get(edge) ?? [], {
      atMs: world.clock.monotonicMs(),
      from: old.address,
      to: session.address,
    });
    takeovers.set(edge, changes);
    if (tooMany)
      world.tell({
        kind: 'fault',
        edge,
        fault: fault('CV_EDGE_CLONED', { edge, changes: changes.length, first: old.address, second: session.address }),
      });
  }

  /** What goes through the gateway's intake. */
  function inItsShare(client: Client, topic: string, goOn: () => void): void {
    const { identity } = sessionOf(client);
    if (identity?.kind === 'edge' && isForIntake(topic)) shares.pass(identity.id, client, goOn);
    else goOn();
  }

  function publishProblem(client: Client, packet: PublishPacket): string | null {
    const session = sessionOf(client);
    const who = session.identity;
    if (!who || (packet.topic !== session.lastTopic && !mayPublish(who, packet.topic))) return 'not a topic of this client';
    session.lastTopic = packet.topic;
    if (who.kind !== 'edge') return null;
    if (packet.qos === 2) return 'QoS 2 is not taken; batches are numbered, QoS 1 is enough';
    const address = parseEdgeTopic(packet.topic);
    if (!packet.retain || !address) return null;
    if (address.leaf !== 'state') return 'only state may be retained';
    if (packet.payload.length > MAX_STATE_BYTES) return `a retained state has at most ${MAX_STATE_BYTES} bytes`;
    const centres = stateCentres.get(who.id) ?? new Set();
    stateCentres.set(who.id, centres.add(address.centre));
    return centres.size > MAX_STATE_CENTRES ? `retained states in more than ${MAX_STATE_CENTRES} centres` : null;
  }

  function subscribeProblem(client: Client, subscription: Subscription): boolean {
    const { identity, address } = sessionOf(client);
    const shared = subscription.topic.startsWith('$share/');
    const many = Object.keys((client as unknown as { subscriptions: object }).subscriptions).length >= MAX_SUBSCRIPTIONS;
    if (identity && !shared && !many && maySubscribe(identity, subscription.topic)) return false;
    const name = `${shortened(client.id)} (${address})`;
    const topic = subscription.topic.slice(0, 200);
    world.tell({
      kind: 'fault',
      fault: shared
        ? fault('CV_MQTT_UNSUPPORTED', { client: name, ...reasonParams('a shared subscription ($share)', 'what') })
        : fault('CV_TOPIC_DENIED', {
            client: name,
            topic,
            ...(many
              ? { detail: `more than ${MAX_SUBSCRIPTIONS} subscriptions`, detailZh: `订阅超过 ${MAX_SUBSCRIPTIONS} 个` }
              : reasonParams('not a topic of this client')),
          }),
    });
    return true;
  }

  function forwards(client: Client, packet: AedesPublishPacket): boolean {
    const session = sessionOf(client);
    if (session.dropped || (session.identity && !mayReceive(session.identity, packet.topic))) return false;
    if (session.waitingBytes) {
      if (session.waitingBytes() <= MAX_GATEWAY_WAITING_BYTES) return true;
      world.tell({ kind: 'fault', fault: fault('CV_BROKER_BEHIND', { maxBytes: MAX_GATEWAY_WAITING_BYTES }) });
      return false;
    }
    const reason = session.guard?.overdue(packet, broker.connectedClients) ?? null;
    if (reason)
      drop(
        client,
        reason,
        fault(reason === 'stalled' ? 'CV_CLIENT_STALLED' : 'CV_CLIENT_UNACKNOWLEDGED', { client: nameOf(client, session) }),
      );
    return reason === null;
  }

  // Without a listener it would end the process.
  (broker as EventEmitter).on('error', (error: Error) =>
    world.tell({ kind: 'fault', fault: fault('CV_BROKER_FAILED', { detail: error.message }) }),
  );
  broker.on('ack', (_packet, client) => sessions.get(client)?.guard?.acknowledged());
  broker.on('clientDisconnect', (client) => {
    readers.delete(client);
    const identity = sessions.get(client)?.identity;
    if (identity?.kind === 'edge') shares.forget(identity.id, client);
  });
  broker.on('keepaliveTimeout', (client) => drop(client, 'keepalive'));
  const failed = (client: Client, error: Error) => {
    const name = nameOf(client, sessionOf(client));
    if (error instanceof PacketTooLarge)
      drop(client, 'packet_too_large', fault('CV_PACKET_TOO_LARGE', { client: name, detail: error.message }));
    else if (!isHangUp(error)) drop(client, 'broken');
  };
  broker.on('clientError', failed);
  broker.on('connectionError', failed);

  function admit({ stream: conn, isSecure, certificate }: Arrival, address: string, waitingBytes: (() => number) | null): void {
    sockets.add(conn);
    const client = broker.handle(conn);
    const guard = waitingBytes ? null : guardClient(client, conn, (problem) => refuse(client, problem));
    const shown = certificate && tls ? tls.certificates.judge(certificate) : null;
    sessions.set(client, { address, identity: null, guard, waitingBytes, dropped: false, isSecure, shown, lastTopic: '' });
    conn.once('close', () => {
      sockets.delete(conn);
      if (!waitingBytes) arrivals.remove(hostOf(address), client);
    });
    if (!waitingBytes) arrivals.add(hostOf(address), client);
  }

  const connected = (): [Client, Session][] =>
    Object.values((broker as unknown as { clients: Record<string, Client | undefined> }).clients).flatMap((client) => {
      const session = client && sessions.get(client);
      return session ? [[client, session] as [Client, Session]] : [];
    });

  let places = 0;
  const server = createServer(
    { highWaterMark: SOCKET_HIGH_WATER_BYTES, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
    (socket: Socket) => {
      // Of the places, those of clients that are known stay theirs.
      places += 1;
      socket.once('close', () => {
        places -= 1;
      });
      if (places > setup.maxConnections && !arrivals.makeRoom() && !tls?.port.makeRoom()) {
        socket.destroy();
        tellDrop(socket.remoteAddress ?? '?', 'connection_limit', fault('CV_CONNECTION_LIMIT', { limit: setup.maxConnections }), null);
        return;
      }
      const address = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
      if (!tls) return admit({ stream: socket, isSecure: false, certificate: null }, address, null);
      tls.port.accept(socket, (accepted) => {
        writeAhead(accepted.stream);
        admit(accepted, address, null);
      });
    },
  );
  if (!isLoopback(setup.host) && setup.host !== 'localhost' && setup.edges.some((edge) => edge.token === null)) {
    world.tell({ kind: 'notice', level: 'warn', en: 'edges without a token are let in from this machine only', zh: '没有令牌的边缘节点只能从本机接入' });
  }

  return {
    connectGateway() {
      const [theirs, ours] = openPipe(2 * MAX_GATEWAY_WAITING_BYTES);
      admit({ stream: ours, isSecure: false, certificate: null }, 'gateway', () => ours.writableLength + theirs.readableLength);
      return theirs;
    },
    hasReaders: () => readers.size > 0,
    settled: (edge) => shares.settled(edge),
    addressOf(edge) {
      const client = (broker as unknown as { clients: Record<string, Client | undefined> }).clients[edgeClientId(edge)];
      const session = client && sessions.get(client);
      return session?.identity?.kind === 'edge' ? hostOf(session.address) : null;
    },
    plaintextEdges() {
      return tls ? connected().flatMap(([, { identity, isSecure, address }]) =>
        identity?.kind === 'edge' && !isSecure && !isLoopback(hostOf(address)) ? identity.id : []) : [];
    },
    dropRevoked(edge, serialNumber) {
      for (const [client, { identity }] of connected()) {
        if (identity?.kind !== 'edge' || identity.id !== edge) continue;
        if (identity.serialNumber === undefined ? tls?.certificates.isRevoked(edge) : identity.serialNumber === serialNumber)
          drop(client, 'refused', revokedFault(edge));
      }
    },
    async listen() {
      const port = await listen(server, setup);
      // Too many open files, say: without a listener it would end the process.
      server.on('error', (error) =>
        world.tell({ kind: 'fault', fault: fault('CV_BROKER_LISTEN', { host: setup.host, port, detail: error.message }) }),
      );
      return `${tls ? 'mqtts' : 'mqtt'}://${setup.host.includes(':') ? `[${setup.host}]` : setup.host}:${port}`;
    },
    admit(next) {
      const before = rights;
      rights = next;
      for (const [client, session] of connected()) {
        if (!session.identity || isAdmittedAlike(session.identity, before, next)) continue;
        drop(
          client,
          'refused',
          fault('CV_CLIENT_REFUSED', {
            client: shortened(client.id),
            address: session.address,
            ...reasonParams('its rights were changed'),
          }),
        );
      }
    },
    async close() {
      guesses.close();
      shares.close();
      // The other way round waits for ever on clients that stay.
      await new Promise<void>((resolve) => { broker.close(resolve); });
      for (const socket of sockets) socket.destroy();
      tls?.port.close();
      if (server.listening) await new Promise<void>((resolve) => { server.close(() => resolve()); });
    },
  };
}

function listen(server: ReturnType<typeof createServer>, { host, port }: EmbeddedBrokerSetup): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new FaultError('CV_BROKER_LISTEN', { host, port, detail: error.message }, { cause: error }));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.removeListener('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

type Arrival = Omit<AcceptedConnection, 'stream'> & { stream: Duplex };

const certifiedBy = ({ shown }: Session): CertifiedEdge | undefined => (shown && 'edge' in shown ? shown : undefined);
/** A stream of TLS has its own mark, not that of the socket below it. */
function writeAhead(stream: Duplex): void {
  (stream as unknown as { _writableState: { highWaterMark: number } })._writableState.highWaterMark = SOCKET_HIGH_WATER_BYTES;
}
const fault = (code: FaultCode, params: FaultParams): Fault => ({ code, params });
const revokedFault = (edge: string): Fault => fault('CV_CERTIFICATE_REFUSED', { edge, detail: 'it was revoked', detailZh: '已吊销' });
const nameOf = (client: Client, session: Session): string => (client.id ? `${shortened(client.id)} (${session.address})` : session.address);
/** What others may choose at length goes into the log in part. */
const shortened = (name: string): string => (name.length > MAX_NAME_CHARACTERS ? `${name.slice(0, MAX_NAME_CHARACTERS)}…` : name);
/** @param topic of an edge */
const isForIntake = (topic: string): boolean => topic.endsWith('/up') || topic.endsWith('/late') || topic.endsWith('/state');
const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));

/** The other side is simply gone: no news. */
function isHangUp(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '');
}
