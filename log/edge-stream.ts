/** One stream of an edge's log: files, state, queue, and one commit at a time. */
import type { Draft, Event, Stream } from '../core/event.ts';
import { faultOf } from '../core/faults.ts';
import { decodeBatch, encodeBatch } from '../core/wire/batch.ts';
import { ownClock, type World } from '../core/world.ts';
import type { BootClocks } from './boot-clocks.ts';
import type { FileChain } from './file-chain.ts';
import { isRetryableInNewFile } from './storage-faults.ts';
import { gapDraft, type LossRecord } from './gap.ts';
import {
  isDiskFullFailure,
  StorageError,
  type CommitRequest,
  type FileReport,
  type LogGroup,
  type SalvageReport,
  type LogStorage,
} from './storage.ts';
import {
  addPendingLosses,
  EMPTY_STREAM_STATE,
  epochState,
  pruneDrainedEpochs,
  formatStreamState,
  addWrittenGaps,
  unsettledRows,
  extendEpoch,
  takePendingLosses,
  type StreamState,
  type WrittenGap,
} from './stream-state.ts';
import type { CommittedGroup, StoredGroup } from './types.ts';
import type { DiskHealth } from './disk-health.ts';
import { AppendQueue, type AppendCall, type EncodedGroup } from './append-queue.ts';
import './faults.ts';

const MAX_GAPS_PER_COMMIT = 500;

export interface EdgeStreamContext {
  edge: string;
  centre: string;
  epoch: number;
  storage: LogStorage;
  diskHealth: DiskHealth;
  world: World;
  /** null when the clock is always set. */
  boots: BootClocks | null;
}

export class EdgeStream {
  readonly stream: Stream;
  readonly chain: FileChain;
  readonly queue = new AppendQueue();
  readonly #context: EdgeStreamContext;
  state: StreamState = EMPTY_STREAM_STATE;
  /** The state in memory is newer than on disk. */
  stateChanged = false;
  /** Only marks have moved: not worth a page per commit, since a lost mark only costs a resend. */
  marksMoved = false;
  /** To be committed in the next round. */
  commitDue = false;
  /** Pending losses are written as gap records with the next commit; until a reader needs them they only accumulate. */
  gapsDue = false;
  /** The running commit contains gap records. */
  gapsInFlight = false;
  /** Calls with refused drafts: resolved when the loss is on disk. */
  refusedCalls: AppendCall[] = [];
  /** Epochs of marks from another folder; each is reported once. */
  readonly foreignEpochs = new Set<number>();
  /** Called with the outcome of the next commit of this stream. */
  commitWaiters: ((done: boolean) => void)[] = [];

  constructor(stream: Stream, chain: FileChain, context: EdgeStreamContext) {
    this.stream = stream;
    this.chain = chain;
    this.#context = context;
  }

  /** Number of the next event. */
  get nextSeq(): number {
    return epochState(this.state, this.#context.epoch).last + 1;
  }

  /**
   * Writes groups (numbered from `nextSeq` on), the gap records that are due, and the state, in one transaction.
   *
   * @param change applied to the state at commit time
   * @returns the durable groups, in order of numbers
   */
  async commit(groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<CommittedGroup[]> {
    const { gapsDue } = this;
    try {
      return await this.#commit(groups, change);
    } catch (error) {
      if (!isRetryableInNewFile(error)) throw error;
      this.gapsDue = gapsDue;
      const kept = await this.#commit(groups, change);
      this.#context.diskHealth.recordFileReplaced(error);
      return kept;
    }
  }

  async #commit(groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<CommittedGroup[]> {
    const { epoch, storage, world, boots } = this.#context;
    const startedMs = world.clock.monotonicMs();
    const firstSeq = this.nextSeq;
    const gapSeq = firstSeq + groups.reduce((sum, group) => sum + group.count, 0);
    const losses = this.#takeGaps();
    const [atMs, clock] = [world.clock.nowMs(), ownClock(world.clock)];
    const gaps = losses.map((lost, index): WrittenGap => ({ epoch, seq: gapSeq + index, lost, at: atMs, clock }));
    const gapGroup = gaps.length > 0 ? this.#encodeGaps(gapSeq, gaps) : null;
    const last = gapSeq + gaps.length - 1;
    const nextState = (state: StreamState) => {
      const appended = extendEpoch(addWrittenGaps(state, gaps), epoch, last);
      return pruneDrainedEpochs(change ? change(appended) : appended, epoch);
    };

    const target = this.chain.fileForCommit(epoch, firstSeq);
    const request: CommitRequest = {
      chain: this.chain.name,
      file: target,
      groups: groups.map(({ seq, count, payload }) => ({ seq, count, payload })),
      monotonicMs: startedMs,
    };
    if (gapGroup) request.groups = [...request.groups, gapGroup.row];
    // The last number needs no state, the rows have it: saves a page in most commits.
    const written = this.stateChanged || change || gapGroup || this.chain.startsFile(target) ? nextState(this.state) : null;
    if (written) request.state = formatStreamState(written);
    if (written) this.marksMoved = false;
    this.stateChanged = false;
    this.gapsInFlight = gaps.length > 0;
    try {
      await boots?.recordUnsynced(this.stream, firstSeq, [
        ...groups.flatMap((group) => group.queued.map(({ draft }) => draft)),
        ...(gapGroup?.drafts ?? []),
      ]);
      const reply = await storage.commit(request);
      this.chain.recordCommit(target, last, 0, reply.bytes);
      this.#context.diskHealth.disk = reply.disk;
    } catch (error) {
      this.stateChanged = true;
      this.state = addPendingLosses(this.state, losses);
      await this.#afterFailure(error);
      throw error;
    } finally {
      this.gapsInFlight = false;
    }
    this.state = nextState(this.state);
    const durationMs = world.clock.monotonicMs() - startedMs;
    const keptOf = (drafts: readonly Draft[], { seq, payload }: Pick<LogGroup, 'seq' | 'payload'>): CommittedGroup => ({
      stream: this.stream, epoch, firstSeq: seq, drafts, ...(boots?.batchBoot(drafts).boot ? {} : { payload }), durationMs,
    });
    const kept = groups.map((group) => keptOf(group.queued.map((entry) => entry.draft), group));
    if (gapGroup) kept.push(keptOf(gapGroup.drafts, gapGroup.row));
    if (written) await this.#removeSettled(written);
    return kept;
  }

  /** Whether a file can be removed once the state is on disk. */
  get hasSettledFiles(): boolean {
    return this.chain.removable((file, last) => isSettled(this.state, file, last)).length > 0;
  }

  /** Time range of the events in [from, to], from the groups at its ends if readable. */
  async timeRange(epoch: number, from: number, to: number): Promise<{ fromAt: number; toAt: number }> {
    const now = this.#context.world.clock.nowMs();
    const fromAt = await this.#timeOf(epoch, from);
    const toAt = await this.#timeOf(epoch, to);
    return { fromAt: fromAt ?? toAt ?? now, toAt: toAt ?? fromAt ?? now };
  }

  async #timeOf(epoch: number, seq: number): Promise<number | null> {
    const event = await this.readEvent(epoch, seq);
    return event && (this.#context.boots?.timeOf(event) ?? event.occurredAt);
  }

  async readEvent(epoch: number, seq: number): Promise<Event | null> {
    const [part] = this.chain.partsAfter({ epoch, seq: seq - 1 });
    if (!part || part.epoch !== epoch || part.from !== seq) return null;
    const { groups, salvages } = await this.#context.storage.read({
      chain: this.chain.name,
      parts: [{ ...part, to: seq }],
      maxGroups: 1,
      maxBytes: Infinity,
    });
    this.recordSalvages(salvages);
    const group = groups[0];
    if (!group) return null;
    try {
      return decodeBatch(group.payload).events[seq - group.seq] ?? null;
    } catch (error) {
      // A row that is no valid batch: it can still be quarantined and settled without its content.
      this.#context.world.tell({ kind: 'fault', fault: faultOf(error, 'CV_LOG_FAILED'), edge: this.#context.edge });
      return null;
    }
  }

  /** A gap record as a group, equal to its row. */
  gapGroup({ epoch, seq, lost, at: atMs, clock }: WrittenGap): StoredGroup {
    const { edge, centre } = this.#context;
    return {
      epoch,
      seq,
      count: 1,
      payload: encodeBatch({ from: edge, stream: this.stream, epoch, seq }, [gapDraft(edge, centre, lost, atMs, clock)]),
    };
  }

  /** Damaged files were replaced: nothing is appended to them; the next read records what they lost. */
  recordSalvages(salvages: readonly SalvageReport[]): void {
    this.#context.diskHealth.reportSalvages(salvages);
    for (const { name, bytes } of salvages) this.chain.markDamaged(name, bytes);
  }

  /** Appends a line to the quarantine file; a failure is reported and otherwise ignored. */
  async quarantine(what: object): Promise<void> {
    try {
      await this.#context.storage.setAside({ line: JSON.stringify(what) });
    } catch (error) {
      this.#context.diskHealth.recordFailure(error);
    }
  }

  #takeGaps(): readonly LossRecord[] {
    if (!this.gapsDue) return [];
    const { state, gaps } = takePendingLosses(this.state, MAX_GAPS_PER_COMMIT);
    this.state = state;
    this.gapsDue = state.pending.length > 0;
    return gaps;
  }

  #encodeGaps(seq: number, gaps: readonly WrittenGap[]): { row: LogGroup; drafts: Draft[] } {
    const { edge, centre, epoch, boots } = this.#context;
    const drafts = gaps.map(({ lost, at: atMs, clock }) => gapDraft(edge, centre, lost, atMs, clock));
    return {
      row: {
        seq,
        count: drafts.length,
        payload: encodeBatch({ from: edge, stream: this.stream, epoch, seq, ...boots?.batchBoot(drafts) }, drafts),
      },
      drafts,
    };
  }

  /**
   * On a full disk the marks that would free files cannot be written, so files settled in memory are removed at once.
   * After a crash before the next commit, events that the gateway has would be recorded as lost.
   */
  async #afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof StorageError)) return;
    this.chain.recordFailure(error.failure);
    if (isDiskFullFailure(error.failure)) await this.#removeSettled(this.state);
  }

  async removeFiles(files: readonly FileReport[]): Promise<void> {
    const names = files.map((file) => file.name);
    this.#context.diskHealth.disk = await this.#context.storage.remove({ names });
    this.chain.remove(names);
  }

  /** Removes files that are fully settled according to the state on disk. */
  async #removeSettled(written: StreamState): Promise<void> {
    const settled = this.chain.removable((file, last) => isSettled(written, file, last));
    if (settled.length === 0) return;
    try {
      await this.removeFiles(settled);
    } catch (error) {
      // They stay in the chain; the next commit tries again.
      this.#context.world.tell({ kind: 'fault', fault: faultOf(error, 'CV_LOG_FAILED'), edge: this.#context.edge });
    }
  }
}

function isSettled(state: StreamState, file: FileReport, last: number): boolean {
  return !state.epochs.has(file.epoch) || unsettledRows(state, file.epoch, file.first, last).length === 0;
}
