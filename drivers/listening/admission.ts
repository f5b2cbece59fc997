/**
 * Who may stay on a port that anybody can dial. A connection is a newcomer until a device that is configured speaks on
 * it; newcomers make way for each other, the oldest first, so that idle sockets shut no device out. Known ones are never
 * let go here.
 */
import type { Socket } from 'node:net';
import { networkOf } from '../../core/net.ts';
import type { World } from '../../core/world.ts';

/** A logger or a data unit says who it is when it dials, or with its next upload. */
const FIRST_PACKET_MS = 120_000;
/** Devices of a site often share the address of a router, and dial together after an outage. */
const MOST_NEWCOMERS_OF_ADDRESS = 256;

/** Told at once, and then no more often. */
const TOLD_EVERY_MS = 60_000;

export interface Guest {
  /** A device that is configured is on this connection now, or is no longer. */
  setKnown(isKnown: boolean): void;
}

interface Entry extends Guest {
  address: string;
  drop(): void;
}

export class Admission {
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #listen: string;
  readonly #most: number;
  #turnedAway = 0;
  #toldMs = -Infinity;
  /** Oldest first. */
  readonly #newcomers = new Set<Entry>();
  readonly #byAddress = new Map<string, Set<Entry>>();
  readonly #known = new Set<Entry>();

  /**
   * @param listen as it is configured, for what is told
   * @param most connections of this port, known and not
   */
  constructor(world: Pick<World, 'clock' | 'tell'>, listen: string, most: number) {
    this.#world = world;
    this.#listen = listen;
    this.#most = most;
  }

  /**
   * Whether one that has just dialled may stay.
   *
   * @param drop ends it; called when it says nothing for long, or when a newer one needs its place
   * @returns null where all places are held by known ones
   */
  admit(socket: Socket, drop: () => void): Guest | null {
    const address = networkOf(socket.remoteAddress ?? '');
    if (this.#known.size >= this.#most) {
      this.#away(address, this.#most);
      return null;
    }
    const entry: Entry = { address, drop, setKnown: (isKnown) => this.#setKnown(entry, isKnown) };
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress && ofAddress.size >= MOST_NEWCOMERS_OF_ADDRESS) this.#dropOldest(ofAddress, MOST_NEWCOMERS_OF_ADDRESS);
    else if (this.#known.size + this.#newcomers.size >= this.#most) this.#dropOldest(this.#newcomers, this.#most);
    this.#welcome(entry);
    const silence = this.#world.clock.after(FIRST_PACKET_MS, () => drop());
    socket.once('data', () => silence.cancel());
    socket.once('close', () => {
      silence.cancel();
      this.#forget(entry);
    });
    return entry;
  }

  #dropOldest(entries: Set<Entry>, limit: number): void {
    const [oldest] = entries;
    if (!oldest) return;
    this.#forget(oldest);
    oldest.drop();
    this.#away(oldest.address, limit);
  }

  #away(peer: string, limit: number): void {
    this.#turnedAway += 1;
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return;
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_PORT_CROWDED', params: { listen: this.#listen, count: this.#turnedAway, peer, limit } } });
    this.#turnedAway = 0;
    this.#toldMs = nowMs;
  }

  #setKnown(entry: Entry, isKnown: boolean): void {
    if (isKnown === this.#known.has(entry) || !(isKnown ? this.#newcomers : this.#known).has(entry)) return;
    this.#forget(entry);
    if (isKnown) this.#known.add(entry);
    else this.#welcome(entry);
  }

  #welcome(entry: Entry): void {
    this.#newcomers.add(entry);
    this.#byAddress.set(entry.address, (this.#byAddress.get(entry.address) ?? new Set()).add(entry));
  }

  #forget(entry: Entry): void {
    this.#known.delete(entry);
    this.#newcomers.delete(entry);
    const ofAddress = this.#byAddress.get(entry.address);
    ofAddress?.delete(entry);
    if (ofAddress?.size === 0) this.#byAddress.delete(entry.address);
  }
}
