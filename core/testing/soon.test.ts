import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soon, soonHolds } from './soon.ts';

test('a process that is held up is no reason to say that something took long', async () => {
  const heldUp = new Promise<string>((resolve) => { setTimeout(() => setImmediate(resolve, 'done'), 1); });
  const result = soon(heldUp, 'it');
  const from = process.hrtime.bigint();
  while (process.hrtime.bigint() - from < 1_300_000_000n);
  assert.equal(await result, 'done');
});

test('what never ends is said, what fails fails, and what comes to hold is seen', async () => {
  await assert.rejects(soon(new Promise(() => {}), 'the close'), /^Error: the close took more than 1000 ms$/);
  await assert.rejects(soon(Promise.reject(new Error('own')), 'it'), /^Error: own$/);
  await assert.rejects(soonHolds(() => false, 'never'), /not within 1000 ms: never/);
  let turns = 0;
  await soonHolds(() => (turns += 1) > 3, 'three turns');
});
