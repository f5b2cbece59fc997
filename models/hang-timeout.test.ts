import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HangTimeout } from './hang-timeout.ts';

const MOST_MS = 30_000;

/** One that has answered `times` runs after so long each. */
function after(waitedMs: number, times = 1, pictures = 1): HangTimeout {
  const patience = new HangTimeout(MOST_MS);
  for (let run = 0; run < times; run += 1) patience.answered('a', waitedMs, pictures);
  return patience;
}

test('the first run of a model, and of each in another process, is given the longest', () => {
  const patience = after(12);
  assert.deepEqual([patience.for('b', 1), patience.for('a', 1)], [MOST_MS, 2000]);
  patience.anew();
  assert.equal(patience.for('a', 1), MOST_MS);
});

test('then it follows what runs take, between 2 s and the longest, and their pictures', () => {
  assert.deepEqual([after(12).for('a', 1), after(400).for('a', 1), after(5000).for('a', 1)], [2000, 8000, MOST_MS]);
  assert.deepEqual([after(400).for('a', 3), after(1200, 1, 3).for('a', 1)], [24_000, 8000]);
});

test('a machine that is suddenly five times slower, then slower still, is waited for', () => {
  for (const usualMs of [12, 150, 1000]) {
    const patience = after(usualMs, 1000);
    for (const takesMs of [5, 25, 125].map((times) => Math.min(times * usualMs, 20_000))) {
      assert.ok(takesMs < patience.for('a', 1), `${takesMs} ms after ${usualMs}`);
      patience.answered('a', takesMs, 1);
    }
  }
});

test('one slow run is remembered for some hundred, not for ever', () => {
  const patience = after(1000);
  const waits = (runs: number) => {
    for (let run = 0; run < runs; run += 1) patience.answered('a', 12, 1);
    return patience.for('a', 1);
  };
  assert.ok(waits(50) > 15_000);
  assert.equal(waits(500), 2000);
});

test('one that was given up on may have been only slow: each time the next is given twice as long, until all is well again', () => {
  const patience = after(12);
  const given: number[] = [];
  for (let times = 0; times < 5; times += 1) {
    given.push(patience.for('a', 1));
    patience.unanswered('a', patience.for('a', 1), 1);
  }
  assert.deepEqual(given, [2000, 4000, 8000, 16_000, MOST_MS]);
  for (let run = 0; run < 1000; run += 1) patience.answered('a', 12, 1);
  assert.equal(patience.for('a', 1), 2000);
  patience.unanswered('a', 3, 1);
  assert.equal(patience.for('a', 1), 2000, 'one that died by itself at once says nothing');
  patience.anew();
  patience.unanswered('a', MOST_MS, 1);
  patience.answered('a', 12, 1);
  assert.equal(patience.for('a', 1), 2000, 'nor does one at its first run, which was given the longest anyway');
});

test('what was known of a model goes with it', () => {
  const patience = after(400);
  patience.forget('a');
  assert.equal(patience.for('a', 1), MOST_MS);
});
