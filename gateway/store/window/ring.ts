/**
 * Running aggregates of the times that are asked for: slots of some seconds over all series, filled from disk when a
 * window first needs them, kept current by each commit from then on. A window is then a merge of slots; only its ragged
 * ends are read from disk.
 */
import { compareCursors, type Cursor } from '../../../log/types.ts';
import type { FedNumbers } from '../database.ts';
import { Totals } from './totals.ts';

export const SLOT_MS = 10_000;
/** Windows that need more slots than this are not worth keeping: 20 minutes. */
export const MAX_SLOTS = 120;
/** Aggregates in all slots together; about 60 bytes each. */
const MAX_TOTALS = 1_500_000;

interface Slot {
  totals: Totals;
  /** Commits up to here are in it. */
  upTo: Cursor;
}

/** What lies on disk up to a cursor is no newer than this; it may be older. */
interface Known {
  upTo: Cursor;
  newestAt: number;
}

/** One state of the disk. */
export interface RingDisk {
  /** All numbers of a time. */
  read(from: number, to: number, take: (id: number, at: number, value: number) => void): void;
  /** What has been committed, and the newest time in it. */
  head(): { upTo: Cursor; newestAt: number };
}

export class WindowRing {
  /** By number (time / SLOT_MS); the one that was used last comes last. */
  readonly #slots = new Map<number, Slot>();

  /** Since the ring was last empty. */
  #known: Known | null = null;

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  /** Adds what a commit brought, where a slot is kept; the slot after a kept one is begun. */
  feed({ ids, times, values }: FedNumbers, upTo: Cursor, disk: RingDisk): void {
    const before = this.#known;
    let newestAt = 0;
    let number = NaN;
    let slot: Slot | undefined;
    for (let at = 0; at < ids.length; at += 1) {
      const time = times[at] as number;
      const value = values[at] as number;
      if (time > newestAt) newestAt = time;
      if (Math.floor(time / SLOT_MS) !== number) {
        number = Math.floor(time / SLOT_MS);
        slot = this.#slots.get(number) ?? this.#next(number, before, disk);
        // What was loaded after this commit has it already.
        if (slot && compareCursors(upTo, slot.upTo) <= 0) slot = undefined;
      }
      slot?.totals.add(ids[at] as number, 1, value, value, value);
    }
    this.#know(upTo, newestAt);
    if (this.#slots.size > 2 * MAX_SLOTS) this.#evict();
  }

  /** Adds the slots first ≤ number < end, from disk where need be. */
  addTo(totals: Totals, first: number, end: number, disk: RingDisk): void {
    for (let number = first; number < end; number += 1) {
      if (this.#slots.has(number)) continue;
      const from = number;
      while (number < end && !this.#slots.has(number)) number += 1;
      this.#load(from, number, disk);
    }
    for (let number = first; number < end; number += 1) {
      const slot = this.#slots.get(number) as Slot;
      this.#slots.delete(number);
      this.#slots.set(number, slot);
      totals.addAll(slot.totals);
    }
    this.#evict();
  }

  /** Forgets what ends before a time, or begins there: rows of it went from disk. */
  forgetBefore(at: number): void {
    for (const number of this.#slots.keys()) if (number * SLOT_MS < at) this.#slots.delete(number);
  }

  clear(): void {
    this.#slots.clear();
    this.#known = null;
  }

  /** The slot after a kept one: empty where nothing of its time was committed before, else from disk. */
  #next(number: number, before: Known | null, disk: RingDisk): Slot | undefined {
    if (!this.#slots.has(number - 1)) return undefined;
    if (before && before.newestAt < number * SLOT_MS) this.#slots.set(number, { totals: new Totals(), upTo: before.upTo });
    else this.#load(number, number + 1, disk);
    return this.#slots.get(number);
  }

  #know(upTo: Cursor, newestAt: number): void {
    const known = this.#known ?? { upTo, newestAt };
    this.#known = { upTo: compareCursors(upTo, known.upTo) > 0 ? upTo : known.upTo, newestAt: Math.max(newestAt, known.newestAt) };
  }

  /** Missing neighbours in one go: a chunk that spans them is opened once. */
  #load(first: number, end: number, disk: RingDisk): void {
    const loaded = Array.from({ length: end - first }, () => new Totals());
    disk.read(first * SLOT_MS, end * SLOT_MS, (id, at, value) => {
      loaded[Math.floor(at / SLOT_MS) - first]?.add(id, 1, value, value, value);
    });
    const { upTo, newestAt } = disk.head();
    for (const [place, totals] of loaded.entries()) this.#slots.set(first + place, { totals, upTo });
    this.#know(upTo, newestAt);
  }

  /** The ones that were not used for longest go. */
  #evict(): void {
    let held = 0;
    for (const { totals } of this.#slots.values()) held += totals.size;
    for (const [oldest, { totals }] of this.#slots) {
      if (this.#slots.size <= MAX_SLOTS && held <= MAX_TOTALS) return;
      this.#slots.delete(oldest);
      held -= totals.size;
    }
  }
}
