/**
 * Appending to an edge's log: drafts are queued until their group closes, by time or size. One commit runs at a time;
 * drafts that arrive meanwhile share the next one. After a disk failure the commit is retried.
 */
import { STREAMS, streamOf, type Draft, type Stream } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { LossReason } from '../core/losses.ts';
import type { Timer } from '../core/world.ts';
import { EdgeSpace, type EdgeSpaceLimits } from './edge-space.ts';
import type { EdgeStream, EdgeStreamContext } from './edge-stream.ts';
import { toLogFault } from './storage-faults.ts';
import { addPendingLosses, type StreamState } from './stream-state.ts';
import type { CommittedGroup } from './types.ts';
import { encodeGroups, type UnencodableDraft, type AppendCall, type EncodedGroup, type QueuedDraft } from './append-queue.ts';
import './faults.ts';

const GROUP_MS = 250;
const STRETCHED_GROUP_MS = 1000;
/** Below this a group stays open for STRETCHED_GROUP_MS: a commit costs at least 10 KB. */
const STRETCH_BELOW_EVENTS = 50;
const MAX_WAITING_EVENTS = 100_000;
const RETRY_MS = 1000;
/** Marks are written at most this often with a group, and alone after twice as long. */
const STATE_MS = 10_000;
const URGENT: ReadonlySet<Stream> = new Set<Stream>(['warning', 'state']);

export class EdgeCommits {
  readonly #streams: Record<Stream, EdgeStream>;
  readonly #context: EdgeStreamContext;
  readonly #room: EdgeSpace;
  readonly #listeners = new Set<(kept: CommittedGroup) => void>();
  readonly #timers = new Map<string, Timer>();
  /** Due at the end of this event loop turn. */
  readonly #turning = new Set<EdgeStream>();
  #running: Promise<void> | null = null;
  #ending = false;

  constructor(streams: Record<Stream, EdgeStream>, bound: EdgeSpaceLimits, context: EdgeStreamContext) {
    this.#streams = streams;
    this.#context = context;
    this.#room = new EdgeSpace(Object.values(streams), bound, (one, change) => this.#write(one, [], change), context);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const call: AppendCall = { pendingDrafts: drafts.length, committedDrafts: 0, isRejected: false, resolve, reject };
      const nowMs = this.#context.world.clock.monotonicMs();
      for (const draft of drafts) this.#streams[streamOf(draft)].queue.add(draft, call, nowMs);
      for (const one of Object.values(this.#streams)) {
        const over = one.queue.takeOverflow(MAX_WAITING_EVENTS);
        if (over.length > 0) this.#refuse(one, over, 'log_full_newest');
        this.#schedule(one);
      }
    });
  }

  onCommitted(listener: (kept: CommittedGroup) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Writes the queue and rejects what cannot be written. */
  async close(): Promise<void> {
    this.#ending = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#running;
    for (const stream of STREAMS) {
      const one = this.#streams[stream];
      one.stateChanged ||= one.marksMoved;
      if (one.queue.count > 0 || one.stateChanged) one.commitDue = true;
    }
    this.#kick();
    await this.#running;
    for (const stream of STREAMS) this.#abandon(this.#streams[stream]);
  }

  /** Marks moved while no group is due: writes them with the next group, or alone after a while. */
  scheduleMarks(one: EdgeStream): void {
    this.#after(`state:${one.stream}`, STATE_MS, () => this.#writeMarksWithGroup(one));
  }

  /** Commits now, marks included. */
  commitMarks(one: EdgeStream): void {
    one.stateChanged = true;
    this.#commitSoon(one);
  }

  /** Commits pending gap records now. */
  commitGaps(one: EdgeStream): void {
    one.gapsDue = true;
    one.stateChanged = true;
    this.#commitSoon(one);
  }

  /** Commits the queue now; resolves when the commit has succeeded or failed. */
  async flush(one: EdgeStream): Promise<void> {
    if (one.queue.count === 0) return;
    const watched = this.nextCommit(one);
    this.#commitSoon(one);
    await watched;
  }

  /** Resolves with whether the next commit of the stream succeeded. */
  nextCommit(one: EdgeStream): Promise<boolean> {
    return new Promise((resolve) => { one.commitWaiters.push(resolve); });
  }

  /** Drafts that a failing disk did not take before closing. */
  #abandon(one: EdgeStream): void {
    const left = one.queue.take(Infinity);
    if (left.length > 0)
      this.#context.world.tell({ kind: 'samples_lost', count: left.length, reason: 'shutdown', intended: false, stream: one.stream });
    for (const { call } of left) call.reject(logClosedError());
  }

  /** Drafts that get no number: counted now, resolved when the count is on disk. */
  #refuse(one: EdgeStream, entries: readonly QueuedDraft[], reason: LossReason): void {
    const times = entries.map((entry) => entry.draft.occurredAt);
    const [fromAt, toAt] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    one.state = addPendingLosses(one.state, [
      { stream: one.stream, epoch: this.#context.epoch, fromSeq: 0, toSeq: 0, fromAt, toAt, count: entries.length, reason },
    ]);
    for (const { call } of entries) {
      // The loss is recorded: the call is no longer without effect.
      call.committedDrafts += 1;
      one.refusedCalls.push(call);
    }
    one.stateChanged = true;
    this.#context.world.tell({ kind: 'samples_lost', count: entries.length, reason, intended: false, stream: one.stream });
    this.#commitSoon(one);
  }

  /** A draft that cannot be encoded is lost alone; rejecting the whole call would only make the caller repeat it. */
  #refuseBad(one: EdgeStream, bad: readonly UnencodableDraft[]): void {
    for (const {
      queued: {
        draft: { device, point },
      },
      error,
    } of bad) {
      this.#context.world.tell({
        kind: 'fault',
        fault: { code: 'CV_DRIVER_FAILED', params: { device, detail: `${point}: ${error.message}` } },
        device,
      });
    }
    this.#refuse(one, bad.map(({ queued }) => queued), 'unwritable');
  }

  #schedule(one: EdgeStream): void {
    if (one.queue.count === 0 || one.commitDue) return;
    if (URGENT.has(one.stream)) return this.#commitSoon(one);
    if (one.queue.isGroupFull) return this.#commitSoonAfterTurn(one);
    const nowMs = this.#context.world.clock.monotonicMs();
    if (one.queue.count >= STRETCH_BELOW_EVENTS && nowMs - one.queue.sinceMs >= GROUP_MS) return this.#commitSoon(one);
    this.#after(`group:${one.stream}`, GROUP_MS, () => {
      if (one.queue.count >= STRETCH_BELOW_EVENTS) return this.#commitSoon(one);
      this.#after(`group:${one.stream}`, STRETCHED_GROUP_MS - GROUP_MS, () => this.#commitSoon(one));
    });
  }

  /** One timer per name; a second request uses the first. */
  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#timers.has(name) || this.#ending) return;
    this.#timers.set(name, this.#context.world.clock.after(delayMs, () => {
      this.#timers.delete(name);
      run();
    }));
  }

  /** Devices polled together answer in one turn: their drafts share the commit. */
  #commitSoonAfterTurn(one: EdgeStream): void {
    if (this.#turning.has(one)) return;
    this.#turning.add(one);
    setImmediate(() => {
      this.#turning.delete(one);
      if (!this.#ending) this.#commitSoon(one);
    });
  }

  #commitSoon(one: EdgeStream): void {
    one.commitDue = true;
    this.#kick();
  }

  /** Marks are written with the next group, which saves a page; without a group, alone. A lost mark only costs a resend. */
  #writeMarksWithGroup(one: EdgeStream): void {
    if (!one.marksMoved && !one.stateChanged) return;
    one.stateChanged = true;
    this.#after(`state:${one.stream}`, STATE_MS, () => (one.stateChanged ? this.#commitSoon(one) : this.#writeMarksWithGroup(one)));
  }

  #kick(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Several appends of one turn share a commit.
    await Promise.resolve();
    for (;;) {
      const due = STREAMS.map((stream) => this.#streams[stream]).filter((one) => one.commitDue);
      if (due.length === 0) break;
      for (const one of due) await this.#round(one);
    }
    this.#running = null;
  }

  async #round(one: EdgeStream): Promise<void> {
    this.#timers.get(`group:${one.stream}`)?.cancel();
    this.#timers.delete(`group:${one.stream}`);
    const entries = one.queue.take(this.#room.maxCommitBytes);
    one.commitDue = one.queue.count > 0 && (URGENT.has(one.stream) || one.queue.isGroupFull || this.#ending);
    const watchers = one.commitWaiters.splice(0);
    try {
      if (entries.length > 0 && !(await this.#room.reserve(one, entries))) this.#refuse(one, entries.splice(0), 'log_full_newest');
      await this.#room.commitFreeingSpace(one, () => this.#commit(one, entries));
      this.#context.diskHealth.recordSuccess();
      for (const watcher of watchers) watcher(true);
      this.#schedule(one);
    } catch (error) {
      // Requeued drafts wait: a failing disk is retried once per RETRY_MS, or with new drafts.
      this.#failed(one, entries, error as Error);
      for (const watcher of watchers) watcher(false);
    }
  }

  async #commit(one: EdgeStream, entries: readonly QueuedDraft[]): Promise<void> {
    if (entries.length === 0 && !one.stateChanged) return;
    const { groups, bad } = encodeGroups(
      { from: this.#context.edge, stream: one.stream, epoch: this.#context.epoch },
      one.nextSeq,
      entries,
      this.#context.boots?.batchBoot,
    );
    await this.#write(one, groups);
    for (const { queued: own } of groups) for (const { call } of own) { call.committedDrafts += 1; completeDraft(call); }
    if (bad.length > 0) this.#refuseBad(one, bad);
  }

  async #write(one: EdgeStream, groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<void> {
    const refused = one.refusedCalls.length;
    const kept = await one.commit(groups, change);
    // Any commit puts the count of earlier refusals on disk.
    for (const call of one.refusedCalls.splice(0, refused)) completeDraft(call);
    this.#publish(kept);
  }

  #publish(kept: readonly CommittedGroup[]): void {
    for (const group of kept) {
      for (const listener of this.#listeners) {
        try {
          listener(group);
        } catch (error) {
          // A listener's exception is not a disk failure: rethrown outside the commit.
          queueMicrotask(() => { throw error; });
        }
      }
    }
  }

  /** Rejects calls with nothing on disk; the rest of partly written calls is retried. */
  #failed(one: EdgeStream, entries: readonly QueuedDraft[], error: Error): void {
    const requeued: QueuedDraft[] = [];
    for (const entry of entries) {
      if (entry.call.committedDrafts > 0) requeued.push(entry);
      else this.#reject(entry.call, error);
    }
    one.queue.putBack(requeued);
    one.commitDue = false;
    this.#context.diskHealth.recordFailure(error);
    this.#after(`retry:${one.stream}`, RETRY_MS, () => { if (one.stateChanged || one.queue.count > 0) this.#commitSoon(one); });
  }

  #reject(call: AppendCall, error: Error): void {
    if (call.isRejected) return;
    call.isRejected = true;
    for (const stream of STREAMS) this.#streams[stream].queue.removeRejected();
    call.reject(toLogFault(error));
  }
}

function completeDraft(call: AppendCall): void {
  call.pendingDrafts -= 1;
  if (call.pendingDrafts === 0 && !call.isRejected) call.resolve();
}

export const logClosedError = () => new FaultError('CV_LOG_CLOSED');
