/**
 * Running aggregates of the times that are asked for: slots of some seconds over all series, filled from disk when a
 * window first needs them, kept current by each commit from then on. A window is then a merge of slots; only its ragged
 * ends are read from disk.
 */
import { compareCursors, type Cursor } from '../../core/log/types.ts';
import type { FedNumbers } from './database.ts';
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

/** Reads a slot's time from disk, with the cursor of what it read. */
export type LoadSlot = (from: number, to: number) => Slot;

export class Ring {
  /** By number (time / SLOT_MS); the one that was used last comes last. */
  readonly #slots = new Map<number, Slot>();

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  /** Adds what a commit brought, where a slot is kept; the slot after a kept one is begun. */
  feed({ ids, times, values }: FedNumbers, upTo: Cursor, load: LoadSlot): void {
    for (let at = 0; at < ids.length; at += 1) {
      const number = Math.floor((times[at] as number) / SLOT_MS);
      let slot = this.#slots.get(number);
      if (!slot && this.#slots.has(number - 1)) slot = this.#begin(number, load);
      // What was loaded after this commit has it already.
      if (slot && compareCursors(upTo, slot.upTo) > 0) slot.totals.add(ids[at] as number, 1, values[at] as number, values[at] as number, values[at] as number);
    }
  }

  /** The slot's aggregates, from disk if need be. */
  totals(number: number, load: LoadSlot): Totals {
    const slot = this.#slots.get(number);
    if (!slot) return this.#begin(number, load).totals;
    this.#slots.delete(number);
    this.#slots.set(number, slot);
    return slot.totals;
  }

  /** Forgets what ends before a time, or begins there: rows of it went from disk. */
  forgetBefore(at: number): void {
    for (const number of this.#slots.keys()) if (number * SLOT_MS < at) this.#slots.delete(number);
  }

  clear(): void {
    this.#slots.clear();
  }

  #begin(number: number, load: LoadSlot): Slot {
    const slot = load(number * SLOT_MS, (number + 1) * SLOT_MS);
    this.#slots.set(number, slot);
    let held = 0;
    for (const { totals } of this.#slots.values()) held += totals.size;
    for (const [oldest, { totals }] of this.#slots) {
      if ((this.#slots.size <= MAX_SLOTS && held <= MAX_TOTALS) || oldest === number) break;
      this.#slots.delete(oldest);
      held -= totals.size;
    }
    return slot;
  }
}
