/**
 * An edge's log: four streams side by side under one lock, each able to give way by itself. Drafts wait until their group
 * closes, by time and size; one commit is under way at a time, and what comes meanwhile shares the next one.
 */
import { STREAMS, streamOf, type Draft, type Stream } from '../event.ts';
import { FaultError } from '../faults.ts';
import type { Timer, World } from '../world.ts';
import { BootClocks } from './boot-clocks.ts';
import type { BootRecord } from './boots.ts';
import { Chain } from './chain.ts';
import { nameHoles, recover, witnessMark } from './edge-losses.ts';
import { Room } from './edge-room.ts';
import { EdgeStream } from './edge-stream.ts';
import { failedWith, openStorage } from './failing.ts';
import { fromMark } from './ranges.ts';
import type { Hole, OpenReport, Salvage, Storage, StorageStats } from './storage.ts';
import { addPending, depth, lose, moveLosses, settle, unsettled, type StreamState } from './stream-state.ts';
import type { Cursor, EdgeLog, EdgeLogOptions, FullPolicy, KeptGroup, LogSize, Mark, ReadLimit, StoredGroup } from './types.ts';
import { Trouble } from './trouble.ts';
import { encodeGroups, type Call, type EncodedGroup, type Entry } from './waiting.ts';
import { workerStorage } from './worker-storage.ts';

const GROUP_MS = 250;
const STRETCHED_GROUP_MS = 1000;
/** Fewer events than this are not worth a commit of 10 KB after 250 ms. */
const STRETCH_BELOW_EVENTS = 50;
const MAX_WAITING_EVENTS = 100_000;
const RETRY_MS = 1000;
/** Marks are written no more often than this, beside a group, and by themselves when none came for as long again. */
const STATE_MS = 10_000;
const URGENT: ReadonlySet<Stream> = new Set<Stream>(['warning', 'state']);
const POLICIES: Record<Stream, FullPolicy> = { warning: 'drop-newest', state: 'drop-oldest', measurement: 'drop-oldest', diagnostic: 'drop-oldest' };

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openEdgeLog(options: EdgeLogOptions, world: World, storage: Storage = workerStorage()): Promise<OpenedEdgeLog> {
  const { dir, maxBytes, maxFileBytes, ballastBytes } = options;
  const report = await openStorage(storage, dir, { chains: STREAMS, origins: false, maxBytes, maxFileBytes, ballastBytes, nowMs: world.clock.nowMs() });
  const boots = options.clock ? await BootClocks.recall(report, { edge: options.edge, dir, clock: options.clock, storage, onKnown: options.onTimeKnown }) : null;
  const log = new OpenedEdgeLog(options, report, storage, world, boots);
  await log.nameDamage(report);
  return log;
}

class OpenedEdgeLog implements EdgeLog {
  readonly edge: string;
  readonly epoch: number;
  readonly #previousEpoch: number;
  readonly #world: World;
  readonly #storage: Storage;
  readonly #streams: Record<Stream, EdgeStream>;
  readonly #room: Room;
  readonly #trouble: Trouble;
  readonly #boots: BootClocks | null;
  readonly #listeners = new Set<(kept: KeptGroup) => void>();
  readonly #timers = new Map<string, Timer>();
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: EdgeLogOptions, report: OpenReport, storage: Storage, world: World, boots: BootClocks | null) {
    this.edge = options.edge;
    this.epoch = report.epoch;
    this.#previousEpoch = report.previousEpoch;
    this.#world = world;
    this.#storage = storage;
    const { maxFileBytes } = report;
    this.#trouble = new Trouble(world, report.disk, options.edge);
    const context = { edge: options.edge, centre: options.centre, epoch: report.epoch, storage, trouble: this.#trouble, world, boots };
    this.#boots = boots;
    const streams = STREAMS.map((stream) => new EdgeStream(stream, new Chain(stream, maxFileBytes, report.chains[stream]?.files ?? []), context));
    this.#streams = Object.fromEntries(streams.map((one) => [one.stream, one])) as Record<Stream, EdgeStream>;
    const bound = { maxBytes: options.maxBytes, maxFileBytes, policies: { ...POLICIES, ...options.policies } };
    this.#room = new Room(streams, bound, (one, change) => this.#write(one, [], change), { storage, trouble: this.#trouble, world });
    for (const one of streams) {
      const found = report.chains[one.stream];
      if (found) recover(one, found, world);
      if (one.state.pending.length > 0) this.#writeGaps(one);
    }
  }

  /** Part of opening: files that were found damaged are told of, and what they lost. */
  async nameDamage(report: OpenReport): Promise<void> {
    for (const [stream, { salvages }] of Object.entries(report.chains)) await this.#nameDamage(this.#streams[stream as Stream], salvages, []);
  }

  async #nameDamage(one: EdgeStream, salvages: readonly Salvage[], holes: readonly Hole[]): Promise<void> {
    one.salvaged(salvages);
    const all = [...holes, ...one.chain.holesOf(salvages)];
    if (all.length > 0 && (await nameHoles(one, all, this.#world))) this.#writeGaps(one);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    if (drafts.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const call: Call = { open: drafts.length, kept: 0, dead: false, resolve, reject };
      const nowMs = this.#world.clock.monotonicMs();
      for (const draft of drafts) this.#streams[streamOf(draft)].waiting.add(draft, call, nowMs);
      for (const one of Object.values(this.#streams)) {
        const over = one.waiting.dropOver(MAX_WAITING_EVENTS);
        if (over.length > 0) this.#refuse(one, over);
        this.#schedule(one);
      }
    });
  }

  async read(stream: Stream, after: Cursor, limit: ReadLimit): Promise<StoredGroup[]> {
    const one = this.#streams[stream];
    const owesGaps = () => one.state.pending.length > 0 || one.gapsUnderWay;
    const owedBefore = owesGaps();
    const first = await this.#readOnce(one, after, limit);
    // A reader that has come to the end sees what was let go as well: the record is made now, and read with the rest.
    if (!first.complete || this.#closing || !(owedBefore || owesGaps())) return first.groups;
    if (owesGaps()) {
      const watched = this.#nextCommit(one);
      this.#writeGaps(one);
      if (!(await watched)) return first.groups;
    }
    const last = first.groups.at(-1);
    const bytes = first.groups.reduce((sum, group) => sum + group.payload.length, 0);
    const rest = { maxGroups: limit.maxGroups - first.groups.length, maxBytes: limit.maxBytes - bytes };
    if (rest.maxGroups <= 0 || rest.maxBytes <= 0) return first.groups;
    const more = await this.#readOnce(one, last ? { epoch: last.epoch, seq: last.seq + last.count - 1 } : after, rest);
    return [...first.groups, ...more.groups];
  }

  async #readOnce(one: EdgeStream, after: Cursor, limit: ReadLimit): Promise<{ groups: StoredGroup[]; complete: boolean }> {
    if (this.#closing) throw closed();
    const parts = one.chain.partsAfter(after);
    if (parts.length === 0) return { groups: [], complete: true };
    const reply = await attempt(() => this.#storage.read({ chain: one.chain.name, parts, ...limit }));
    await this.#nameDamage(one, reply.salvages, reply.holes);
    return { groups: reply.groups.map((group) => this.#boots?.restamp(one.stream, group) ?? group), complete: reply.complete };
  }

  unsettled(stream: Stream): { epoch: number; from: number; to: number }[] {
    return unsettled(this.#streams[stream].state);
  }

  settle(stream: Stream, epoch: number, mark: Mark): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    const one = this.#streams[stream];
    const before = one.state;
    witnessMark(one, epoch, mark, { current: this.epoch, previous: this.#previousEpoch }, this.#world);
    if (one.state.epochs.has(epoch)) one.state = settle(one.state, epoch, fromMark(mark));
    if (one.state.pending !== before.pending) one.dirty = true;
    if (depth(one.state) !== depth(before)) one.marksMoved = true;
    // Whoever settles is there to hear of losses.
    if (one.state.pending.length > 0) this.#writeGaps(one);
    else if (one.marksMoved && one.holdsSettledFiles) this.#dueWithMarks(one);
    else if (one.marksMoved || one.dirty) this.#after(`state:${stream}`, STATE_MS, () => this.#letMarksRide(one));
    return Promise.resolve();
  }

  async setAside(stream: Stream, epoch: number, seq: number, code: string): Promise<void> {
    if (this.#closing) throw closed();
    const one = this.#streams[stream];
    const nowMs = this.#world.clock.nowMs();
    const event = await attempt(() => one.eventAt(epoch, seq));
    await attempt(() => this.#storage.setAside({ line: JSON.stringify({ at: nowMs, code, stream, epoch, seq, event }) }));
    const at = event?.occurredAt ?? nowMs;
    const gone = lose(one.state, { stream, epoch, fromSeq: seq, toSeq: seq, fromAt: at, toAt: at, reason: 'refused' });
    if (gone.ranges.length === 0) return;
    one.state = gone.state;
    one.dirty = true;
    this.#world.tell({ kind: 'samples_lost', count: gone.count, reason: 'refused', intended: false, stream });
    const watched = this.#nextCommit(one);
    this.#writeGaps(one);
    if (!(await watched)) throw new FaultError('CV_LOG_FAILED', { detail: 'the gap record is not written yet' });
  }

  /**
   * The clock is known: `trueAt` is what it shows at uptime 0 of this boot. From here on `read` gives the events of
   * unknown time theirs; `saveClock` puts that on disk, which is to be done before anything is sent.
   *
   * @returns the boots that are decided by it, each once in its life
   */
  decideClock(trueAt: number): readonly BootRecord[] {
    const decided = this.#boots?.decide(trueAt) ?? [];
    if (decided.length === 0) return [];
    for (const one of Object.values(this.#streams)) {
      one.state = moveLosses(one.state, (epoch) => decided.find(({ epochs }) => epochs.includes(epoch))?.decided?.shiftMs ?? 0);
      one.dirty = true;
    }
    return decided;
  }

  /** @throws CV_LOG_FAILED */
  async saveClock(): Promise<void> {
    await attempt(async () => this.#boots?.save());
  }

  size(stream: Stream): LogSize {
    const { state, chain } = this.#streams[stream];
    return { events: depth(state), bytes: chain.bytes };
  }

  onKept(listener: (kept: KeptGroup) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  stats(): Promise<StorageStats> {
    return this.#storage.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The first turn belongs to whoever called: #closing is set before anything waits.
    await Promise.resolve();
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
    await this.#storage.close();
  }

  /** What a failing disk did not take before the end; whole calls were rejected already. */
  #abandon(one: EdgeStream): void {
    const left = one.waiting.take(Infinity);
    if (left.length > 0) this.#world.tell({ kind: 'samples_lost', count: left.length, reason: 'shutdown', intended: false, stream: one.stream });
    for (const { call } of left) call.reject(closed());
  }

  /** Drafts that get no number: counted now, answered when the count is on disk. */
  #refuse(one: EdgeStream, entries: readonly Entry[]): void {
    const times = entries.map((entry) => entry.draft.occurredAt);
    const [fromAt, toAt] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    one.state = addPending(one.state, [{ stream: one.stream, epoch: this.epoch, fromSeq: 0, toSeq: 0, fromAt, toAt, count: entries.length, reason: 'log_full_newest' }]);
    for (const { call } of entries) {
      // It is in the books: the call is no longer one of which nothing is known.
      call.kept += 1;
      one.refused.push(call);
    }
    one.dirty = true;
    this.#world.tell({ kind: 'samples_lost', count: entries.length, reason: 'log_full_newest', intended: false, stream: one.stream });
    this.#due(one);
  }

  #schedule(one: EdgeStream): void {
    if (one.waiting.count === 0 || one.due) return;
    if (URGENT.has(one.stream) || one.waiting.full) return this.#due(one);
    const nowMs = this.#world.clock.monotonicMs();
    if (one.waiting.count >= STRETCH_BELOW_EVENTS && nowMs - one.waiting.sinceMs >= GROUP_MS) return this.#due(one);
    this.#after(`group:${one.stream}`, GROUP_MS, () => {
      if (one.waiting.count >= STRETCH_BELOW_EVENTS) return this.#due(one);
      this.#after(`group:${one.stream}`, STRETCHED_GROUP_MS - GROUP_MS, () => this.#due(one));
    });
  }

  /** One timer a name; a second wish waits for the first. */
  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#timers.has(name) || this.#closing) return;
    this.#timers.set(name, this.#world.clock.after(delayMs, () => {
      this.#timers.delete(name);
      run();
    }));
  }

  #due(one: EdgeStream): void {
    one.due = true;
    this.#kick();
  }

  #dueWithMarks(one: EdgeStream): void {
    one.dirty = true;
    this.#due(one);
  }

  /** Marks go with the next group, as a page less to write; where none comes, by themselves. Lost, they cost sending twice. */
  #letMarksRide(one: EdgeStream): void {
    if (!one.marksMoved && !one.dirty) return;
    one.dirty = true;
    this.#after(`state:${one.stream}`, STATE_MS, () => (one.dirty ? this.#due(one) : this.#letMarksRide(one)));
  }

  #writeGaps(one: EdgeStream): void {
    one.gapsDue = true;
    one.dirty = true;
    this.#due(one);
  }

  /** Resolves with whether the next commit of the stream succeeded. */
  #nextCommit(one: EdgeStream): Promise<boolean> {
    return new Promise((resolve) => { one.watchers.push(resolve); });
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
    one.due = one.waiting.count > 0 && (URGENT.has(one.stream) || one.waiting.full || this.#closing !== null);
    const watchers = one.watchers.splice(0);
    try {
      if (entries.length > 0 && !(await this.#room.make(one, entries))) this.#refuse(one, entries.splice(0));
      await this.#room.onDisk(one, () => this.#commit(one, entries));
      this.#trouble.wellAgain();
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
    const { groups, bad } = encodeGroups({ from: this.edge, stream: one.stream, epoch: this.epoch }, one.nextSeq, entries, this.#boots?.bootOf);
    await this.#write(one, groups);
    for (const { entries: own } of groups) for (const { call } of own) { call.kept += 1; answer(call); }
    for (const { entry, error } of bad) this.#reject(entry.call, error);
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
    this.#trouble.failed(error);
    this.#after(`retry:${one.stream}`, RETRY_MS, () => { if (one.dirty || one.waiting.count > 0) this.#due(one); });
  }

  #reject(call: Call, error: Error): void {
    if (call.dead) return;
    call.dead = true;
    for (const stream of STREAMS) this.#streams[stream].waiting.dropDead();
    call.reject(failedWith(error));
  }
}

export type { OpenedEdgeLog };

function answer(call: Call): void {
  call.open -= 1;
  if (call.open === 0 && !call.dead) call.resolve();
}

async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw failedWith(error);
  }
}

const closed = () => new FaultError('CV_LOG_CLOSED');
