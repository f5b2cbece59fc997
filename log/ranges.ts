/** Sets of sequence numbers as sorted, disjoint ranges. Pure. */
import type { SettledMark } from './types.ts';

export type SeqRange = [from: number, to: number];
export type SeqRanges = readonly SeqRange[];

/** The set with [from, to] added. */
export function addRange(ranges: SeqRanges, from: number, to: number): SeqRange[] {
  if (from > to) return ranges.map(([a, b]) => [a, b]);
  const before: SeqRange[] = [];
  const after: SeqRange[] = [];
  let low = from;
  let high = to;
  for (const [a, b] of ranges) {
    if (b < from - 1) before.push([a, b]);
    else if (a > to + 1) after.push([a, b]);
    else {
      low = Math.min(low, a);
      high = Math.max(high, b);
    }
  }
  return [...before, [low, high], ...after];
}

export function addRanges(ranges: SeqRanges, more: SeqRanges): SeqRange[] {
  return more.reduce<SeqRange[]>((sum, [from, to]) => addRange(sum, from, to), [...ranges]);
}

/** The part of [from, to] outside the set. */
export function missingRanges(ranges: SeqRanges, from: number, to: number): SeqRange[] {
  const missing: SeqRange[] = [];
  let next = from;
  for (const [a, b] of ranges) {
    if (b < next) continue;
    if (a > to) break;
    if (a > next) missing.push([next, a - 1]);
    next = b + 1;
  }
  if (next <= to) missing.push([next, to]);
  return missing;
}

/** The part of [from, to] inside the set. */
export function intersectRange(ranges: SeqRanges, from: number, to: number): SeqRange[] {
  return ranges.filter(([a, b]) => b >= from && a <= to).map(([a, b]) => [Math.max(a, from), Math.min(b, to)]);
}

export function includesRange(ranges: SeqRanges, from: number, to: number): boolean {
  return ranges.some(([a, b]) => a <= from && to <= b);
}

export function countNumbers(ranges: SeqRanges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** Ranges as a mark, and back. */
export function toMark(ranges: SeqRanges): SettledMark {
  const [first, ...rest] = ranges;
  if (!first) return { upTo: 0, have: [] };
  const have = first[0] <= 1 ? rest : ranges;
  return { upTo: first[0] <= 1 ? first[1] : 0, have: have.map(([from, to]) => [from, to]) };
}

export function fromMark(mark: SettledMark): SeqRange[] {
  return addRanges(mark.upTo > 0 ? [[1, mark.upTo]] : [], mark.have);
}
