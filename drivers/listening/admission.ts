/**
 * Limits the connections of a listening port. A connection is new until a configured device identifies itself on it.
 * When the port is full, the oldest new connection is dropped, so that idle sockets lock no device out. Connections of
 * configured devices are never dropped here.
 */
import type { Socket } from 'node:net';
import { networkOf } from '../../core/net.ts';
import type { World } from '../../core/world.ts';

/** A data logger or DTU identifies itself when it dials, or with its next upload. */
const FIRST_PACKET_MS = 120_000;
/** Devices of a site often share the address of a router, and dial together after an outage. */
const MAX_NEW_PER_ADDRESS = 256;

/** Reported at once, then at most this often. */
const REPORT_EVERY_MS = 60_000;

export interface AdmittedConnection {
  /** Whether a configured device uses this connection now. */
  setConfigured(isConfigured: boolean): void;
}

interface Entry extends AdmittedConnection {
  address: string;
  drop(): void;
}

export class ConnectionAdmission {
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #listen: string;
  readonly #maxConnections: number;
  #rejected = 0;
  #reportedMs = -Infinity;
  /** Oldest first. */
  readonly #new = new Set<Entry>();
  readonly #byAddress = new Map<string, Set<Entry>>();
  readonly #configured = new Set<Entry>();

  /**
   * @param listen as configured, for the fault
   * @param maxConnections all connections of this port
   */
  constructor(world: Pick<World, 'clock' | 'tell'>, listen: string, maxConnections: number) {
    this.#world = world;
    this.#listen = listen;
    this.#maxConnections = maxConnections;
  }

  /**
   * Decides whether a connection that was just accepted may stay.
   *
   * @param drop ends it; called when it sends nothing for long, or when a newer one needs its place
   * @returns null when configured devices use all connections
   */
  admit(socket: Socket, drop: () => void): AdmittedConnection | null {
    const address = networkOf(socket.remoteAddress ?? '');
    if (this.#configured.size >= this.#maxConnections) {
      this.#countRejected(address, this.#maxConnections);
      return null;
    }
    const entry: Entry = { address, drop, setConfigured: (isConfigured) => this.#setConfigured(entry, isConfigured) };
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress && ofAddress.size >= MAX_NEW_PER_ADDRESS) this.#dropOldest(ofAddress, MAX_NEW_PER_ADDRESS);
    else if (this.#configured.size + this.#new.size >= this.#maxConnections) this.#dropOldest(this.#new, this.#maxConnections);
    this.#addNew(entry);
    const idleTimer = this.#world.clock.after(FIRST_PACKET_MS, () => drop());
    socket.once('data', () => idleTimer.cancel());
    socket.once('close', () => {
      idleTimer.cancel();
      this.#remove(entry);
    });
    return entry;
  }

  #dropOldest(entries: Set<Entry>, limit: number): void {
    const [oldest] = entries;
    if (!oldest) return;
    this.#remove(oldest);
    oldest.drop();
    this.#countRejected(oldest.address, limit);
  }

  #countRejected(peer: string, limit: number): void {
    this.#rejected += 1;
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#world.tell({
      kind: 'fault',
      fault: { code: 'CV_PORT_CROWDED', params: { listen: this.#listen, count: this.#rejected, peer, limit } },
    });
    this.#rejected = 0;
    this.#reportedMs = nowMs;
  }

  #setConfigured(entry: Entry, isConfigured: boolean): void {
    if (isConfigured === this.#configured.has(entry) || !(isConfigured ? this.#new : this.#configured).has(entry)) return;
    this.#remove(entry);
    if (isConfigured) this.#configured.add(entry);
    else this.#addNew(entry);
  }

  #addNew(entry: Entry): void {
    this.#new.add(entry);
    this.#byAddress.set(entry.address, (this.#byAddress.get(entry.address) ?? new Set()).add(entry));
  }

  #remove(entry: Entry): void {
    this.#configured.delete(entry);
    this.#new.delete(entry);
    const ofAddress = this.#byAddress.get(entry.address);
    ofAddress?.delete(entry);
    if (ofAddress?.size === 0) this.#byAddress.delete(entry.address);
  }
}
