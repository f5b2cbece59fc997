import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addRange, addRanges, countOf, fromMark, includes, missingOf, partOf, toMark, type Range } from './ranges.ts';

const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 })).map(([from, length]): Range => [from, from + length]);
const numbersOf = (ranges: readonly Range[]) => new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at)));
const sorted = (numbers: Iterable<number>) => [...numbers].toSorted((a, b) => a - b);

test('putting ranges in, in any order, gives the set of their numbers, sorted and apart', () => {
  fc.assert(fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
    const set = addRanges([], ranges);
    assert.deepEqual(sorted(numbersOf(set)), sorted(numbersOf(ranges)));
    assert.equal(countOf(set), numbersOf(ranges).size);
    set.forEach(([from, to], at) => assert.ok(from <= to && (at === 0 || from > (set[at - 1] as Range)[1] + 1)));
    assert.deepEqual(addRanges(set, ranges), set);
  }));
});

test('missing and present parts of a span make up the span', () => {
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), range, (ranges, [from, to]) => {
    const set = addRanges([], ranges);
    const [missing, part] = [missingOf(set, from, to), partOf(set, from, to)];
    assert.deepEqual(addRanges(missing, part), [[from, to]]);
    assert.equal(countOf(missing) + countOf(part), to - from + 1);
    assert.equal(includes(set, from, to), missing.length === 0);
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

test('an empty range changes nothing', () => {
  assert.deepEqual(addRange([[1, 3]], 9, 8), [[1, 3]]);
  assert.deepEqual(missingOf([[1, 3]], 9, 8), []);
  assert.deepEqual(toMark([]), { upTo: 0, have: [] });
});
