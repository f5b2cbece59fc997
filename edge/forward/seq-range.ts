/** A run of numbers of one stream and epoch, and what remains of it. Pure. */
import type { Stream } from '../../core/event.ts';
import { countNumbers, missingRanges, intersectRange, type SeqRanges } from '../../log/ranges.ts';

export interface StreamSeqRange {
  stream: Stream;
  epoch: number;
  /** Both inclusive. */
  from: number;
  to: number;
}

type Numbers = Pick<StreamSeqRange, 'from' | 'to'>;

export const isSameStream = (a: Pick<StreamSeqRange, 'stream' | 'epoch'>, b: Pick<StreamSeqRange, 'stream' | 'epoch'>) =>
  a.stream === b.stream && a.epoch === b.epoch;
export const rangesOverlap = (a: StreamSeqRange, b: StreamSeqRange) => isSameStream(a, b) && a.to >= b.from && a.from <= b.to;
export const seqCount = (run: Numbers) => run.to - run.from + 1;

/** The first part of `run` that no run of `taken` touches, or null. */
export function firstFreeRange(run: StreamSeqRange, taken: readonly StreamSeqRange[]): StreamSeqRange | null {
  let { from } = run;
  for (const other of taken.filter((one) => rangesOverlap(one, run)).toSorted((a, b) => a.from - b.from)) {
    if (other.from > from) return { ...run, from, to: other.from - 1 };
    from = Math.max(from, other.to + 1);
  }
  return from <= run.to ? { ...run, from } : null;
}

/** The part of `run` within [from, to], or null. */
export function clipRange(run: StreamSeqRange, from: number, to: number): StreamSeqRange | null {
  const part = { ...run, from: Math.max(run.from, from), to: Math.min(run.to, to) };
  return part.from <= part.to ? part : null;
}

export const isRangeSettled = (run: Numbers, settled: SeqRanges) => missingRanges(settled, run.from, run.to).length === 0;

/** How many numbers of `runs` lie in the set. */
export const countSettled = (runs: readonly Numbers[], settled: SeqRanges) =>
  runs.reduce((sum, run) => sum + countNumbers(intersectRange(settled, run.from, run.to)), 0);
