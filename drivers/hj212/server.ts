/** A listening port for data loggers: each packet goes to the station with its MN. */
import type { Socket } from 'node:net';
import { ConnectionAdmission } from '../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import type { World } from '../../core/world.ts';
import { Hj212Connection, type ReceivedPacket } from './connection.ts';
import './faults.ts';
import type { Hj212Station } from './station.ts';

const MAX_CONNECTIONS = 4096;

/** Gets every packet, of configured devices or not: for `check` and `discover`. */
export type PacketListener = (received: ReceivedPacket, connection: Hj212Connection) => void;

/** @returns rejects with CV_HJ212_LISTEN */
export async function acquireHj212Server(listen: string, world: World): Promise<{ server: Hj212Server; release(): void }> {
  const { handler: server, release } = await acquireSharedPort(
    { name: 'hj212', fault: 'CV_HJ212_LISTEN' },
    listen,
    world,
    () => new Hj212Server(listen, world),
  );
  return { server, release };
}

export class Hj212Server implements ConnectionHandler {
  readonly listen: string;
  readonly #world: World;
  readonly #stations = new Map<string, Hj212Station>();
  readonly #packetListeners = new Set<PacketListener>();
  readonly #connections = new Set<Hj212Connection>();
  readonly #unconfigured: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;

  constructor(listen: string, world: World) {
    this.listen = listen;
    this.#world = world;
    this.#admission = new ConnectionAdmission(world, listen, MAX_CONNECTIONS);
    this.#unconfigured = new UnconfiguredDevices('hj212', listen, world.tell);
  }

  addStation(station: Hj212Station): void {
    this.#stations.set(station.settings.mn, station);
    this.#unconfigured.markConfigured(station.settings.mn);
  }

  removeStation(station: Hj212Station): void {
    const { mn } = station.settings;
    if (this.#stations.get(mn) === station) this.#stations.delete(mn);
  }

  /** @returns a function that removes it */
  addPacketListener(listener: PacketListener): () => void {
    this.#packetListeners.add(listener);
    return () => this.#packetListeners.delete(listener);
  }

  accept(socket: Socket): void {
    const connection = new Hj212Connection(socket, this.listen, this.#world, (received, from) => this.#route(received, from));
    connection.admission = this.#admission.admit(socket, () => connection.close(null));
    if (!connection.admission) return connection.close(null);
    this.#connections.add(connection);
    connection.onClose(() => this.#connections.delete(connection));
  }

  close(): void {
    for (const connection of this.#connections) connection.close(null);
  }

  /** A packet of an unconfigured device stays unanswered, so that the logger keeps it until the device is configured. */
  #route(received: ReceivedPacket, connection: Hj212Connection): void {
    for (const listener of this.#packetListeners) listener(received, connection);
    const { mn } = received.message;
    const station = this.#stations.get(mn);
    if (station) return station.receive(received, connection);
    if (this.#packetListeners.size > 0) return;
    const { listen } = this;
    this.#unconfigured.report(
      { id: mn, peer: connection.peer, firstBytes: withoutPassword(received.packet), settings: { listen, mn } },
      { code: 'CV_HJ212_UNKNOWN', params: { mn: mn.slice(0, 32), address: listen, peer: connection.peer } },
    );
  }
}

function withoutPassword(packet: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(packet)
      .toString('latin1')
      .replace(/\bPW=[^;&]*/, (found) => `PW=${'*'.repeat(found.length - 3)}`),
    'latin1',
  );
}
