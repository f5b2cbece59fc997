/** One listening port and the data loggers that dial it: each packet goes to the station of its MN. */
import type { Socket } from 'node:net';
import { ConnectionAdmission } from '../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import type { World } from '../../core/world.ts';
import { Connection, type Received } from './connection.ts';
import './faults.ts';
import type { Station } from './station.ts';

const MAX_CONNECTIONS = 4096;

/** Someone who wants to know who speaks, whether configured or not: `check` and `discover`. */
export type Listener = (received: Received, connection: Connection) => void;

/** @returns rejects with CV_HJ212_LISTEN */
export async function hubOf(listen: string, world: World): Promise<{ hub: Hub; leave(): void }> {
  const { handler: reception, release: leave } = await acquireSharedPort({ name: 'hj212', fault: 'CV_HJ212_LISTEN' }, listen, world, () => new Hub(listen, world));
  return { hub: reception, leave };
}

export class Hub implements ConnectionHandler {
  readonly listen: string;
  readonly #world: World;
  readonly #stations = new Map<string, Station>();
  readonly #listeners = new Set<Listener>();
  readonly #connections = new Set<Connection>();
  readonly #strangers: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;

  constructor(listen: string, world: World) {
    this.listen = listen;
    this.#world = world;
    this.#admission = new ConnectionAdmission(world, listen, MAX_CONNECTIONS);
    this.#strangers = new UnconfiguredDevices('hj212', listen, world.tell);
  }

  join(station: Station): void {
    this.#stations.set(station.settings.mn, station);
    this.#strangers.markConfigured(station.settings.mn);
  }

  leave(station: Station): void {
    const { mn } = station.settings;
    if (this.#stations.get(mn) === station) this.#stations.delete(mn);
  }

  /** @returns ends it */
  listenIn(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  accept(socket: Socket): void {
    const connection = new Connection(socket, this.listen, this.#world, (received, from) => this.#received(received, from));
    connection.guest = this.#admission.admit(socket, () => connection.end(null));
    if (!connection.guest) return connection.end(null);
    this.#connections.add(connection);
    connection.onEnd(() => this.#connections.delete(connection));
  }

  close(): void {
    for (const connection of this.#connections) connection.end(null);
  }

  /** What nobody takes is left unanswered, so that the logger keeps it until a device of its MN is configured. */
  #received(received: Received, connection: Connection): void {
    for (const listener of this.#listeners) listener(received, connection);
    const { mn } = received.message;
    const station = this.#stations.get(mn);
    if (station) return station.heard(received, connection);
    if (this.#listeners.size > 0) return;
    const { listen } = this;
    this.#strangers.report(
      { id: mn, peer: connection.peer, firstBytes: withoutPassword(received.packet), settings: { listen, mn } },
      { code: 'CV_HJ212_UNKNOWN', params: { mn: mn.slice(0, 32), address: listen, peer: connection.peer } },
    );
  }
}

function withoutPassword(packet: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(packet).toString('latin1').replace(/\bPW=[^;&]*/, (found) => `PW=${'*'.repeat(found.length - 3)}`), 'latin1');
}
