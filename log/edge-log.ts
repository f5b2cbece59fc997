/**
 * An edge's log: four independent streams under one lock. Appending is in `edge-commits.ts`; this file reads, settles and
 * quarantines.
 */
import { STREAMS, type Draft, type Stream } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import { BootClocks } from './boot-clocks.ts';
import type { BootRecord } from './boot-history.ts';
import { FileChain } from './file-chain.ts';
import { recordMissingRanges, recoverStream, checkGatewayMark } from './edge-losses.ts';
import { logClosedError, EdgeCommits } from './edge-commits.ts';
import { EdgeStream } from './edge-stream.ts';
import { toLogFault, openStorage } from './storage-faults.ts';
import { PREPARED_FILE_BYTES } from './file-name.ts';
import { fromMark } from './ranges.ts';
import { savedGapsAfter, mergeSavedGaps } from './saved-gaps.ts';
import type { MissingRange, StorageOpenReport, SalvageReport, LogStorage, StorageStats } from './storage.ts';
import { countUnsettled, recordLoss, shiftPendingLosses, settleRanges, unsettledRanges } from './stream-state.ts';
import type { Cursor, EdgeLog, EdgeLogOptions, FullPolicy, CommittedGroup, LogSize, SettledMark, ReadLimit, StoredGroup } from './types.ts';
import { DiskHealth } from './disk-health.ts';
import { workerStorage } from './worker-storage.ts';
import './faults.ts';

const POLICIES: Record<Stream, FullPolicy> = {
  warning: 'drop-newest',
  state: 'drop-oldest',
  measurement: 'drop-oldest',
  diagnostic: 'drop-oldest',
};

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openEdgeLog(options: EdgeLogOptions, world: World, storage: LogStorage = workerStorage()): Promise<FileEdgeLog> {
  const { dir, maxBytes, maxFileBytes, ballastBytes } = options;
  const report = await openStorage(storage, dir, {
    chains: STREAMS,
    origins: false,
    maxBytes,
    maxFileBytes,
    ballastBytes,
    nowMs: world.clock.nowMs(),
  });
  const boots = options.clock
    ? await BootClocks.load(report, { edge: options.edge, dir, clock: options.clock, storage, onKnown: options.onTimeKnown })
    : null;
  const log = new FileEdgeLog(options, report, storage, world, boots);
  await log.reportDamage(report);
  return log;
}

class FileEdgeLog implements EdgeLog {
  readonly edge: string;
  readonly epoch: number;
  readonly #previousEpoch: number;
  readonly #world: World;
  readonly #storage: LogStorage;
  readonly #streams: Record<Stream, EdgeStream>;
  readonly #commits: EdgeCommits;
  readonly #boots: BootClocks | null;
  #closing: Promise<void> | null = null;

  constructor(options: EdgeLogOptions, report: StorageOpenReport, storage: LogStorage, world: World, boots: BootClocks | null) {
    this.edge = options.edge;
    this.epoch = report.epoch;
    this.#previousEpoch = report.previousEpoch;
    this.#world = world;
    this.#storage = storage;
    const { maxFileBytes } = report;
    const diskHealth = new DiskHealth(world, report.disk, options.edge);
    const context = { edge: options.edge, centre: options.centre, epoch: report.epoch, storage, diskHealth, world, boots };
    this.#boots = boots;
    const streams = STREAMS.map(
      (stream) => new EdgeStream(stream, new FileChain(stream, maxFileBytes, report.chains[stream]?.files ?? []), context),
    );
    this.#streams = Object.fromEntries(streams.map((one) => [one.stream, one])) as Record<Stream, EdgeStream>;
    const bound = { maxBytes: options.maxBytes - PREPARED_FILE_BYTES, maxFileBytes, policies: { ...POLICIES, ...options.policies } };
    this.#commits = new EdgeCommits(this.#streams, bound, context);
    for (const one of streams) {
      const found = report.chains[one.stream];
      if (found) recoverStream(one, found, world);
      if (one.state.pending.length > 0) this.#commits.commitGaps(one);
    }
  }

  /** Part of opening: reports damaged files and what was lost in them. */
  async reportDamage(report: StorageOpenReport): Promise<void> {
    for (const [stream, { salvages }] of Object.entries(report.chains))
      await this.#recordDamage(this.#streams[stream as Stream], salvages, []);
  }

  async #recordDamage(one: EdgeStream, salvages: readonly SalvageReport[], missing: readonly MissingRange[]): Promise<void> {
    one.recordSalvages(salvages);
    const all = [...missing, ...one.chain.missingRanges(salvages)];
    if (all.length > 0 && (await recordMissingRanges(one, all, this.#world))) this.#commits.commitGaps(one);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#closing) return Promise.reject(logClosedError());
    return drafts.length === 0 ? Promise.resolve() : this.#commits.append(drafts);
  }

  async read(stream: Stream, after: Cursor, limit: ReadLimit): Promise<StoredGroup[]> {
    const one = this.#streams[stream];
    const hasPendingGaps = () => one.state.pending.length > 0 || one.gapsInFlight;
    const hadPendingGaps = hasPendingGaps();
    const first = await this.#readOnce(one, after, limit);
    // A reader at the end of the log also needs the gap records: commit them now and read them too.
    if (!first.complete || this.#closing || !(hadPendingGaps || hasPendingGaps())) return first.groups;
    if (hasPendingGaps()) {
      const watched = this.#commits.nextCommit(one);
      this.#commits.commitGaps(one);
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
    if (this.#closing) throw logClosedError();
    const parts = one.chain.partsAfter(after);
    const standing = savedGapsAfter(one.state, after);
    if (parts.length === 0 && standing.length === 0) return { groups: [], complete: true };
    const reply = await attempt(() => this.#storage.read({ chain: one.chain.name, parts, ...limit }));
    await this.#recordDamage(one, reply.salvages, reply.missing);
    const { groups, complete } = mergeSavedGaps(
      reply,
      standing.filter((gap) => one.state.written.includes(gap)),
      (gap) => one.gapGroup(gap),
      limit,
    );
    return { groups: groups.map((group) => this.#boots?.restamp(one.stream, group) ?? group), complete };
  }

  unsettled(stream: Stream): { epoch: number; from: number; to: number }[] {
    return unsettledRanges(this.#streams[stream].state);
  }

  settle(stream: Stream, epoch: number, mark: SettledMark): Promise<void> {
    if (this.#closing) return Promise.reject(logClosedError());
    const one = this.#streams[stream];
    const before = one.state;
    checkGatewayMark(one, epoch, mark, { current: this.epoch, previous: this.#previousEpoch }, this.#world);
    if (one.state.epochs.has(epoch)) one.state = settleRanges(one.state, epoch, fromMark(mark));
    if (one.state.pending !== before.pending) one.stateChanged = true;
    if (countUnsettled(one.state) !== countUnsettled(before)) one.marksMoved = true;
    // A gateway that settles is connected and can receive gap records.
    if (one.state.pending.length > 0) this.#commits.commitGaps(one);
    else if (one.marksMoved && one.hasSettledFiles) this.#commits.commitMarks(one);
    else if (one.marksMoved || one.stateChanged) this.#commits.scheduleMarks(one);
    return Promise.resolve();
  }

  async setAside(stream: Stream, epoch: number, seq: number, code: string): Promise<void> {
    if (this.#closing) throw logClosedError();
    const one = this.#streams[stream];
    const nowMs = this.#world.clock.nowMs();
    const event = await attempt(() => one.readEvent(epoch, seq));
    await attempt(() => this.#storage.setAside({ line: JSON.stringify({ at: nowMs, code, stream, epoch, seq, event }) }));
    const atMs = event?.occurredAt ?? nowMs;
    const lost = recordLoss(one.state, { stream, epoch, fromSeq: seq, toSeq: seq, fromAt: atMs, toAt: atMs, reason: 'refused' });
    if (lost.ranges.length === 0) return;
    one.state = lost.state;
    one.stateChanged = true;
    this.#world.tell({ kind: 'samples_lost', count: lost.count, reason: 'refused', intended: false, stream });
    const watched = this.#commits.nextCommit(one);
    this.#commits.commitGaps(one);
    if (!(await watched)) throw new FaultError('CV_LOG_FAILED', { detail: 'the gap record is not written yet' });
  }

  /**
   * The clock is known: `trueAt` is its reading at uptime 0 of this boot. From now on `read` returns corrected times;
   * `saveClockCorrection` puts the correction on disk, which must happen before anything is sent.
   *
   * @returns the boots that were corrected; each is corrected only once
   */
  correctClock(trueAt: number): readonly BootRecord[] {
    const decided = this.#boots?.correct(trueAt) ?? [];
    if (decided.length === 0) return [];
    for (const one of Object.values(this.#streams)) {
      one.state = shiftPendingLosses(one.state, (epoch) => decided.find(({ epochs }) => epochs.includes(epoch))?.decided?.shiftMs ?? 0);
      one.stateChanged = true;
    }
    return decided;
  }

  /**
   * The queue is flushed first: events that report a correction must be on disk before the correction is. After a crash
   * between the two they are written again; in the other order they would be missing.
   *
   * @throws CV_LOG_FAILED
   */
  async saveClockCorrection(): Promise<void> {
    await this.#commits.flush(this.#streams.diagnostic);
    await attempt(async () => this.#boots?.saveCorrections());
  }

  size(stream: Stream): LogSize {
    const { state, chain } = this.#streams[stream];
    return { events: countUnsettled(state), bytes: chain.bytes };
  }

  onCommitted(listener: (kept: CommittedGroup) => void): () => void {
    return this.#commits.onCommitted(listener);
  }

  stats(): Promise<StorageStats> {
    return this.#storage.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#commits.close();
    await this.#storage.close();
  }
}

export type { FileEdgeLog };

async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toLogFault(error);
  }
}
