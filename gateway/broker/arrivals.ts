/**
 * Connections that have not said who they are. They may not keep those out that do: one address has so many, and where all
 * places are taken the oldest of the address that has most gives way.
 */
import { networkOf } from '../../core/net.ts';

/** A district behind one address comes back at once. */
export const MAX_OF_ADDRESS = 256;

export class Arrivals<T> {
  readonly #byNetwork = new Map<string, Set<T>>();
  readonly #leave: (one: T) => void;

  /** @param leave called for one that must give way */
  constructor(leave: (one: T) => void) {
    this.#leave = leave;
  }

  add(address: string, one: T): void {
    const network = networkOf(address);
    const all = this.#byNetwork.get(network) ?? new Set<T>();
    this.#byNetwork.set(network, all.add(one));
    if (all.size > MAX_OF_ADDRESS) this.#leaveOldest(network, all);
  }

  /** It has said who it is, or is gone. */
  remove(address: string, one: T): void {
    const network = networkOf(address);
    const all = this.#byNetwork.get(network);
    all?.delete(one);
    if (all?.size === 0) this.#byNetwork.delete(network);
  }

  /** @returns whether somebody gave way */
  makeRoom(): boolean {
    let most: [string, Set<T>] | null = null;
    for (const entry of this.#byNetwork) if (!most || entry[1].size > most[1].size) most = entry;
    if (!most) return false;
    this.#leaveOldest(...most);
    return true;
  }

  #leaveOldest(network: string, all: Set<T>): void {
    for (const oldest of all) {
      all.delete(oldest);
      if (all.size === 0) this.#byNetwork.delete(network);
      this.#leave(oldest);
      return;
    }
  }
}
