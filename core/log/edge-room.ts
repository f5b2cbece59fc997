/** Keeps an edge's log within its bytes: what gives way when, and in which order. */
import type { Stream } from '../event.ts';
import type { World } from '../world.ts';
import type { EdgeStream } from './edge-stream.ts';
import { missingOf } from './ranges.ts';
import type { FileReport } from './storage.ts';
import { epochOf, lose, type StreamState } from './stream-state.ts';
import type { FullPolicy } from './types.ts';
import type { Entry } from './waiting.ts';

/** Least important first. */
const GIVES_WAY: readonly Stream[] = ['diagnostic', 'measurement', 'state', 'warning'];
/** Pages of table and state that a commit writes whatever is in it, twice: write-ahead log and file. */
const COMMIT_BYTES = 32 << 10;
/** Of the size as JSON; real batches shrink far more. */
const ENCODED_SHARE = 0.5;
/** The log counts as full until it is this many files below its bound again. */
const RELIEVED_FILES = 2;

export interface Bound {
  maxBytes: number;
  maxFileBytes: number;
  policies: Record<Stream, FullPolicy>;
}

export class Room {
  readonly maxCommitBytes: number;
  readonly #streams: readonly EdgeStream[];
  readonly #bound: Bound;
  readonly #commit: (one: EdgeStream, change?: (state: StreamState) => StreamState) => Promise<void>;
  readonly #world: World;
  #full = false;

  constructor(streams: readonly EdgeStream[], bound: Bound, commit: (one: EdgeStream, change?: (state: StreamState) => StreamState) => Promise<void>, world: World) {
    this.maxCommitBytes = bound.maxFileBytes;
    this.#streams = streams;
    this.#bound = bound;
    this.#commit = commit;
    this.#world = world;
  }

  get #bytes(): number {
    return this.#streams.reduce((sum, one) => sum + one.chain.bytes, 0);
  }

  /** Makes room for entries of a stream. @returns false when they are to be refused */
  async make(incoming: EdgeStream, entries: readonly Entry[]): Promise<boolean> {
    const needed = COMMIT_BYTES + entries.reduce((sum, entry) => sum + entry.jsonBytes, 0) * ENCODED_SHARE;
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
    const last = one.chain.lastOf(file);
    const ranges = missingOf(epochOf(one.state, file.epoch).settled, file.first, last);
    const [first, end] = [ranges[0]?.[0], ranges.at(-1)?.[1]];
    if (one.chain.files.length === 1) one.chain.roll();
    if (first === undefined || end === undefined) {
      await this.#commit(one);
    } else {
      this.#tellFull();
      const times = await one.timesOf(file.epoch, first, end);
      const range = { stream: one.stream, epoch: file.epoch, fromSeq: file.first, toSeq: last, ...times, reason: 'log_full_oldest' } as const;
      const { count } = lose(one.state, range);
      await this.#commit(one, (state) => lose(state, range).state);
      if (count > 0) this.#world.tell({ kind: 'samples_lost', count, reason: 'log_full_oldest', intended: false, stream: one.stream });
    }
    return !one.chain.files.includes(file);
  }

  #tellFull(): void {
    if (this.#full) return;
    this.#full = true;
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_FULL', params: { bytes: this.#bytes, maxBytes: this.#bound.maxBytes, holder: 'what the gateway has not taken' } } });
  }

  #tellRelieved(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#world.tell({ kind: 'fault_cleared', code: 'CV_LOG_FULL' });
  }
}
