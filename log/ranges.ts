/** Sets of numbers as sorted ranges that never touch: what is settled, what is on disk, what is missing. Pure. */
import type { Mark } from './types.ts';

export type Range = [from: number, to: number];
export type Ranges = readonly Range[];

/** The set with [from, to] put in. */
export function addRange(ranges: Ranges, from: number, to: number): Range[] {
  if (from > to) return ranges.map(([a, b]) => [a, b]);
  const before: Range[] = [];
  const after: Range[] = [];
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

export function addRanges(ranges: Ranges, more: Ranges): Range[] {
  return more.reduce<Range[]>((sum, [from, to]) => addRange(sum, from, to), [...ranges]);
}

/** What of [from, to] is not in the set. */
export function missingOf(ranges: Ranges, from: number, to: number): Range[] {
  const missing: Range[] = [];
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

/** What of [from, to] is in the set. */
export function partOf(ranges: Ranges, from: number, to: number): Range[] {
  return ranges.filter(([a, b]) => b >= from && a <= to).map(([a, b]) => [Math.max(a, from), Math.min(b, to)]);
}

export function includes(ranges: Ranges, from: number, to: number): boolean {
  return ranges.some(([a, b]) => a <= from && to <= b);
}

export function countOf(ranges: Ranges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** Ranges from 1 on as a mark, and back. */
export function toMark(ranges: Ranges): Mark {
  const [first, ...rest] = ranges;
  if (!first) return { upTo: 0, have: [] };
  const have = first[0] <= 1 ? rest : ranges;
  return { upTo: first[0] <= 1 ? first[1] : 0, have: have.map(([from, to]) => [from, to]) };
}

export function fromMark(mark: Mark): Range[] {
  return addRanges(mark.upTo > 0 ? [[1, mark.upTo]] : [], mark.have);
}
