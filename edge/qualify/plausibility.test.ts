import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resetStuck, plausibilityFlags, type ValueTime, type PlausibilityState } from './plausibility.ts';

const LIMITS = { maxRate: { amount: 1, periodMs: 1000 }, stuckForMs: 5000 };
const flagsOf = (memory: PlausibilityState, ...seen: [seconds: number, value: number, by?: ValueTime['by']][]) =>
  seen.map(([seconds, value, by = 'edge']) => plausibilityFlags(memory, value, { atMs: seconds * 1000, by }, LIMITS).join(' '));

test('what was seen by another clock is nothing to compare with: neither a spike nor standing still goes over it', () => {
  assert.deepEqual(flagsOf({}, [0, 5], [4, 5], [5, 5]), ['', '', 'stuck']);
  assert.deepEqual(
    flagsOf({}, [0, 5], [4, 5], [5, 5, 'device'], [9, 5, 'device'], [10, 5, 'device']),
    ['', '', '', '', 'stuck'],
    'since the clock changed',
  );
  assert.deepEqual(flagsOf({}, [0, 5], [1, 50]), ['', 'spike']);
  assert.deepEqual(flagsOf({}, [0, 5], [1, 50, 'device'], [2, 5, 'device']), ['', '', 'spike'], 'the first by another clock is believed');
  assert.deepEqual(
    flagsOf({}, [0, 5], [1, 50], [2, 50, 'device'], [3, 50.5, 'device'], [4, 5.5, 'device']),
    ['', 'spike', '', '', 'spike'],
    'and so is no suspect of before',
  );
});

test('what is not good between two alike values begins the time anew', () => {
  const memory: PlausibilityState = {};
  assert.deepEqual(flagsOf(memory, [0, 5], [4, 5]), ['', '']);
  resetStuck(memory);
  assert.deepEqual(flagsOf(memory, [5, 5], [9, 5], [10, 5]), ['', '', 'stuck']);
});

test('a value that is older than the last is not judged by its rate; a rate that is just reached is believed', () => {
  assert.deepEqual(flagsOf({}, [10, 5], [9, 50], [10, 50], [11, 6], [12, 5]), ['', '', '', '', '']);
});
