/**
 * What the store does in the background, one thing at a time and each in small slices: lets go of what is too old or
 * too much, moves closed spans into chunks, and reads everything back when asked. Nothing here is needed for what was
 * taken in to be safe or readable; after a crash or a fault the next turn goes on where this one ended.
 */
import { faultOf } from '../../core/faults.ts';
import { everyMs, type World } from '../../core/world.ts';
import { SqliteClient, workerBeside } from '../sqlite/client.ts';
import type { ChunkDamage } from './chunks.ts';
import type { Slice } from './compact.ts';
import type { StoreDatabase } from './database.ts';
import type { Generation } from './generations.ts';
import type { StoreReader } from './reader.ts';
import { verifyStore, type Verification } from './verify.ts';

/** How long values are kept, and how much disk they may take. */
export interface RetentionLimits {
  /** Infinity keeps all. */
  retentionMs: number;
  maxBytes: number;
}

export interface UpkeepOptions extends RetentionLimits {
  path: string;
  /** When rows go into chunks: this often, and not before they have settled, as recent ones still get company. */
  compaction: { everyMs: number; settleMs: number };
  /** Time of the newest value there is. */
  newestAt(): number;
}

const LOOK_EVERY_MS = 60_000;
const SWEEP_ROWS = 2000;
/** Age is counted from our clock, but not further beyond the newest value: a clock that jumps ahead deletes nothing. */
const TRUSTED_AHEAD_MS = 86_400_000;
const FIRST_COMPACTION_MS = 5 * 60_000;
/** About 60 MB of rows; above that compaction does not wait for its time. */
const MAX_FRESH_ROWS = 2_000_000;
/** Free pages are kept for what comes next, up to this share of the file. */
const FREE_SHARE = 0.2;
const VACUUM_PAGES = 256;

type Reader = SqliteClient<StoreReader['operations']>;

export class Upkeep {
  #options: UpkeepOptions;
  readonly #world: World;
  readonly #database: SqliteClient<StoreDatabase['operations']>;
  readonly #onDamages: (damages: readonly ChunkDamage[]) => void;
  readonly #onForgotten: (beforeAt: number) => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #timer: { cancel(): void };
  #compactAtMs: number;
  #jobs: Promise<unknown> = Promise.resolve();
  #closed = false;
  #isLooking = false;

  constructor(
    options: UpkeepOptions,
    world: World,
    database: SqliteClient<StoreDatabase['operations']>,
    on: { damages(damages: readonly ChunkDamage[]): void; forgotten(beforeAt: number): void; failed(error: unknown): void },
  ) {
    this.#options = options;
    this.#world = world;
    this.#database = database;
    this.#onDamages = on.damages;
    this.#onForgotten = on.forgotten;
    this.#onFailed = on.failed;
    const { everyMs: compactEveryMs } = options.compaction;
    this.#compactAtMs = world.clock.monotonicMs() + Math.min(FIRST_COMPACTION_MS, compactEveryMs);
    this.#timer = everyMs(world.clock, Math.min(LOOK_EVERY_MS, compactEveryMs), () => { void this.#look(); });
  }

  /** From the next sweep on. */
  keepWithin({ retentionMs, maxBytes }: RetentionLimits): void {
    this.#options = { ...this.#options, retentionMs, maxBytes };
  }

  sweep(): Promise<void> {
    return this.#inTurn(() => this.#sweep());
  }

  /** Moves everything that is fresh into chunks, now, and gives free space back to the disk. */
  compact(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#compact(await this.#database.call('generations', { sealBefore: Infinity }));
      await this.#shrink(0);
    });
  }

  verify(onSlice: (done: number, of: number) => void): Promise<Verification> {
    return this.#inTurn(() => this.#withReader((reader) => this.#verify(reader, onSlice)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.cancel();
    await this.#jobs;
  }

  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#jobs.then(job);
    this.#jobs = done.catch(() => undefined);
    return done;
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#inTurn(async () => {
        await this.#sweep();
        const due = await this.#due();
        if (due.length === 0) return;
        await this.#compact(due);
        await this.#shrink(FREE_SHARE);
      });
    } catch (error) {
      // Full or failing disks get well again: the next look tries anew.
      this.#compactAtMs = Math.min(this.#compactAtMs, this.#world.clock.monotonicMs());
      if (this.#closed) return;
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_STORE_FAILED', { path: this.#options.path }) });
      this.#onFailed(error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #sweep(): Promise<void> {
    const { retentionMs, maxBytes, newestAt } = this.#options;
    for (let more = true; more && !this.#closed;) {
      const beforeAt = Number.isFinite(retentionMs)
        ? Math.max(0, Math.floor(Math.min(this.#world.clock.nowMs(), newestAt() + TRUSTED_AHEAD_MS) - retentionMs))
        : 0;
      const swept = await this.#database.call('sweep', { beforeAt, maxBytes, maxRows: SWEEP_ROWS });
      if (swept.bySize > 0) this.#world.tell({ kind: 'samples_lost', count: swept.bySize, reason: 'store_full', intended: true });
      if (swept.byAge + swept.bySize > 0) this.#onForgotten(swept.beforeAt);
      more = swept.more;
    }
  }

  /** Which generations to compact: half of them when there are too many, or all that have settled when it is time. */
  async #due(): Promise<Generation[]> {
    const { clock } = this.#world;
    const { everyMs: compactEveryMs, settleMs } = this.#options.compaction;
    const settledAt = clock.nowMs() - settleMs;
    const isTime = clock.monotonicMs() >= this.#compactAtMs;
    const sealed = await this.#database.call('generations', { sealBefore: isTime ? settledAt : 0 });
    let rows = sealed.reduce((sum, generation) => sum + generation.rows, 0);
    if (rows > MAX_FRESH_ROWS) {
      return sealed.filter((generation) => {
        rows -= generation.rows;
        return rows > MAX_FRESH_ROWS / 2;
      });
    }
    if (!isTime) return [];
    this.#compactAtMs = clock.monotonicMs() + compactEveryMs;
    return sealed.slice(0, sealed.findLastIndex(({ toAt }) => toAt < settledAt) + 1);
  }

  async #compact(generations: readonly Generation[]): Promise<void> {
    const numbers = generations.map(({ g }) => g);
    if (numbers.length === 0) return;
    let left = generations.reduce((sum, { rows }) => sum + rows, 0);
    this.#world.tell({ kind: 'compaction', left });
    try {
      await this.#withReader((reader) => this.#compactSlices(reader, numbers, (moved) => {
        left = Math.max(0, left - moved);
        this.#world.tell({ kind: 'compaction', left });
      }));
      await this.#database.call('retire', { generations: numbers });
    } finally {
      this.#world.tell({ kind: 'compaction', left: 0 });
    }
  }

  async #compactSlices(reader: Reader, generations: number[], onMoved: (rows: number) => void): Promise<void> {
    let next: { fromId: number; width: number } | null = { fromId: 0, width: 64 };
    while (next && !this.#closed) {
      const startedMs = this.#world.clock.monotonicMs();
      const slice: Slice = await reader.call('compact', { generations, ...next });
      this.#onDamages(slice.damages);
      if (slice.replacement) {
        await this.#database.call('replace', slice.replacement);
        this.#world.tell({
          kind: 'points_compacted',
          count: slice.replacement.rows,
          durationMs: this.#world.clock.monotonicMs() - startedMs,
        });
        onMoved(slice.replacement.rows);
      }
      next = slice.next;
    }
  }

  async #shrink(freeShare: number): Promise<void> {
    let freeBefore = Infinity;
    for (let pages = 0; !this.#closed; pages = VACUUM_PAGES) {
      const { used, free } = await this.#database.call('vacuum', { pages });
      // A file that was not made for it never shrinks.
      if (free <= used * freeShare || (pages > 0 && free >= freeBefore)) return;
      freeBefore = free;
    }
  }

  async #verify(reader: Reader, onSlice: (done: number, of: number) => void): Promise<Verification> {
    const nothing = undefined as never;
    const found = await verifyStore({
      size: () => reader.call('checkSize', nothing),
      chunks: (request) => reader.call('check', request),
      blocks: (request) => reader.call('checkBlocks', request),
      file: () => reader.call('checkFile', nothing),
    }, onSlice, () => !this.#closed);
    this.#onDamages(found.damages);
    return found;
  }

  /** A thread of its own, so that it keeps no query waiting; it ends with the job. */
  async #withReader<T>(job: (reader: Reader) => Promise<T>): Promise<T> {
    const reader = openReader(this.#options.path);
    try {
      return await job(reader);
    } finally {
      await reader.close();
    }
  }
}

/** A thread that reads; the file is opened with its first question. */
export function openReader(path: string): Reader {
  const reader: Reader = new SqliteClient(workerBeside(import.meta.url, 'reading-worker'), path);
  // Fails only when the thread does, and then everything asked of it says so.
  reader.call('open', { path }).catch(() => undefined);
  return reader;
}
