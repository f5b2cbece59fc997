import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumberSet } from './number-set.ts';

test('a set of numbers knows what it holds, what came again, and what the other one lacks', () => {
  const numbers = fc.array(fc.nat(200_000));
  fc.assert(fc.property(numbers, numbers, (mine, others) => {
    const set = new NumberSet();
    const other = new NumberSet();
    for (const number of mine) set.add(number);
    for (const number of others) other.add(number);
    assert.equal(set.size, new Set(mine).size);
    assert.equal(set.repeats, mine.length - set.size);
    assert.deepEqual(set.without(other), [...new Set(mine)].filter((number) => !others.includes(number)).toSorted((a, b) => a - b));
  }), { numRuns: 50 });
});
