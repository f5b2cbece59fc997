/** Where devices of one description are met: a port that they dial, an address that we dial, a serial line. Shared by all that are there. */
import type { Socket } from 'node:net';
import { dial } from '../../core/dial.ts';
import { FaultError } from '../../core/faults.ts';
import { addressOf, type Address } from '../../core/net.ts';
import { Admission } from '../../core/admission.ts';
import { sharedPort, type Reception } from '../../core/shared-port.ts';
import { Strangers } from '../../core/unknown-device.ts';
import type { World } from '../../core/world.ts';
import { identityOf } from './identity.ts';
import { Line, type Received } from './line.ts';
import type { Protocol } from './protocol-types.ts';
import type { FrameSettings } from './settings.ts';
import type { Station } from './station.ts';

const MAX_LINES = 4096;
/** A mobile carrier forgets an idle connection after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;
const SHOWN_BYTES = 24;

/** Someone who wants to know who speaks, configured or not: `check`. */
export type Listener = (received: Received, identity: string, line: Line) => void;

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
  const { reception, leave } = await sharedPort({ name: `frame ${description}`, fault: 'CV_DESCRIBED_LISTEN' }, listen, world, () => new Hub(listen, protocol, world, { description, listen }));
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

/** A line that is over is opened afresh by whoever comes next. */
async function shared({ transport, listen, host, port, description }: FrameSettings, world: World, open: () => Promise<Single>): Promise<Met> {
  const byKey = ways.get(world.net) ?? new Map<string, Entry>();
  ways.set(world.net, byKey);
  const key = `${transport} ${listen ?? `${host} ${port}`} ${description}`;
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
  const hub = new Hub(at, protocol, world, { description: settings.description, host: settings.host, port: settings.port });
  const line = hub.carry(socket) as Line;
  return { hub, line, async close() { line.end(null); await closed; } };
}

async function serial({ port, baudRate, dataBits, stopBits, parity, description }: FrameSettings, protocol: Protocol, world: World, signal: AbortSignal): Promise<Single> {
  const path = String(port).startsWith('/') ? String(port) : `/dev/${port}`;
  if (signal.aborted) throw signal.reason;
  const serialLine = await world.net.serial({ path, baudRate, dataBits, stopBits, parity }).catch((error: Error) => {
    throw new FaultError('CV_DESCRIBED_PORT', { port: path, detail: error.message }, { cause: error });
  });
  const closed = new Promise<void>((resolve) => { serialLine.once('close', () => resolve()); });
  const hub = new Hub(path, protocol, world, { description, transport: 'serial', port, baudRate, dataBits, stopBits, parity });
  const line = hub.open({ address: path, peer: path, send: (bytes) => { serialLine.write(Buffer.from(bytes)); }, end: () => { if (serialLine.isOpen) serialLine.close(() => {}); } }) as Line;
  serialLine.on('data', (bytes: Buffer) => line.heard(bytes));
  serialLine.on('error', (error) => line.end(error));
  for (const event of ['end', 'close']) serialLine.on(event, () => line.end(null));
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
  const hub = new Hub(at, protocol, world, { description, transport: 'udp', ...(listen === undefined ? { host, port } : { listen }) });
  const lines = new Map<string, Line>();
  const lineOf = (to: Address): Line | null => {
    const peer = `${to.host}:${to.port}`;
    const known = lines.get(peer);
    if (known && !known.isOver) return known;
    // A device behind a mobile network comes from another port each time: the oldest is let go, of those that are nobody's first.
    if (lines.size >= MAX_LINES) oldestOf(lines)?.end(null);
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

export class Hub implements Reception {
  readonly address: string;
  readonly protocol: Protocol;
  readonly #world: World;
  readonly #stations = new Map<string, Station>();
  readonly #listeners = new Set<Listener>();
  readonly #lines = new Set<Line>();
  readonly #strangers: Strangers;
  readonly #admission: Admission;
  readonly #settings: Record<string, unknown>;

  /** @param settings those by which a device is met here, but for its identity */
  constructor(address: string, protocol: Protocol, world: World, settings: Record<string, unknown>) {
    this.address = address;
    this.#settings = settings;
    this.#admission = new Admission(world, address, MAX_LINES);
    this.#strangers = new Strangers('frame', address, world.tell);
    this.protocol = protocol;
    this.#world = world;
  }

  /** By its identity; without one, whoever speaks is it. */
  join(station: Station): void {
    this.#stations.set(station.identity, station);
    this.#strangers.known(station.identity);
    for (const line of this.#lines) station.maySpeakOn(line);
  }

  leave(station: Station): void {
    if (this.#stations.get(station.identity) === station) this.#stations.delete(station.identity);
  }

  /** @returns ends it */
  listenIn(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  accept(socket: Socket): void {
    let line: Line | null = null;
    const guest = this.#admission.admit(socket, () => { line?.end(null); });
    socket.on('error', () => { socket.destroy(); });
    if (!guest) return void socket.destroy();
    line = this.carry(socket);
    if (!line) return;
    line.guest = guest;
    guest.setKnown(line.isKnown);
  }

  /** @returns null where there are too many */
  carry(socket: Socket): Line | null {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const line = this.open({ address: this.address, peer, send: (bytes) => { socket.write(bytes); }, end: () => { socket.destroy(); } });
    socket.on('error', (error) => { line?.end(error); });
    if (!line) {
      socket.destroy();
      return null;
    }
    socket.on('data', (bytes) => line.heard(bytes));
    for (const event of ['end', 'close']) socket.on(event, () => line.end(null));
    return line;
  }

  /** A line that is there now. @returns null where there are too many */
  open(carrier: Line['carrier']): Line | null {
    if (this.#lines.size >= MAX_LINES) return null;
    const line = new Line(carrier, this.protocol, this.#world, (received, from) => this.#received(received, from));
    this.#lines.add(line);
    line.onEnd(() => this.#lines.delete(line));
    for (const station of this.#stations.values()) station.maySpeakOn(line);
    return line;
  }

  failed(error: Error): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_DESCRIBED_LISTEN', params: { listen: this.address, detail: error.message } } });
  }

  close(): void {
    for (const line of this.#lines) line.end(null);
  }

  /** What nobody takes is left unanswered, so that a device that keeps it sends it again once it is configured. */
  #received(received: Received, line: Line): void {
    const identity = identityOf(received.head, this.protocol);
    for (const listener of this.#listeners) listener(received, identity, line);
    const station = this.#stations.get(identity.toUpperCase()) ?? this.#stations.get('');
    if (station) return station.heard(received, line);
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false });
    if (this.#listeners.size > 0) return;
    const { peer } = line.carrier;
    this.#strangers.heard(
      { id: identity.toUpperCase(), peer, said: received.frame, settings: { ...this.#settings, identity } },
      { code: 'CV_DESCRIBED_UNKNOWN', params: { identity: identity.slice(0, 64), address: this.address, peer, bytes: received.frame.toString('hex', 0, SHOWN_BYTES) } },
    );
  }
}
