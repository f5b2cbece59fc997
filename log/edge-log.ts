/**
 * An edge's log: four streams side by side under one lock, each able to give way by itself. What is taken in goes through
 * `edge-commits.ts`; here it is read, settled and set aside.
 */
import { STREAMS, type Draft, type Stream } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import { BootClocks } from './boot-clocks.ts';
import type { BootRecord } from './boots.ts';
import { Chain } from './chain.ts';
import { nameHoles, recover, witnessMark } from './edge-losses.ts';
import { closed, EdgeCommits } from './edge-commits.ts';
import { EdgeStream } from './edge-stream.ts';
import { failedWith, openStorage } from './failing.ts';
import { PREPARED_FILE_BYTES } from './file-name.ts';
import { fromMark } from './ranges.ts';
import { standingAfter, withStanding } from './standing-gaps.ts';
import type { Hole, OpenReport, Salvage, Storage, StorageStats } from './storage.ts';
import { depth, lose, moveLosses, settle, unsettled } from './stream-state.ts';
import type { Cursor, EdgeLog, EdgeLogOptions, FullPolicy, KeptGroup, LogSize, Mark, ReadLimit, StoredGroup } from './types.ts';
import { Trouble } from './trouble.ts';
import { workerStorage } from './worker-storage.ts';
import './faults.ts';

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
  readonly #commits: EdgeCommits;
  readonly #boots: BootClocks | null;
  #closing: Promise<void> | null = null;

  constructor(options: EdgeLogOptions, report: OpenReport, storage: Storage, world: World, boots: BootClocks | null) {
    this.edge = options.edge;
    this.epoch = report.epoch;
    this.#previousEpoch = report.previousEpoch;
    this.#world = world;
    this.#storage = storage;
    const { maxFileBytes } = report;
    const trouble = new Trouble(world, report.disk, options.edge);
    const context = { edge: options.edge, centre: options.centre, epoch: report.epoch, storage, trouble, world, boots };
    this.#boots = boots;
    const streams = STREAMS.map((stream) => new EdgeStream(stream, new Chain(stream, maxFileBytes, report.chains[stream]?.files ?? []), context));
    this.#streams = Object.fromEntries(streams.map((one) => [one.stream, one])) as Record<Stream, EdgeStream>;
    const bound = { maxBytes: options.maxBytes - PREPARED_FILE_BYTES, maxFileBytes, policies: { ...POLICIES, ...options.policies } };
    this.#commits = new EdgeCommits(this.#streams, bound, context);
    for (const one of streams) {
      const found = report.chains[one.stream];
      if (found) recover(one, found, world);
      if (one.state.pending.length > 0) this.#commits.writeGaps(one);
    }
  }

  /** Part of opening: files that were found damaged are told of, and what they lost. */
  async nameDamage(report: OpenReport): Promise<void> {
    for (const [stream, { salvages }] of Object.entries(report.chains)) await this.#nameDamage(this.#streams[stream as Stream], salvages, []);
  }

  async #nameDamage(one: EdgeStream, salvages: readonly Salvage[], holes: readonly Hole[]): Promise<void> {
    one.salvaged(salvages);
    const all = [...holes, ...one.chain.holesOf(salvages)];
    if (all.length > 0 && (await nameHoles(one, all, this.#world))) this.#commits.writeGaps(one);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    return drafts.length === 0 ? Promise.resolve() : this.#commits.append(drafts);
  }

  async read(stream: Stream, after: Cursor, limit: ReadLimit): Promise<StoredGroup[]> {
    const one = this.#streams[stream];
    const owesGaps = () => one.state.pending.length > 0 || one.gapsUnderWay;
    const owedBefore = owesGaps();
    const first = await this.#readOnce(one, after, limit);
    // A reader that has come to the end sees what was let go as well: the record is made now, and read with the rest.
    if (!first.complete || this.#closing || !(owedBefore || owesGaps())) return first.groups;
    if (owesGaps()) {
      const watched = this.#commits.nextCommit(one);
      this.#commits.writeGaps(one);
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
    const standing = standingAfter(one.state, after);
    if (parts.length === 0 && standing.length === 0) return { groups: [], complete: true };
    const reply = await attempt(() => this.#storage.read({ chain: one.chain.name, parts, ...limit }));
    await this.#nameDamage(one, reply.salvages, reply.holes);
    const { groups, complete } = withStanding(reply, standing.filter((gap) => one.state.written.includes(gap)), (gap) => one.standing(gap), limit);
    return { groups: groups.map((group) => this.#boots?.restamp(one.stream, group) ?? group), complete };
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
    if (one.state.pending.length > 0) this.#commits.writeGaps(one);
    else if (one.marksMoved && one.holdsSettledFiles) this.#commits.dueWithMarks(one);
    else if (one.marksMoved || one.dirty) this.#commits.marksRide(one);
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
    const watched = this.#commits.nextCommit(one);
    this.#commits.writeGaps(one);
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

  /**
   * What was appended before is tried first: what says of a decision that a time stays unknown is on disk before the
   * decision is. Killed between the two it is said again; the other way round it never would be.
   *
   * @throws CV_LOG_FAILED
   */
  async saveClock(): Promise<void> {
    await this.#commits.tried(this.#streams.diagnostic);
    await attempt(async () => this.#boots?.save());
  }

  size(stream: Stream): LogSize {
    const { state, chain } = this.#streams[stream];
    return { events: depth(state), bytes: chain.bytes };
  }

  onKept(listener: (kept: KeptGroup) => void): () => void {
    return this.#commits.onKept(listener);
  }

  stats(): Promise<StorageStats> {
    return this.#storage.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#commits.end();
    await this.#storage.close();
  }
}

export type { OpenedEdgeLog };

async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw failedWith(error);
  }
}
