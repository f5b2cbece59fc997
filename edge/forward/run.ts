/** A run of numbers of one stream and epoch, and what remains of it. Pure. */
import type { Stream } from '../../core/event.ts';
import { countNumbers, missingRanges, intersectRange, type SeqRanges } from '../../log/ranges.ts';

export interface Run {
  stream: Stream;
  epoch: number;
  /** Both inclusive. */
  from: number;
  to: number;
}

type Numbers = Pick<Run, 'from' | 'to'>;

export const sameStream = (a: Pick<Run, 'stream' | 'epoch'>, b: Pick<Run, 'stream' | 'epoch'>) => a.stream === b.stream && a.epoch === b.epoch;
export const overlaps = (a: Run, b: Run) => sameStream(a, b) && a.to >= b.from && a.from <= b.to;
export const lengthOf = (run: Numbers) => run.to - run.from + 1;

/** The first part of `run` that no run of `taken` touches, or null. */
export function firstFree(run: Run, taken: readonly Run[]): Run | null {
  let { from } = run;
  for (const other of taken.filter((one) => overlaps(one, run)).toSorted((a, b) => a.from - b.from)) {
    if (other.from > from) return { ...run, from, to: other.from - 1 };
    from = Math.max(from, other.to + 1);
  }
  return from <= run.to ? { ...run, from } : null;
}

/** The part of `run` within [from, to], or null. */
export function within(run: Run, from: number, to: number): Run | null {
  const part = { ...run, from: Math.max(run.from, from), to: Math.min(run.to, to) };
  return part.from <= part.to ? part : null;
}

export const isCovered = (run: Numbers, settled: SeqRanges) => missingRanges(settled, run.from, run.to).length === 0;

/** How many numbers of `runs` lie in the set. */
export const countWithin = (runs: readonly Numbers[], settled: SeqRanges) => runs.reduce((sum, run) => sum + countNumbers(intersectRange(settled, run.from, run.to)), 0);
