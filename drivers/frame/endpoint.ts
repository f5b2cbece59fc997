/** Endpoints of devices: a port that they dial, an address that we dial, a serial line. Shared by all devices there, of one or several descriptions. */
import type { Socket } from 'node:net';
import { dial } from '../listening/dial.ts';
import { FaultError } from '../../core/faults.ts';
import { parseHostPort, type HostPort } from '../../core/net.ts';
import { ConnectionAdmission } from '../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import type { World } from '../../core/world.ts';
import { DescriptionSet, type DescriptionEntry, type MatchedDescription } from './description-set.ts';
import './faults.ts';
import { readIdentity } from './identity.ts';
import { FrameConnection, type FrameListener } from './connection.ts';
import type { FrameProtocol } from './protocol.ts';
import type { FrameSettings } from './settings.ts';
import { framingDifference } from './sharing.ts';
import type { DescribedDevice } from './device.ts';

const MAX_CONNECTIONS = 4096;
/** Mobile networks drop idle connections after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;
const SHOWN_BYTES = 24;

export interface AcquiredEndpoint {
  endpoint: FrameEndpoint;
  /** The connection, where there is only one. */
  connection: FrameConnection | null;
  release(): Promise<void>;
}

/** @returns rejects with CV_DESCRIBED_LISTEN, CV_DESCRIBED_PORT, or the system's error where we dial */
export function acquireEndpoint(
  settings: FrameSettings,
  protocol: FrameProtocol,
  world: World,
  signal: AbortSignal,
): Promise<AcquiredEndpoint> {
  if (settings.transport === 'tcp' && settings.listen !== undefined)
    return listenTcp(settings.listen, settings.description, protocol, world);
  return shared(settings, world, () => single(settings, protocol, world, signal));
}

async function listenTcp(listen: string, description: string, protocol: FrameProtocol, world: World): Promise<AcquiredEndpoint> {
  const { handler: endpoint, release } = await acquireSharedPort(
    { name: 'frame', fault: 'CV_DESCRIBED_LISTEN' },
    listen,
    world,
    () => new FrameEndpoint(listen, { description, protocol }, world, { listen }),
  );
  return { endpoint, connection: null, release: async () => release() };
}

interface Entry {
  opening: Promise<OpenedEndpoint>;
  users: number;
}

interface OpenedEndpoint {
  endpoint: FrameEndpoint;
  connection: FrameConnection | null;
  close(): Promise<void>;
}

/** By `Net`, so that the worlds of two tests never share a connection. */
const endpoints = new WeakMap<World['net'], Map<string, Entry>>();

/** Devices with the same key share an endpoint, whatever their protocol. */
export function endpointKey({ transport, listen, host, port }: FrameSettings): string {
  if (transport === 'serial') return `serial ${pathOf(port)}`;
  return `${transport} ${listen ?? `${host}:${port}`}`;
}

const pathOf = (port: FrameSettings['port']) => (String(port).startsWith('/') ? String(port) : `/dev/${port}`);

/** A closed connection is reopened for the next device. */
async function shared(settings: FrameSettings, world: World, open: () => Promise<OpenedEndpoint>): Promise<AcquiredEndpoint> {
  const byKey = endpoints.get(world.net) ?? new Map<string, Entry>();
  endpoints.set(world.net, byKey);
  const key = endpointKey(settings);
  const before = byKey.get(key);
  const isUsable = before !== undefined && !(await before.opening.catch(() => null))?.connection?.isClosed;
  const entry = isUsable && byKey.get(key) === before ? before : { opening: open(), users: 0 };
  byKey.set(key, entry);
  entry.users += 1;
  try {
    const { endpoint, connection, close } = await entry.opening;
    return {
      endpoint, connection,
      async release() {
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

async function single(settings: FrameSettings, protocol: FrameProtocol, world: World, signal: AbortSignal): Promise<OpenedEndpoint> {
  if (settings.transport === 'serial') return serial(settings, protocol, world, signal);
  if (settings.transport === 'udp') return datagrams(settings, protocol, world);
  const at = `${settings.host}:${settings.port}`;
  const socket = await dial({ host: String(settings.host), port: Number(settings.port) }, world, signal);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  const endpoint = new FrameEndpoint(at, { description: settings.description, protocol }, world, {
    host: settings.host,
    port: settings.port,
  });
  const connection = endpoint.addSocket(socket) as FrameConnection;
  return { endpoint, connection, async close() { connection.close(null); await closed; } };
}

async function serial(
  { port, baudRate, dataBits, stopBits, parity, description }: FrameSettings,
  protocol: FrameProtocol,
  world: World,
  signal: AbortSignal,
): Promise<OpenedEndpoint> {
  const path = pathOf(port);
  if (signal.aborted) throw signal.reason;
  const serialLine = await world.net.serial({ path, baudRate, dataBits, stopBits, parity }).catch((error: Error) => {
    throw new FaultError('CV_DESCRIBED_PORT', { port: path, detail: error.message }, { cause: error });
  });
  const closed = new Promise<void>((resolve) => {
    serialLine.once('close', () => resolve());
  });
  const endpoint = new FrameEndpoint(path, { description, protocol }, world, {
    transport: 'serial',
    port,
    baudRate,
    dataBits,
    stopBits,
    parity,
  });
  const connection = endpoint.addConnection({
    address: path,
    peer: path,
    send: (bytes) => {
      serialLine.write(Buffer.from(bytes));
    },
    close: () => {
      if (serialLine.isOpen) serialLine.close(() => {});
    },
  }) as FrameConnection;
  serialLine.on('data', (bytes: Buffer) => connection.receive(bytes));
  serialLine.on('error', (error) => connection.peerClosed(error));
  for (const event of ['end', 'close']) serialLine.on(event, () => connection.peerClosed(null));
  return {
    endpoint, connection,
    async close() {
      connection.close(null);
      if (serialLine.isOpen || serialLine.closing) await closed;
    },
  };
}

/** One socket; each peer address is a connection. DTUs split frames over datagrams arbitrarily. */
async function datagrams(
  { listen, host, port, description }: FrameSettings,
  protocol: FrameProtocol,
  world: World,
): Promise<OpenedEndpoint> {
  const at = listen ?? `${host}:${port}`;
  const own: HostPort = listen === undefined ? { host: String(host).includes(':') ? '::' : '0.0.0.0', port: 0 } : parseHostPort(at);
  const socket = await world.net.bind(own).catch((error: NodeJS.ErrnoException) => {
    throw new FaultError('CV_DESCRIBED_LISTEN', { listen: at, detail: error.code ?? error.message }, { cause: error });
  });
  const endpoint = new FrameEndpoint(at, { description, protocol }, world, {
    transport: 'udp',
    ...(listen === undefined ? { host, port } : { listen }),
  });
  const connections = new Map<string, FrameConnection>();
  const connectionOf = (to: HostPort): FrameConnection | null => {
    const peer = `${to.host}:${to.port}`;
    const known = connections.get(peer);
    if (known && !known.isClosed) return known;
    // A device behind a mobile network has another port each time: the oldest connection is dropped, unused ones first.
    if (connections.size >= MAX_CONNECTIONS) oldestOf(connections)?.peerClosed(null);
    const made = endpoint.addConnection({
      address: at,
      peer,
      send: (bytes) => socket.send(bytes, to),
      close: () => {
        connections.delete(peer);
      },
    });
    if (made) connections.set(peer, made);
    return made;
  };
  const dialled = listen === undefined ? connectionOf({ host: String(host), port: Number(port) }) : null;
  socket.listen((bytes, from) => { (dialled ?? connectionOf(from))?.receive(bytes); }, (error) => endpoint.reportError(error));
  return { endpoint, connection: dialled, async close() { endpoint.close(); await socket.close(); } };
}

function oldestOf(connections: ReadonlyMap<string, FrameConnection>): FrameConnection | undefined {
  for (const connection of connections.values()) if (!connection.isInUse) return connection;
  return connections.values().next().value;
}

class FrameEndpoint implements ConnectionHandler {
  readonly address: string;
  readonly #world: World;
  readonly #descriptions: DescriptionSet;
  readonly #connections = new Set<FrameConnection>();
  readonly #unconfigured: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;
  readonly #settings: Record<string, unknown>;

  /**
   * @param first description of the first device; others are added with theirs
   * @param settings of a device here, except its description and identity
   */
  constructor(address: string, first: { description: string; protocol: FrameProtocol }, world: World, settings: Record<string, unknown>) {
    this.address = address;
    this.#descriptions = new DescriptionSet(address, first.description, first.protocol);
    this.#settings = settings;
    this.#admission = new ConnectionAdmission(world, address, MAX_CONNECTIONS);
    this.#unconfigured = new UnconfiguredDevices('frame', address, world.tell);
    this.#world = world;
  }

  /**
   * Adds a device by its description and identity; without an identity it gets every frame.
   *
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  addDevice(device: DescribedDevice): void {
    this.#entryOf(device.description, device.protocol).devices.set(device.identity, device);
    this.#unconfigured.markConfigured(device.identity);
    for (const connection of this.#connections) device.offerConnection(connection);
  }

  removeDevice(device: DescribedDevice): void {
    for (const { devices } of this.#descriptions) if (devices.get(device.identity) === device) devices.delete(device.identity);
  }

  /**
   * Adds a listener for the frames of one description.
   *
   * @returns a function that removes it
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  addFrameListener(description: string, protocol: FrameProtocol, listener: FrameListener): () => void {
    const { listeners } = this.#entryOf(description, protocol);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #entryOf(description: string, protocol: FrameProtocol): DescriptionEntry {
    const before = this.#descriptions.framing;
    const entry = this.#descriptions.add(description, protocol);
    // No other device is here and the framing changes: devices have to reconnect.
    if (framingDifference(before, this.#descriptions.framing) !== null) this.close();
    return entry;
  }

  accept(socket: Socket): void {
    let connection: FrameConnection | null = null;
    const admission = this.#admission.admit(socket, () => { connection?.peerClosed(null); });
    socket.on('error', () => { socket.destroy(); });
    if (!admission) return void socket.destroy();
    connection = this.addSocket(socket);
    if (!connection) return;
    connection.admission = admission;
    admission.setConfigured(connection.isInUse);
  }

  /** @returns null when there are too many connections */
  addSocket(socket: Socket): FrameConnection | null {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const connection = this.addConnection({
      address: this.address,
      peer,
      send: (bytes) => {
        socket.write(bytes);
      },
      close: () => {
        socket.destroy();
      },
    });
    socket.on('error', (error) => {
      connection?.peerClosed(error);
    });
    if (!connection) {
      socket.destroy();
      return null;
    }
    socket.on('data', (bytes) => connection.receive(bytes));
    for (const event of ['end', 'close']) socket.on(event, () => connection.peerClosed(null));
    return connection;
  }

  /** @returns null when there are too many connections */
  addConnection(channel: FrameConnection['channel']): FrameConnection | null {
    if (this.#connections.size >= MAX_CONNECTIONS) return null;
    const connection = new FrameConnection(channel, this.#descriptions.framing, this.#world, (frame, from) => this.#route(frame, from));
    this.#connections.add(connection);
    connection.onClose(() => this.#connections.delete(connection));
    for (const { devices } of this.#descriptions) for (const device of devices.values()) device.offerConnection(connection);
    return connection;
  }

  reportError(error: Error): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_DESCRIBED_LISTEN', params: { listen: this.address, detail: error.message } } });
  }

  close(): void {
    for (const connection of this.#connections) connection.close(null);
  }

  /** A frame of an unconfigured device stays unanswered, so that the device sends it again once it is configured. @returns whether it could be read */
  #route(frame: Buffer, connection: FrameConnection): boolean {
    const matched = this.#descriptions.match(frame);
    if (matched === 'short') return false;
    if (matched === null) connection.reportUnclaimed(frame);
    else this.#handOn(frame, matched, connection);
    return true;
  }

  #handOn(frame: Buffer, { entry, head }: Exclude<MatchedDescription, 'short' | null>, connection: FrameConnection): void {
    const { description, protocol, devices, listeners } = entry;
    const identity = readIdentity(head, protocol);
    for (const listener of listeners) listener({ frame, head }, identity, connection);
    const device = devices.get(identity.toUpperCase()) ?? devices.get('');
    if (device) return device.receive({ frame, head }, protocol, connection);
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false });
    if (listeners.size > 0) return;
    const { peer } = connection.channel;
    this.#unconfigured.report(
      { id: identity.toUpperCase(), peer, firstBytes: frame, settings: { description, ...this.#settings, identity } },
      {
        code: 'CV_DESCRIBED_UNKNOWN',
        params: { identity: identity.slice(0, 64), address: this.address, peer, bytes: frame.toString('hex', 0, SHOWN_BYTES) },
      },
    );
  }
}
