/**
 * Windows over every series: a merge of running aggregates, their ragged ends read from disk. In a thread of its own,
 * so that what each commit brings to the aggregates keeps no other query waiting.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Cursor } from '../../../log/types.ts';
import type { ChunkDamage } from '../chunks.ts';
import { cursorOf, type FedNumbers } from '../database.ts';
import { Snapshots } from '../snapshots.ts';
import { addWindow, eachNumber, newestOf } from './read.ts';
import { MAX_SLOTS, WindowRing, SLOT_MS, type RingDisk } from './ring.ts';
import { Totals, type TotalColumns } from './totals.ts';

export class WindowReader {
  readonly #file = new Snapshots();
  readonly #ring = new WindowRing();

  /** The operations that the worker offers. */
  readonly operations = {
    open: ({ path }: { path: string }) => { this.#file.open(path); },
    window: (request: { from: number; to: number }) => this.#orClear((db) => this.#window(db, request)),
    feed: ({ numbers, upTo }: { numbers: FedNumbers; upTo: Cursor }) => {
      if (!this.#ring.isEmpty) this.#orClear((db) => { this.#ring.feed(numbers, upTo, diskOf(db, [])); });
    },
    forget: ({ beforeAt }: { beforeAt: number }) => { this.#ring.forgetBefore(beforeAt); },
    close: () => { this.#file.close(); },
  };

  #window(db: DatabaseSync, { from, to }: { from: number; to: number }): { totals: TotalColumns; damages: ChunkDamage[] } {
    const totals = new Totals();
    const damages: ChunkDamage[] = [];
    const first = Math.ceil(from / SLOT_MS);
    const end = Math.floor(to / SLOT_MS);
    if (end <= first || end - first > MAX_SLOTS) return { damages: addWindow(db, { from, to }, totals), totals: totals.columns() };
    if (from < first * SLOT_MS) damages.push(...addWindow(db, { from, to: first * SLOT_MS }, totals));
    this.#ring.addTo(totals, first, end, diskOf(db, damages));
    if (to > end * SLOT_MS) damages.push(...addWindow(db, { from: end * SLOT_MS, to }, totals));
    return { totals: totals.columns(), damages };
  }

  /** What failed half-way is not kept: the next window reads from disk. */
  #orClear<T>(run: (db: DatabaseSync) => T): T {
    try {
      return this.#file.read(run);
    } catch (error) {
      this.#ring.clear();
      throw error;
    }
  }
}

/** @param damages gets what could not be read */
function diskOf(db: DatabaseSync, damages: ChunkDamage[]): RingDisk {
  return {
    read: (from, to, take) => { damages.push(...eachNumber(db, { from, to }, take)); },
    head: () => ({ upTo: cursorOf(db), newestAt: newestOf(db) }),
  };
}
