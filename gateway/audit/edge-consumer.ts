/**
 * Takes what edges tell the record out of the gateway's log. An entry names its place in the log, so that what a crash
 * left between the record and the saved place is not written again. The log waits for nobody here: where the record cannot
 * be written for long and the log is full, events go on, and the record says how many it missed.
 */
import { readFile } from 'node:fs/promises';
import { faultOf } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import { compareCursors, formatCursor, parseCursor, type Cursor, type GatewayLog } from '../../log/types.ts';
import type { Consumer, MissedEvents } from '../feed/consumer.ts';
import type { LogBatch } from '../feed/log-batch.ts';
import type { ShippedEntry } from './audit-line.ts';
import type { AuditRecord } from './audit-record.ts';
import { EdgeBudget } from './edge-budget.ts';
import { shippedEntries } from './edge-entries.ts';
import { recordNote } from './recovery.ts';
import './faults.ts';

/** Read again after a crash, and found in the record. */
const SAVE_EVERY_MS = 10_000;

export interface EdgeAuditOptions {
  record: Pick<AuditRecord, 'ship' | 'append' | 'newestLogPlace' | 'endSeq'>;
  log: Pick<GatewayLog, 'tail'>;
  /** Where its place is kept. */
  path: string;
}

/** Up to where the log was taken, and the newest line of the record then. */
interface SavedPlace {
  cursor: Cursor;
  seq: number;
}

export class EdgeAuditConsumer implements Consumer {
  readonly name = 'audit';
  readonly required = false;
  readonly #options: EdgeAuditOptions;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #budget = new EdgeBudget();
  #cursor: Cursor | null = null;
  #savedMs = -Infinity;
  #isFailing = false;
  /** What is left of a take that failed, for the next try of the same. */
  #left: { upTo: Cursor; entries: ShippedEntry[] } | null = null;

  constructor(options: EdgeAuditOptions, world: Pick<World, 'clock' | 'tell'>) {
    this.#options = options;
    this.#world = world;
  }

  async start(): Promise<Cursor> {
    const { path, record, log } = this.#options;
    const saved = await readPlace(path);
    let cursor = saved?.cursor ?? log.tail();
    try {
      const newest = await record.newestLogPlace(saved?.seq ?? 0);
      if (newest && compareCursors(newest, cursor) > 0) cursor = newest;
    } catch (error) {
      // Then some may be there twice, each with the same `log`.
      this.#tellFailed(error);
    }
    this.#cursor = cursor;
    await this.#save();
    return cursor;
  }

  async take(groups: readonly LogBatch[], upTo: Cursor): Promise<void> {
    const entries = this.#entriesOf(groups, upTo);
    if (entries.length > 0) {
      this.#left = { upTo, entries };
      await this.#options.record.ship(entries);
    }
    this.#left = null;
    this.#cursor = upTo;
    if (this.#world.clock.monotonicMs() - this.#savedMs >= SAVE_EVERY_MS) await this.#save();
  }

  missed({ count, from, to }: MissedEvents): Promise<void> {
    const places = { count, from: formatCursor(from), to: formatCursor(to) };
    this.#options.record.append(recordNote('events that the log let go of before their audit was taken', places));
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#save();
  }

  #entriesOf(groups: readonly LogBatch[], upTo: Cursor): ShippedEntry[] {
    if (this.#left && compareCursors(this.#left.upTo, upTo) === 0) return this.#left.entries;
    const nowMs = this.#world.clock.nowMs();
    return groups.flatMap((group) => shippedEntries(group, this.#budget, nowMs));
  }

  async #save(): Promise<void> {
    const { path, record } = this.#options;
    if (!this.#cursor) return;
    this.#savedMs = this.#world.clock.monotonicMs();
    try {
      const text = JSON.stringify({ v: 1, cursor: formatCursor(this.#cursor), seq: record.endSeq });
      await writeFileAtomically(path, `${text}\n`, { mode: 0o600, forcesName: false });
      this.#isFailing = false;
    } catch (error) {
      this.#tellFailed(error);
    }
  }

  /** An older place is as good, if slower; tried again with the next. */
  #tellFailed(error: unknown): void {
    if (!this.#isFailing)
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_AUDIT_PLACE', { path: this.#options.path }) });
    this.#isFailing = true;
  }
}

/** null: not there yet, or not ours any more. All that the log holds is then looked at, and what is in the record is known by its place. */
async function readPlace(path: string): Promise<SavedPlace | null> {
  try {
    const { cursor, seq } = (JSON.parse(await readFile(path, 'utf8')) as Partial<{ cursor: string; seq: number }> | null) ?? {};
    const at = typeof cursor === 'string' ? parseCursor(cursor) : null;
    return at && Number.isSafeInteger(seq) ? { cursor: at, seq: seq as number } : null;
  } catch {
    return null;
  }
}
