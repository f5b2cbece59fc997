/**
 * The reading side of the time series: a connection of its own, so that no query waits for a commit and no commit for a
 * query. Each question is answered from one snapshot of the file. Runs in workers: one for queries, one for upkeep.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Cursor } from '../../core/log/types.ts';
import { failureOf, needsReopening } from '../sqlite/failure.ts';
import type { Damage } from './chunks.ts';
import { compactSlice, type SliceRequest } from './compact.ts';
import { cursorOf, type FedNumbers } from './database.ts';
import type { Span } from './fresh.ts';
import { readBuckets, readRows, type Place } from './read.ts';
import { checkVersion } from './schema.ts';
import { MAX_SLOTS, Ring, SLOT_MS, type ReadNumbers } from './ring.ts';
import { Totals, type TotalColumns } from './totals.ts';
import { checkBlocks, checkFile, checkSize, checkSlice } from './verify.ts';
import { addWindow, eachNumber } from './window.ts';

/** Long enough for any commit or checkpoint to end. */
const BUSY_MS = 5000;

export class StoreReader {
  #path = '';
  #db: DatabaseSync | null = null;
  readonly #ring = new Ring();

  /** The operations that the worker offers. */
  readonly operations = {
    open: ({ path }: { path: string }) => { this.#path = path; },
    rows: (request: Span & { after: Place | null; limit: number }) => this.#snapshot((db) => readRows(db, request)),
    buckets: (request: Span & { maxPoints: number }) => this.#snapshot((db) => readBuckets(db, request)),
    window: (request: { from: number; to: number }) => this.#snapshot((db) => this.#window(db, request)),
    feed: ({ numbers, upTo }: { numbers: FedNumbers; upTo: Cursor }) => {
      if (!this.#ring.isEmpty) this.#snapshot((db) => { this.#ring.feed(numbers, upTo, readFrom(db, [])); });
    },
    forget: ({ beforeAt }: { beforeAt: number }) => { this.#ring.forgetBefore(beforeAt); },
    compact: (request: SliceRequest) => this.#snapshot((db) => compactSlice(db, request)),
    checkVersion: () => this.#snapshot((db) => { checkVersion(db); }),
    checkSize: () => this.#snapshot((db) => checkSize(db)),
    check: (request: { afterId: number }) => this.#snapshot((db) => checkSlice(db, request)),
    checkBlocks: (request: { afterId: number }) => this.#snapshot((db) => checkBlocks(db, request)),
    checkFile: () => this.#snapshot((db) => checkFile(db)),
    names: () => this.#snapshot((db) => db.prepare('SELECT id, indicator, device, point FROM series').all() as { id: number; indicator: string; device: string; point: string }[]),
    close: () => {
      this.#db?.close();
      this.#db = null;
    },
  };

  #window(db: DatabaseSync, { from, to }: { from: number; to: number }): { totals: TotalColumns; damages: Damage[] } {
    const totals = new Totals();
    const damages: Damage[] = [];
    const first = Math.ceil(from / SLOT_MS);
    const end = Math.floor(to / SLOT_MS);
    if (end <= first || end - first > MAX_SLOTS) return { damages: addWindow(db, { from, to }, totals), totals: totals.columns() };
    if (from < first * SLOT_MS) damages.push(...addWindow(db, { from, to: first * SLOT_MS }, totals));
    this.#ring.addTo(totals, first, end, readFrom(db, damages));
    if (to > end * SLOT_MS) damages.push(...addWindow(db, { from: end * SLOT_MS, to }, totals));
    return { totals: totals.columns(), damages };
  }

  #snapshot<T>(run: (db: DatabaseSync) => T): T {
    const db = this.#opened();
    try {
      db.exec('BEGIN');
      return run(db);
    } catch (error) {
      if (needsReopening(failureOf(error))) {
        this.#ring.clear();
        this.operations.close();
      }
      throw error;
    } finally {
      if (this.#db?.isTransaction) db.exec('ROLLBACK');
    }
  }

  #opened(): DatabaseSync {
    this.#db ??= new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
    return this.#db;
  }
}

/** @param damages gets what could not be read */
function readFrom(db: DatabaseSync, damages: Damage[]): ReadNumbers {
  return (from, to, take) => {
    damages.push(...eachNumber(db, { from, to }, take));
    return cursorOf(db);
  };
}
