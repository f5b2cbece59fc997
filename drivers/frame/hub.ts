/** Where devices are met: a port that they dial, an address that we dial, a serial line. Shared by all that are there, of one description or of several. */
import type { Socket } from 'node:net';
import { dial } from '../listening/dial.ts';
import { FaultError } from '../../core/faults.ts';
import { addressOf, type Address } from '../../core/net.ts';
import { ConnectionAdmission } from '../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import type { World } from '../../core/world.ts';
import { Claims, type Claim, type Claimed } from './claims.ts';
import './faults.ts';
import { identityOf } from './identity.ts';
import { Line, type Listener } from './line.ts';
import type { Protocol } from './protocol-types.ts';
import type { FrameSettings } from './settings.ts';
import { framingDifference } from './sharing.ts';
import type { Station } from './station.ts';

const MAX_LINES = 4096;
/** A mobile carrier forgets an idle connection after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;
const SHOWN_BYTES = 24;

export interface Met {
  hub: Hub;
  /** The one line, where there is only one. */
  line: Line | null;
  leave(): Promise<void>;
}

/** @returns rejects with CV_DESCRIBED_LISTEN, CV_DESCRIBED_PORT, or the system's error where we dial */
export function meet(settings: FrameSettings, protocol: Protocol, world: World, signal: AbortSignal): Promise<Met> {
  if (settings.transport === 'tcp' && settings.listen !== undefined) return listenTcp(settings.listen, settings.description, protocol, world);
  return shared(settings, world, () => single(settings, protocol, world, signal));
}

async function listenTcp(listen: string, description: string, protocol: Protocol, world: World): Promise<Met> {
  const { handler: reception, release: leave } = await acquireSharedPort({ name: 'frame', fault: 'CV_DESCRIBED_LISTEN' }, listen, world, () => new Hub(listen, { description, protocol }, world, { listen }));
  return { hub: reception, line: null, leave: async () => leave() };
}

interface Entry {
  opening: Promise<Single>;
  users: number;
}

interface Single {
  hub: Hub;
  line: Line | null;
  close(): Promise<void>;
}

/** By net, so that two worlds of a test never share a line. */
const ways = new WeakMap<World['net'], Map<string, Entry>>();

/** What is one way to several devices, whatever they speak. */
export function wayOf({ transport, listen, host, port }: FrameSettings): string {
  if (transport === 'serial') return `serial ${pathOf(port)}`;
  return `${transport} ${listen ?? `${host}:${port}`}`;
}

const pathOf = (port: FrameSettings['port']) => (String(port).startsWith('/') ? String(port) : `/dev/${port}`);

/** A line that is over is opened afresh by whoever comes next. */
async function shared(settings: FrameSettings, world: World, open: () => Promise<Single>): Promise<Met> {
  const byKey = ways.get(world.net) ?? new Map<string, Entry>();
  ways.set(world.net, byKey);
  const key = wayOf(settings);
  const before = byKey.get(key);
  const isUsable = before !== undefined && !(await before.opening.catch(() => null))?.line?.isOver;
  const entry = isUsable && byKey.get(key) === before ? before : { opening: open(), users: 0 };
  byKey.set(key, entry);
  entry.users += 1;
  try {
    const { hub, line, close } = await entry.opening;
    return {
      hub, line,
      async leave() {
        entry.users -= 1;
        if (entry.users > 0) return;
        if (byKey.get(key) === entry) byKey.delete(key);
        await close();
      },
    };
  } catch (error) {
    if (byKey.get(key) === entry) byKey.delete(key);
    throw error;
  }
}

async function single(settings: FrameSettings, protocol: Protocol, world: World, signal: AbortSignal): Promise<Single> {
  if (settings.transport === 'serial') return serial(settings, protocol, world, signal);
  if (settings.transport === 'udp') return datagrams(settings, protocol, world);
  const at = `${settings.host}:${settings.port}`;
  const socket = await dial({ host: String(settings.host), port: Number(settings.port) }, world, signal);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  const hub = new Hub(at, { description: settings.description, protocol }, world, { host: settings.host, port: settings.port });
  const line = hub.carry(socket) as Line;
  return { hub, line, async close() { line.end(null); await closed; } };
}

async function serial({ port, baudRate, dataBits, stopBits, parity, description }: FrameSettings, protocol: Protocol, world: World, signal: AbortSignal): Promise<Single> {
  const path = pathOf(port);
  if (signal.aborted) throw signal.reason;
  const serialLine = await world.net.serial({ path, baudRate, dataBits, stopBits, parity }).catch((error: Error) => {
    throw new FaultError('CV_DESCRIBED_PORT', { port: path, detail: error.message }, { cause: error });
  });
  const closed = new Promise<void>((resolve) => { serialLine.once('close', () => resolve()); });
  const hub = new Hub(path, { description, protocol }, world, { transport: 'serial', port, baudRate, dataBits, stopBits, parity });
  const line = hub.open({ address: path, peer: path, send: (bytes) => { serialLine.write(Buffer.from(bytes)); }, end: () => { if (serialLine.isOpen) serialLine.close(() => {}); } }) as Line;
  serialLine.on('data', (bytes: Buffer) => line.heard(bytes));
  serialLine.on('error', (error) => line.ended(error));
  for (const event of ['end', 'close']) serialLine.on(event, () => line.ended(null));
  return {
    hub, line,
    async close() {
      line.end(null);
      if (serialLine.isOpen || serialLine.closing) await closed;
    },
  };
}

/** One socket; a peer's address is its line. Data units split a frame over datagrams as they please. */
async function datagrams({ listen, host, port, description }: FrameSettings, protocol: Protocol, world: World): Promise<Single> {
  const at = listen ?? `${host}:${port}`;
  const own: Address = listen === undefined ? { host: String(host).includes(':') ? '::' : '0.0.0.0', port: 0 } : addressOf(at);
  const socket = await world.net.bind(own).catch((error: NodeJS.ErrnoException) => {
    throw new FaultError('CV_DESCRIBED_LISTEN', { listen: at, detail: error.code ?? error.message }, { cause: error });
  });
  const hub = new Hub(at, { description, protocol }, world, { transport: 'udp', ...(listen === undefined ? { host, port } : { listen }) });
  const lines = new Map<string, Line>();
  const lineOf = (to: Address): Line | null => {
    const peer = `${to.host}:${to.port}`;
    const known = lines.get(peer);
    if (known && !known.isOver) return known;
    // A device behind a mobile network comes from another port each time: the oldest is let go, of those that are nobody's first.
    if (lines.size >= MAX_LINES) oldestOf(lines)?.ended(null);
    const made = hub.open({ address: at, peer, send: (bytes) => socket.send(bytes, to), end: () => { lines.delete(peer); } });
    if (made) lines.set(peer, made);
    return made;
  };
  const dialled = listen === undefined ? lineOf({ host: String(host), port: Number(port) }) : null;
  socket.listen((bytes, from) => { (dialled ?? lineOf(from))?.heard(bytes); }, (error) => hub.failed(error));
  return { hub, line: dialled, async close() { hub.close(); await socket.close(); } };
}

function oldestOf(lines: ReadonlyMap<string, Line>): Line | undefined {
  for (const line of lines.values()) if (!line.isKnown) return line;
  return lines.values().next().value;
}

class Hub implements ConnectionHandler {
  readonly address: string;
  readonly #world: World;
  readonly #claims: Claims;
  readonly #lines = new Set<Line>();
  readonly #strangers: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;
  readonly #settings: Record<string, unknown>;

  /**
   * @param first of whoever comes first; others join by theirs
   * @param settings those by which a device is met here, but for its description and identity
   */
  constructor(address: string, first: { description: string; protocol: Protocol }, world: World, settings: Record<string, unknown>) {
    this.address = address;
    this.#claims = new Claims(address, first.description, first.protocol);
    this.#settings = settings;
    this.#admission = new ConnectionAdmission(world, address, MAX_LINES);
    this.#strangers = new UnconfiguredDevices('frame', address, world.tell);
    this.#world = world;
  }

  /**
   * By its description and identity; without one, whoever speaks is it.
   *
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  join(station: Station): void {
    this.#claimOf(station.description, station.protocol).stations.set(station.identity, station);
    this.#strangers.markConfigured(station.identity);
    for (const line of this.#lines) station.maySpeakOn(line);
  }

  leave(station: Station): void {
    for (const { stations } of this.#claims) if (stations.get(station.identity) === station) stations.delete(station.identity);
  }

  /**
   * Hears the frames of one description.
   *
   * @returns ends it
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  listenIn(description: string, protocol: Protocol, listener: Listener): () => void {
    const { listeners } = this.#claimOf(description, protocol);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #claimOf(description: string, protocol: Protocol): Claim {
    const before = this.#claims.framing;
    const claim = this.#claims.of(description, protocol);
    // Nobody else is here, and what comes is cut otherwise now: whoever dialled has to come again.
    if (framingDifference(before, this.#claims.framing) !== null) this.close();
    return claim;
  }

  accept(socket: Socket): void {
    let line: Line | null = null;
    const guest = this.#admission.admit(socket, () => { line?.ended(null); });
    socket.on('error', () => { socket.destroy(); });
    if (!guest) return void socket.destroy();
    line = this.carry(socket);
    if (!line) return;
    line.guest = guest;
    guest.setConfigured(line.isKnown);
  }

  /** @returns null where there are too many */
  carry(socket: Socket): Line | null {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const line = this.open({ address: this.address, peer, send: (bytes) => { socket.write(bytes); }, end: () => { socket.destroy(); } });
    socket.on('error', (error) => { line?.ended(error); });
    if (!line) {
      socket.destroy();
      return null;
    }
    socket.on('data', (bytes) => line.heard(bytes));
    for (const event of ['end', 'close']) socket.on(event, () => line.ended(null));
    return line;
  }

  /** A line that is there now. @returns null where there are too many */
  open(carrier: Line['carrier']): Line | null {
    if (this.#lines.size >= MAX_LINES) return null;
    const line = new Line(carrier, this.#claims.framing, this.#world, (frame, from) => this.#received(frame, from));
    this.#lines.add(line);
    line.onEnd(() => this.#lines.delete(line));
    for (const { stations } of this.#claims) for (const station of stations.values()) station.maySpeakOn(line);
    return line;
  }

  failed(error: Error): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_DESCRIBED_LISTEN', params: { listen: this.address, detail: error.message } } });
  }

  close(): void {
    for (const line of this.#lines) line.end(null);
  }

  /** What nobody takes is left unanswered, so that a device that keeps it sends it again once it is configured. @returns whether it could be read */
  #received(frame: Buffer, line: Line): boolean {
    const claimed = this.#claims.take(frame);
    if (claimed === 'short') return false;
    if (claimed === null) line.unclaimed(frame);
    else this.#heard(frame, claimed, line);
    return true;
  }

  #heard(frame: Buffer, { claim, head }: Exclude<Claimed, 'short' | null>, line: Line): void {
    const { description, protocol, stations, listeners } = claim;
    const identity = identityOf(head, protocol);
    for (const listener of listeners) listener({ frame, head }, identity, line);
    const station = stations.get(identity.toUpperCase()) ?? stations.get('');
    if (station) return station.heard({ frame, head }, protocol, line);
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false });
    if (listeners.size > 0) return;
    const { peer } = line.carrier;
    this.#strangers.report(
      { id: identity.toUpperCase(), peer, firstBytes: frame, settings: { description, ...this.#settings, identity } },
      { code: 'CV_DESCRIBED_UNKNOWN', params: { identity: identity.slice(0, 64), address: this.address, peer, bytes: frame.toString('hex', 0, SHOWN_BYTES) } },
    );
  }
}
