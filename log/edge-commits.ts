/**
 * How an edge's log takes in: drafts wait until their group closes, by time and size; one commit is under way at a time,
 * and what comes meanwhile shares the next one. What a failing disk does not take is tried again.
 */
import { STREAMS, streamOf, type Draft, type Stream } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { LossReason } from '../core/losses.ts';
import type { Timer } from '../core/world.ts';
import { Room, type Bound } from './edge-room.ts';
import type { EdgeStream, StreamContext } from './edge-stream.ts';
import { failedWith } from './failing.ts';
import { addPending, type StreamState } from './stream-state.ts';
import type { KeptGroup } from './types.ts';
import { encodeGroups, type BadEntry, type Call, type EncodedGroup, type Entry } from './waiting.ts';
import './faults.ts';

const GROUP_MS = 250;
const STRETCHED_GROUP_MS = 1000;
/** Fewer events than this are not worth a commit of 10 KB after 250 ms. */
const STRETCH_BELOW_EVENTS = 50;
const MAX_WAITING_EVENTS = 100_000;
const RETRY_MS = 1000;
/** Marks are written no more often than this, beside a group, and by themselves when none came for as long again. */
const STATE_MS = 10_000;
const URGENT: ReadonlySet<Stream> = new Set<Stream>(['warning', 'state']);

export class EdgeCommits {
  readonly #streams: Record<Stream, EdgeStream>;
  readonly #context: StreamContext;
  readonly #room: Room;
  readonly #listeners = new Set<(kept: KeptGroup) => void>();
  readonly #timers = new Map<string, Timer>();
  /** Due once this turn is over. */
  readonly #turning = new Set<EdgeStream>();
  #running: Promise<void> | null = null;
  #ending = false;

  constructor(streams: Record<Stream, EdgeStream>, bound: Bound, context: StreamContext) {
    this.#streams = streams;
    this.#context = context;
    this.#room = new Room(Object.values(streams), bound, (one, change) => this.#write(one, [], change), context);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const call: Call = { open: drafts.length, kept: 0, dead: false, resolve, reject };
      const nowMs = this.#context.world.clock.monotonicMs();
      for (const draft of drafts) this.#streams[streamOf(draft)].waiting.add(draft, call, nowMs);
      for (const one of Object.values(this.#streams)) {
        const over = one.waiting.dropOver(MAX_WAITING_EVENTS);
        if (over.length > 0) this.#refuse(one, over, 'log_full_newest');
        this.#schedule(one);
      }
    });
  }

  onKept(listener: (kept: KeptGroup) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Writes what waits, and answers what cannot be written any more. */
  async end(): Promise<void> {
    this.#ending = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#running;
    for (const stream of STREAMS) {
      const one = this.#streams[stream];
      one.dirty ||= one.marksMoved;
      if (one.waiting.count > 0 || one.dirty) one.due = true;
    }
    this.#kick();
    await this.#running;
    for (const stream of STREAMS) this.#abandon(this.#streams[stream]);
  }

  /** Marks moved, and no group is due: they wait for one, though not for ever. */
  marksRide(one: EdgeStream): void {
    this.#after(`state:${one.stream}`, STATE_MS, () => this.#letMarksRide(one));
  }

  /** The next commit is now, and takes the marks along. */
  dueWithMarks(one: EdgeStream): void {
    one.dirty = true;
    this.#due(one);
  }

  /** What was let go is written down now. */
  writeGaps(one: EdgeStream): void {
    one.gapsDue = true;
    one.dirty = true;
    this.#due(one);
  }

  /** Commits what waits now, and resolves when the disk has taken or refused it. */
  async tried(one: EdgeStream): Promise<void> {
    if (one.waiting.count === 0) return;
    const watched = this.nextCommit(one);
    this.#due(one);
    await watched;
  }

  /** Resolves with whether the next commit of the stream succeeded. */
  nextCommit(one: EdgeStream): Promise<boolean> {
    return new Promise((resolve) => { one.watchers.push(resolve); });
  }

  /** What a failing disk did not take before the end; whole calls were rejected already. */
  #abandon(one: EdgeStream): void {
    const left = one.waiting.take(Infinity);
    if (left.length > 0) this.#context.world.tell({ kind: 'samples_lost', count: left.length, reason: 'shutdown', intended: false, stream: one.stream });
    for (const { call } of left) call.reject(closed());
  }

  /** Drafts that get no number: counted now, answered when the count is on disk. */
  #refuse(one: EdgeStream, entries: readonly Entry[], reason: LossReason): void {
    const times = entries.map((entry) => entry.draft.occurredAt);
    const [fromAt, toAt] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    one.state = addPending(one.state, [{ stream: one.stream, epoch: this.#context.epoch, fromSeq: 0, toSeq: 0, fromAt, toAt, count: entries.length, reason }]);
    for (const { call } of entries) {
      // It is in the books: the call is no longer one of which nothing is known.
      call.kept += 1;
      one.refused.push(call);
    }
    one.dirty = true;
    this.#context.world.tell({ kind: 'samples_lost', count: entries.length, reason, intended: false, stream: one.stream });
    this.#due(one);
  }

  /** What no group can hold is lost alone: whoever gave it gave others with it, and would only give it again. */
  #refuseBad(one: EdgeStream, bad: readonly BadEntry[]): void {
    for (const { entry: { draft: { device, point } }, error } of bad) {
      this.#context.world.tell({ kind: 'fault', fault: { code: 'CV_DRIVER_FAILED', params: { device, detail: `${point}: ${error.message}` } }, device });
    }
    this.#refuse(one, bad.map(({ entry }) => entry), 'unwritable');
  }

  #schedule(one: EdgeStream): void {
    if (one.waiting.count === 0 || one.due) return;
    if (URGENT.has(one.stream)) return this.#due(one);
    if (one.waiting.full) return this.#dueAfterTurn(one);
    const nowMs = this.#context.world.clock.monotonicMs();
    if (one.waiting.count >= STRETCH_BELOW_EVENTS && nowMs - one.waiting.sinceMs >= GROUP_MS) return this.#due(one);
    this.#after(`group:${one.stream}`, GROUP_MS, () => {
      if (one.waiting.count >= STRETCH_BELOW_EVENTS) return this.#due(one);
      this.#after(`group:${one.stream}`, STRETCHED_GROUP_MS - GROUP_MS, () => this.#due(one));
    });
  }

  /** One timer a name; a second wish waits for the first. */
  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#timers.has(name) || this.#ending) return;
    this.#timers.set(name, this.#context.world.clock.after(delayMs, () => {
      this.#timers.delete(name);
      run();
    }));
  }

  /** Devices that are asked together answer in one turn: what else comes in it shares the commit. */
  #dueAfterTurn(one: EdgeStream): void {
    if (this.#turning.has(one)) return;
    this.#turning.add(one);
    setImmediate(() => {
      this.#turning.delete(one);
      if (!this.#ending) this.#due(one);
    });
  }

  #due(one: EdgeStream): void {
    one.due = true;
    this.#kick();
  }

  /** Marks go with the next group, as a page less to write; where none comes, by themselves. Lost, they cost sending twice. */
  #letMarksRide(one: EdgeStream): void {
    if (!one.marksMoved && !one.dirty) return;
    one.dirty = true;
    this.#after(`state:${one.stream}`, STATE_MS, () => (one.dirty ? this.#due(one) : this.#letMarksRide(one)));
  }

  #kick(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Callers first finish what they are at: several appends of one turn share a commit.
    await Promise.resolve();
    for (;;) {
      const due = STREAMS.map((stream) => this.#streams[stream]).filter((one) => one.due);
      if (due.length === 0) break;
      for (const one of due) await this.#round(one);
    }
    this.#running = null;
  }

  async #round(one: EdgeStream): Promise<void> {
    this.#timers.get(`group:${one.stream}`)?.cancel();
    this.#timers.delete(`group:${one.stream}`);
    const entries = one.waiting.take(this.#room.maxCommitBytes);
    one.due = one.waiting.count > 0 && (URGENT.has(one.stream) || one.waiting.full || this.#ending);
    const watchers = one.watchers.splice(0);
    try {
      if (entries.length > 0 && !(await this.#room.make(one, entries))) this.#refuse(one, entries.splice(0), 'log_full_newest');
      await this.#room.onDisk(one, () => this.#commit(one, entries));
      this.#context.trouble.wellAgain();
      for (const watcher of watchers) watcher(true);
      this.#schedule(one);
    } catch (error) {
      // What is put back waits for its time: a failing disk is asked once a second, or by what comes new.
      this.#failed(one, entries, error as Error);
      for (const watcher of watchers) watcher(false);
    }
  }

  async #commit(one: EdgeStream, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0 && !one.dirty) return;
    const { groups, bad } = encodeGroups({ from: this.#context.edge, stream: one.stream, epoch: this.#context.epoch }, one.nextSeq, entries, this.#context.boots?.bootOf);
    await this.#write(one, groups);
    for (const { entries: own } of groups) for (const { call } of own) { call.kept += 1; answer(call); }
    if (bad.length > 0) this.#refuseBad(one, bad);
  }

  async #write(one: EdgeStream, groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<void> {
    const refused = one.refused.length;
    const kept = await one.commit(groups, change);
    // Whatever commit it was: the count of what was refused before is on disk now.
    for (const call of one.refused.splice(0, refused)) answer(call);
    this.#publish(kept);
  }

  #publish(kept: readonly KeptGroup[]): void {
    for (const group of kept) {
      for (const listener of this.#listeners) {
        try {
          listener(group);
        } catch (error) {
          // A listener's failure is no failure of the disk; it ends where nobody catches it.
          queueMicrotask(() => { throw error; });
        }
      }
    }
  }

  /** A call of which nothing is on disk is rejected; of one that is there in part, the rest is tried until it is. */
  #failed(one: EdgeStream, entries: readonly Entry[], error: Error): void {
    const again: Entry[] = [];
    for (const entry of entries) {
      if (entry.call.kept > 0) again.push(entry);
      else this.#reject(entry.call, error);
    }
    one.waiting.putBack(again);
    one.due = false;
    this.#context.trouble.failed(error);
    this.#after(`retry:${one.stream}`, RETRY_MS, () => { if (one.dirty || one.waiting.count > 0) this.#due(one); });
  }

  #reject(call: Call, error: Error): void {
    if (call.dead) return;
    call.dead = true;
    for (const stream of STREAMS) this.#streams[stream].waiting.dropDead();
    call.reject(failedWith(error));
  }
}

function answer(call: Call): void {
  call.open -= 1;
  if (call.open === 0 && !call.dead) call.resolve();
}

export const closed = () => new FaultError('CV_LOG_CLOSED');
