/**
 * What to send next: the first numbers of a lane that are on disk, not settled and not under way. Nothing is remembered
 * but the groups read ahead, so whatever is lost on the way simply turns up again; memory is bounded whatever the backlog.
 */
import { STREAMS, type Stream } from '../../core/event.ts';
import { faultOf, type Fault } from '../../core/faults.ts';
import type { EdgeLog, CommittedGroup, StoredGroup } from '../../log/types.ts';
import type { Lane } from '../../core/wire/topics.ts';
import { cutBatch, type OutgoingBatch } from './cut-batch.ts';
import type { LiveBoundary } from './live-boundary.ts';
import type { RefusedRanges } from './refused-ranges.ts';
import { firstFreeRange, clipRange, type StreamSeqRange } from './seq-range.ts';

const READ_AHEAD = { maxGroups: 16, maxBytes: 512 << 10 };
/** Groups of a stream that were just written and are still in hand: what goes out at once is not read again. */
const MAX_FRESH = 4;
const NO_RUNS: StreamSeqRange[] = [];

export type NextBatch = ({ kind: 'batch' } & OutgoingBatch) | { kind: 'nothing' } | { kind: 'damaged'; run: StreamSeqRange; fault: Fault };

export class BatchSource {
  readonly #log: EdgeLog;
  readonly #freshness: LiveBoundary;
  readonly #refusals: RefusedRanges;
  readonly #ahead = new Map<string, StoredGroup[]>();
  readonly #fresh = new Map<Stream, StoredGroup[]>();
  /** Numbers that the log names and does not give; asked for again after a while. */
  #absent: StreamSeqRange[] = [];

  constructor(log: EdgeLog, freshness: LiveBoundary, refusals: RefusedRanges) {
    this.#log = log;
    this.#freshness = freshness;
    this.#refusals = refusals;
  }

  /** A group was written just now. */
  groupKept({ stream, epoch, firstSeq, drafts, payload }: CommittedGroup): void {
    if (!payload) return;
    const fresh = this.#fresh.get(stream) ?? [];
    this.#fresh.set(stream, fresh);
    if (fresh.push({ epoch, seq: firstSeq, count: drafts.length, payload }) > MAX_FRESH) fresh.shift();
  }

  /** The next numbers of a lane, in one piece as far as refusals allow; `underWay` are left out. Streams in order of weight. */
  find(lane: Lane, underWay: readonly StreamSeqRange[], nowMs: number): StreamSeqRange | null {
    const taken = [...underWay, ...this.#absent];
    for (const stream of STREAMS) {
      for (const run of this.#runsOf(stream, lane, nowMs)) {
        const free = firstFreeRange(run, taken);
        if (free) return this.#refusals.bound(free);
      }
    }
    return null;
  }

  #runsOf(stream: Stream, lane: Lane, nowMs: number): StreamSeqRange[] {
    const presentEpoch = this.#log.epoch;
    const found = this.#log.unsettled(stream);
    if (found.length === 0) return NO_RUNS;
    const unsettled = found.map(({ epoch, from, to }): StreamSeqRange => ({ stream, epoch, from, to }));
    const present = unsettled.filter((run) => run.epoch === presentEpoch);
    const liveFrom = this.#freshness.liveFrom(stream, nowMs, present.length);
    if (lane === 'up') return present.flatMap((run) => clipRange(run, liveFrom, Infinity) ?? []);
    return unsettled.flatMap((run) => (run.epoch === presentEpoch ? (clipRange(run, 0, liveFrom - 1) ?? []) : run));
  }

  /** Reads the batch that starts with a run found before. */
  async read(lane: Lane, run: StreamSeqRange, maxBytes: number): Promise<NextBatch> {
    const group = await this.#groupAt(lane, run);
    if (!group || group.epoch !== run.epoch || group.seq > run.from) {
      const to = group && group.epoch === run.epoch ? Math.min(run.to, group.seq - 1) : run.to;
      this.#absent.push({ ...run, to });
      return { kind: 'nothing' };
    }
    try {
      const cut = cutBatch(this.#log.edge, run.stream, group, run, maxBytes);
      return cut ? { kind: 'batch', ...cut } : { kind: 'nothing' };
    } catch (error) {
      const damaged = clipRange(run, group.seq, group.seq + group.count - 1) ?? run;
      return { kind: 'damaged', run: damaged, fault: faultOf(error, 'CV_WIRE_SHAPE') };
    }
  }

  async #groupAt(lane: Lane, run: StreamSeqRange): Promise<StoredGroup | undefined> {
    const key = `${lane}|${run.stream}`;
    const holds = (group: StoredGroup) => group.epoch === run.epoch && group.seq <= run.from && run.from < group.seq + group.count;
    const known = this.#ahead.get(key)?.find(holds) ?? this.#freshAt(run.stream, holds);
    if (known) return known;
    const groups = await this.#log.read(run.stream, { epoch: run.epoch, seq: run.from - 1 }, READ_AHEAD);
    this.#ahead.set(key, groups);
    return groups[0];
  }

  /** Those before it have gone out, or are read when they are sent again. */
  #freshAt(stream: Stream, holds: (group: StoredGroup) => boolean): StoredGroup | undefined {
    const fresh = this.#fresh.get(stream);
    const at = fresh?.findIndex(holds) ?? -1;
    if (!fresh || at < 0) return undefined;
    fresh.splice(0, at);
    return fresh[0];
  }

  /** Asks again for what the log did not give. */
  retryAbsent(): void {
    this.#absent = [];
  }

  clear(): void {
    this.#ahead.clear();
    this.#fresh.clear();
    this.#absent = [];
  }
}
