/** Keeps an edge's log within its bytes and its disk: what gives way when, and in which order. */
import type { Stream } from '../core/event.ts';
import type { World } from '../core/world.ts';
import type { EdgeStream } from './edge-stream.ts';
import { isDiskFull } from './failing.ts';
import type { FileReport, Storage } from './storage.ts';
import { lose, owed, type StreamState } from './stream-state.ts';
import type { Trouble } from './trouble.ts';
import type { FullPolicy } from './types.ts';
import type { Entry } from './waiting.ts';
import './faults.ts';

/** Least important first. */
const GIVES_WAY: readonly Stream[] = ['diagnostic', 'measurement', 'state', 'warning'];
/** Pages of table and state that a commit writes whatever is in it, twice: write-ahead log and file. */
const COMMIT_BYTES = 32 << 10;
/** Of the size as JSON; real batches shrink far more. */
const ENCODED_SHARE = 0.5;
/** The log counts as full until it is this many files below its bound again. */
const RELIEVED_FILES = 2;
/** While the ballast is given up, so many commits of room are kept, that files can be let go in order. */
const SPARE_COMMITS = 8;
/** A disk that stays full although files went has another reason: it is given no more for so long. */
const FRUITLESS_MS = 60_000;
const MAX_FORCED = 3;

export interface Bound {
  maxBytes: number;
  maxFileBytes: number;
  policies: Record<Stream, FullPolicy>;
}

interface Disk {
  storage: Storage;
  trouble: Trouble;
  world: World;
}

type Commit = (one: EdgeStream, change?: (state: StreamState) => StreamState) => Promise<void>;

export class Room {
  readonly maxCommitBytes: number;
  readonly #streams: readonly EdgeStream[];
  readonly #bound: Bound;
  readonly #commit: Commit;
  readonly #disk: Disk;
  #full = false;
  #fruitlessUntilMs = -Infinity;

  constructor(streams: readonly EdgeStream[], bound: Bound, commit: Commit, disk: Disk) {
    this.maxCommitBytes = bound.maxFileBytes;
    this.#streams = streams;
    this.#bound = bound;
    this.#commit = commit;
    this.#disk = disk;
  }

  get #bytes(): number {
    return this.#streams.reduce((sum, one) => sum + one.chain.bytes, 0);
  }

  /** Makes room for entries of a stream. @returns false when they are to be refused */
  async make(incoming: EdgeStream, entries: readonly Entry[]): Promise<boolean> {
    const needed = COMMIT_BYTES + entries.reduce((sum, entry) => sum + entry.jsonBytes, 0) * ENCODED_SHARE;
    await this.#spare(incoming, needed);
    while (this.#bytes + needed > this.#bound.maxBytes) {
      const victim = this.#victimFor(incoming);
      const gone = victim !== null && (await this.#letGo(victim.one, victim.file));
      if (gone) continue;
      this.#tellFull();
      return false;
    }
    if (this.#bytes + needed + RELIEVED_FILES * this.#bound.maxFileBytes < this.#bound.maxBytes) this.#tellRelieved();
    return true;
  }

  /** On a disk without room, keeps some by letting the oldest go in order, so that commits need not fail first. */
  async #spare(incoming: EdgeStream, needed: number): Promise<void> {
    const { trouble, storage } = this.#disk;
    if (!trouble.isShort) return;
    trouble.disk = await storage.disk();
    while (trouble.isShort && trouble.disk.freeBytes < needed + SPARE_COMMITS * COMMIT_BYTES) {
      const victim = this.#isFruitless ? null : this.#victimFor(incoming);
      if (!victim) return;
      const before = trouble.disk.freeBytes;
      if (!(await this.#letGo(victim.one, victim.file))) return;
      this.#judge(victim.file, before);
    }
  }

  /**
   * Runs a commit; on a full disk the oldest files go first and are put down as lost with the commit that follows: their
   * loss cannot be written before. A crash in between shows as a file that is gone, which an opening names as well.
   */
  async onDisk(incoming: EdgeStream, commit: () => Promise<void>): Promise<void> {
    for (let forced = 0; ; forced += 1) {
      try {
        return await commit();
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const victim = forced >= MAX_FORCED || this.#isFruitless ? null : this.#victimFor(incoming);
        if (!victim) {
          if (forced > 0) this.#fruitlessUntilMs = this.#disk.world.clock.monotonicMs() + FRUITLESS_MS;
          throw error;
        }
        await this.#force(victim.one, victim.file);
      }
    }
  }

  /** Less important streams give their oldest file to a more important one; then the stream's own policy speaks. */
  #victimFor(incoming: EdgeStream): { one: EdgeStream; file: FileReport } | null {
    for (const stream of GIVES_WAY) {
      if (stream === incoming.stream && this.#bound.policies[stream] === 'drop-newest') return null;
      const one = this.#streams.find((other) => other.stream === stream);
      const file = one?.chain.oldestToGo();
      if (one && file) return { one, file };
      if (stream === incoming.stream) return null;
    }
    return null;
  }

  /** The loss and what it settles are on disk before the file goes; after a crash in between, the next commit removes it. */
  async #letGo(one: EdgeStream, file: FileReport): Promise<boolean> {
    if (one.chain.files.length === 1) one.chain.roll();
    const range = await this.#lossOf(one, file);
    if (range) {
      const { count } = lose(one.state, range);
      await this.#commit(one, (state) => lose(state, range).state);
      this.#tellLost(one, count);
    } else {
      await this.#commit(one);
    }
    return !one.chain.files.includes(file);
  }

  async #force(one: EdgeStream, file: FileReport): Promise<void> {
    if (one.chain.files.length === 1) one.chain.roll();
    const before = this.#disk.trouble.disk.freeBytes;
    const range = await this.#lossOf(one, file);
    if (range) {
      const { state, count } = lose(one.state, range);
      one.state = state;
      this.#tellLost(one, count);
    }
    // The file may have been the only one to say what is settled and lost: another is to say it soon.
    one.dirty = true;
    one.due = true;
    await one.removeFiles([file]);
    this.#judge(file, before);
  }

  /** What of a file is lost when it goes; null when nothing is. */
  async #lossOf(one: EdgeStream, file: FileReport): Promise<Parameters<typeof lose>[1] | null> {
    const last = one.chain.lastOf(file);
    const ranges = owed(one.state, file.epoch, file.first, last);
    const [first, end] = [ranges[0]?.[0], ranges.at(-1)?.[1]];
    if (first === undefined || end === undefined) return null;
    if (!this.#disk.trouble.isShort) this.#tellFull();
    const times = await one.timesOf(file.epoch, first, end);
    return { stream: one.stream, epoch: file.epoch, fromSeq: file.first, toSeq: last, ...times, reason: 'log_full_oldest' };
  }

  get #isFruitless(): boolean {
    return this.#disk.world.clock.monotonicMs() < this.#fruitlessUntilMs;
  }

  /** Whether a file that went made room; where somebody else takes it at once, the log gives no more for a while. */
  #judge(file: FileReport, freeBefore: number): void {
    if (this.#disk.trouble.disk.freeBytes - freeBefore >= file.bytes / 2) return;
    this.#fruitlessUntilMs = this.#disk.world.clock.monotonicMs() + FRUITLESS_MS;
  }

  #tellLost(one: EdgeStream, count: number): void {
    if (count > 0) this.#disk.world.tell({ kind: 'samples_lost', count, reason: 'log_full_oldest', intended: false, stream: one.stream });
  }

  #tellFull(): void {
    if (this.#full) return;
    this.#full = true;
    this.#disk.world.tell({ kind: 'fault', fault: { code: 'CV_LOG_FULL', params: { bytes: this.#bytes, maxBytes: this.#bound.maxBytes, holder: 'what the gateway has not taken' } } });
  }

  #tellRelieved(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#disk.world.tell({ kind: 'fault_cleared', code: 'CV_LOG_FULL' });
  }
}
