import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairSampler, type PairRole } from './pair-sampler.ts';

const LETTERS: Record<PairRole, string> = { first: 'a', second: 'b', none: '.' };

function turns(stepMs: number, count: number, isSuspect: (at: number) => boolean = () => false): string {
  const pairs = new PairSampler();
  return Array.from({ length: count }, (_, at) => LETTERS[pairs.roleOf(at * stepMs, isSuspect(at))]).join('');
}

test('two neighbours a second or so, now nearer, now further apart, and after now longer, now shorter rests; of pictures that come seldom each with the one before', () => {
  assert.equal(turns(200, 17), 'ab..ab....ab...ab');
  assert.equal(turns(80, 42), 'a.b.......a..b............a.b.........a..b');
  assert.equal(turns(1000, 6), 'abbbbb');
  assert.equal(turns(500, 6), 'abbbbb');
});

test('while it may shake there is no rest, and a clock that jumped back begins anew', () => {
  assert.equal(turns(200, 12, (at) => at >= 3 && at < 8), 'ab.bbbbb...a');
  const pairs = new PairSampler();
  assert.deepEqual([0, 200, 100, 300].map((ptsMs) => pairs.roleOf(ptsMs, true)), ['first', 'second', 'first', 'second']);
});
