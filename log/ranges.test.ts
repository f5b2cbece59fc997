import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addRange,
  addRanges,
  countNumbers,
  fromMark,
  includesRange,
  missingRanges,
  intersectRange,
  toMark,
  type SeqRange,
} from './ranges.ts';

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([from, length]): SeqRange => [from, from + length]);
const numbersOf = (ranges: readonly SeqRange[]) =>
  new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index)));
const sorted = (numbers: Iterable<number>) => [...numbers].toSorted((a, b) => a - b);

test('putting ranges in, in any order, gives the set of their numbers, sorted and apart', () => {
  fc.assert(fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
    const set = addRanges([], ranges);
    assert.deepEqual(sorted(numbersOf(set)), sorted(numbersOf(ranges)));
    assert.equal(countNumbers(set), numbersOf(ranges).size);
    set.forEach(([from, to], index) => assert.ok(from <= to && (index === 0 || from > (set[index - 1] as SeqRange)[1] + 1)));
    assert.deepEqual(addRanges(set, ranges), set);
  }));
});

test('missing and present parts of a span make up the span', () => {
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), range, (ranges, [from, to]) => {
    const set = addRanges([], ranges);
    const [missing, part] = [missingRanges(set, from, to), intersectRange(set, from, to)];
    assert.deepEqual(addRanges(missing, part), [[from, to]]);
    assert.equal(countNumbers(missing) + countNumbers(part), to - from + 1);
    assert.equal(includesRange(set, from, to), missing.length === 0);
    assert.deepEqual(sorted(numbersOf(part)), sorted([...numbersOf(set)].filter((number) => number >= from && number <= to)));
  }));
});

test('a mark says the same numbers as its ranges', () => {
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
    const set = addRanges([], ranges);
    const mark = toMark(set);
    assert.deepEqual(fromMark(mark), set);
    assert.ok(mark.have.every(([from]) => from > mark.upTo + 1));
    assert.equal(numbersOf(set).has(1), mark.upTo > 0);
  }));
});

test('a range that ends with the first number of a span, or begins with its last, covers that number', () => {
  assert.deepEqual(
    [missingRanges([[1, 5]], 5, 9), missingRanges([[9, 12]], 5, 9), missingRanges([[1, 5], [9, 9]], 5, 9), missingRanges([[5, 9]], 5, 9)],
    [[[6, 9]], [[5, 8]], [[6, 8]], []],
  );
});

test('an empty range changes nothing', () => {
  assert.deepEqual(addRange([[1, 3]], 9, 8), [[1, 3]]);
  assert.deepEqual(missingRanges([[1, 3]], 9, 8), []);
  assert.deepEqual(toMark([]), { upTo: 0, have: [] });
});
