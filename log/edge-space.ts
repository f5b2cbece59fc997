/** Keeps an edge's log within maxBytes and the disk: which files are removed, and in which order. */
import type { Stream } from '../core/event.ts';
import type { World } from '../core/world.ts';
import type { EdgeStream } from './edge-stream.ts';
import { isDiskFull } from './storage-faults.ts';
import type { FileReport, LogStorage } from './storage.ts';
import { recordLoss, unsettledRows, type StreamState } from './stream-state.ts';
import type { DiskHealth } from './disk-health.ts';
import type { FullPolicy } from './types.ts';
import type { QueuedDraft } from './append-queue.ts';
import './faults.ts';

/** Least important first. */
const REMOVAL_ORDER: readonly Stream[] = ['diagnostic', 'measurement', 'state', 'warning'];
/** Pages of tables and state that every commit writes, twice: write-ahead log and file. */
const COMMIT_BYTES = 32 << 10;
/** Of the JSON size; real batches are smaller. */
const ENCODED_SHARE = 0.5;
/** The log counts as full until it is this many files below maxBytes. */
const RECOVERED_FILES = 2;
/** Without ballast, space for this many commits is kept free, so that files can be removed in order. */
const SPARE_COMMITS = 8;
/** When removing files did not free space, something else fills the disk: pause removal for this long. */
const REMOVAL_PAUSE_MS = 60_000;
const MAX_FORCED = 3;

export interface EdgeSpaceLimits {
  maxBytes: number;
  maxFileBytes: number;
  policies: Record<Stream, FullPolicy>;
}

interface EdgeDisk {
  storage: LogStorage;
  diskHealth: DiskHealth;
  world: World;
}

type Commit = (one: EdgeStream, change?: (state: StreamState) => StreamState) => Promise<void>;

export class EdgeSpace {
  readonly maxCommitBytes: number;
  readonly #streams: readonly EdgeStream[];
  readonly #bound: EdgeSpaceLimits;
  readonly #commit: Commit;
  readonly #disk: EdgeDisk;
  #full = false;
  #removalPausedUntilMs = -Infinity;

  constructor(streams: readonly EdgeStream[], bound: EdgeSpaceLimits, commit: Commit, disk: EdgeDisk) {
    this.maxCommitBytes = bound.maxFileBytes;
    this.#streams = streams;
    this.#bound = bound;
    this.#commit = commit;
    this.#disk = disk;
  }

  get #bytes(): number {
    return this.#streams.reduce((sum, one) => sum + one.chain.bytes, 0);
  }

  /** Makes space for drafts of a stream. @returns false when they must be refused */
  async reserve(incoming: EdgeStream, entries: readonly QueuedDraft[]): Promise<boolean> {
    const needed = COMMIT_BYTES + entries.reduce((sum, entry) => sum + entry.jsonBytes, 0) * ENCODED_SHARE;
    await this.#keepSpare(incoming, needed);
    while (this.#bytes + needed > this.#bound.maxBytes) {
      const removable = this.#removableFor(incoming);
      const removed = removable !== null && (await this.#removeWithLoss(removable.one, removable.file));
      if (removed) continue;
      this.#reportFull();
      return false;
    }
    if (this.#bytes + needed + RECOVERED_FILES * this.#bound.maxFileBytes < this.#bound.maxBytes) this.#reportNotFull();
    return true;
  }

  /** On a full disk, removes the oldest files in order so that commits do not fail first. */
  async #keepSpare(incoming: EdgeStream, needed: number): Promise<void> {
    const { diskHealth, storage } = this.#disk;
    if (!diskHealth.isDiskShort) return;
    diskHealth.disk = await storage.disk();
    while (diskHealth.isDiskShort && diskHealth.disk.freeBytes < needed + SPARE_COMMITS * COMMIT_BYTES) {
      const removable = this.#isRemovalPaused ? null : this.#removableFor(incoming);
      if (!removable) return;
      const before = diskHealth.disk.freeBytes;
      if (!(await this.#removeWithLoss(removable.one, removable.file))) return;
      this.#pauseIfNoGain(removable.file, before);
    }
  }

  /**
   * Runs a commit. On a full disk the oldest files are removed first, and their loss is recorded with the commit that
   * follows. After a crash in between the next opening finds the missing file and records the loss.
   */
  async commitFreeingSpace(incoming: EdgeStream, commit: () => Promise<void>): Promise<void> {
    for (let forced = 0; ; forced += 1) {
      try {
        return await commit();
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const removable = forced >= MAX_FORCED || this.#isRemovalPaused ? null : this.#removableFor(incoming);
        if (!removable) {
          if (forced > 0) this.#removalPausedUntilMs = this.#disk.world.clock.monotonicMs() + REMOVAL_PAUSE_MS;
          throw error;
        }
        await this.#removeFirst(removable.one, removable.file);
      }
    }
  }

  /** The oldest file of a less important stream; then the stream's own policy applies. */
  #removableFor(incoming: EdgeStream): { one: EdgeStream; file: FileReport } | null {
    for (const stream of REMOVAL_ORDER) {
      if (stream === incoming.stream && this.#bound.policies[stream] === 'drop-newest') return null;
      const one = this.#streams.find((other) => other.stream === stream);
      const file = one?.chain.oldestRemovable();
      if (one && file) return { one, file };
      if (stream === incoming.stream) return null;
    }
    return null;
  }

  /** The loss is on disk before the file is removed; after a crash in between, the next commit removes it. */
  async #removeWithLoss(one: EdgeStream, file: FileReport): Promise<boolean> {
    if (one.chain.files.length === 1) one.chain.roll();
    const range = await this.#lossOf(one, file);
    if (range) {
      const { count } = recordLoss(one.state, range);
      await this.#commit(one, (state) => recordLoss(state, range).state);
      this.#reportLost(one, count);
    } else {
      await this.#commit(one);
    }
    return !one.chain.files.includes(file);
  }

  async #removeFirst(one: EdgeStream, file: FileReport): Promise<void> {
    if (one.chain.files.length === 1) one.chain.roll();
    const before = this.#disk.diskHealth.disk.freeBytes;
    const range = await this.#lossOf(one, file);
    if (range) {
      const { state, count } = recordLoss(one.state, range);
      one.state = state;
      this.#reportLost(one, count);
    }
    // The file may have held the only copy of the state: write it again soon.
    one.stateChanged = true;
    one.commitDue = true;
    await one.removeFiles([file]);
    this.#pauseIfNoGain(file, before);
  }

  /** What removing a file loses; null when nothing. */
  async #lossOf(one: EdgeStream, file: FileReport): Promise<Parameters<typeof recordLoss>[1] | null> {
    const last = one.chain.lastSeqOf(file);
    const ranges = unsettledRows(one.state, file.epoch, file.first, last);
    const [first, end] = [ranges[0]?.[0], ranges.at(-1)?.[1]];
    if (first === undefined || end === undefined) return null;
    if (!this.#disk.diskHealth.isDiskShort) this.#reportFull();
    const times = await one.timeRange(file.epoch, first, end);
    return { stream: one.stream, epoch: file.epoch, fromSeq: file.first, toSeq: last, ...times, reason: 'log_full_oldest' };
  }

  get #isRemovalPaused(): boolean {
    return this.#disk.world.clock.monotonicMs() < this.#removalPausedUntilMs;
  }

  /** Pauses removal when the removed file did not free space. */
  #pauseIfNoGain(file: FileReport, freeBefore: number): void {
    if (this.#disk.diskHealth.disk.freeBytes - freeBefore >= file.bytes / 2) return;
    this.#removalPausedUntilMs = this.#disk.world.clock.monotonicMs() + REMOVAL_PAUSE_MS;
  }

  #reportLost(one: EdgeStream, count: number): void {
    if (count > 0) this.#disk.world.tell({ kind: 'samples_lost', count, reason: 'log_full_oldest', intended: false, stream: one.stream });
  }

  #reportFull(): void {
    if (this.#full) return;
    this.#full = true;
    this.#disk.world.tell({
      kind: 'fault',
      fault: {
        code: 'CV_LOG_FULL',
        params: { bytes: this.#bytes, maxBytes: this.#bound.maxBytes, holder: 'events not acknowledged by the gateway' },
      },
    });
  }

  #reportNotFull(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#disk.world.tell({ kind: 'fault_cleared', code: 'CV_LOG_FULL' });
  }
}
