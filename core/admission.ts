/**
 * Who may stay on a port that anybody can dial. A connection is a newcomer until a device that is configured speaks on
 * it; newcomers make way for each other, the oldest first, so that idle sockets shut no device out. Known ones are never
 * let go here.
 */
import type { Socket } from 'node:net';
import { networkOf } from './net.ts';
import type { Clock } from './world.ts';

/** A logger or a data unit says who it is when it dials, or with its next upload. */
const FIRST_PACKET_MS = 120_000;
/** Devices of a site often share the address of a router, and dial together after an outage. */
const MOST_NEWCOMERS_OF_ADDRESS = 256;

export interface Guest {
  /** A device that is configured is on this connection now, or is no longer. */
  setKnown(isKnown: boolean): void;
}

interface Entry extends Guest {
  address: string;
  drop(): void;
}

export class Admission {
  readonly #clock: Clock;
  readonly #most: number;
  /** Oldest first. */
  readonly #newcomers = new Set<Entry>();
  readonly #byAddress = new Map<string, Set<Entry>>();
  readonly #known = new Set<Entry>();

  /** @param most connections of this port, known and not */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /**
   * Whether one that has just dialled may stay.
   *
   * @param drop ends it; called when it says nothing for long, or when a newer one needs its place
   * @returns null where all places are held by known ones
   */
  admit(socket: Socket, drop: () => void): Guest | null {
    if (this.#known.size >= this.#most) return null;
    const address = networkOf(socket.remoteAddress ?? '');
    const entry: Entry = { address, drop, setKnown: (isKnown) => this.#setKnown(entry, isKnown) };
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress && ofAddress.size >= MOST_NEWCOMERS_OF_ADDRESS) this.#dropOldest(ofAddress);
    else if (this.#known.size + this.#newcomers.size >= this.#most) this.#dropOldest(this.#newcomers);
    this.#welcome(entry);
    const silence = this.#clock.after(FIRST_PACKET_MS, () => drop());
    socket.once('data', () => silence.cancel());
    socket.once('close', () => {
      silence.cancel();
      this.#forget(entry);
    });
    return entry;
  }

  #dropOldest(entries: Set<Entry>): void {
    const [oldest] = entries;
    if (!oldest) return;
    this.#forget(oldest);
    oldest.drop();
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
