import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from './testing/virtual-clock.ts';
import { parallelQueue, serialQueue } from './task-queue.ts';

function works(count: number) {
  const begun: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const run = (at: number) => () => new Promise<number>((resolve, reject) => {
    begun.push(at);
    ends[at] = (error) => (error ? reject(error) : resolve(at));
  });
  return { begun, ends, runs: Array.from({ length: count }, (_, index) => run(index)) };
}

test('so many at once, the others in the order they were asked for; one that fails holds up none', async () => {
  const { begun, ends, runs } = works(5);
  const inLane = parallelQueue(2);
  const done = runs.map((run) => inLane(run).catch((error: Error) => error.message));
  await settle();
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.(new Error('failed'));
  await settle();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await settle();
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  ends[3]?.();
  ends[4]?.();
  assert.deepEqual(await Promise.all(done), [0, 'failed', 2, 3, 4]);
});

test('one after the other', async () => {
  const { begun, ends, runs } = works(2);
  const inTurn = serialQueue();
  const done = runs.map((run) => inTurn(run).catch((error: Error) => error.message));
  await settle();
  assert.deepEqual(begun, [0]);
  ends[0]?.(new Error('failed'));
  await settle();
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.();
  assert.deepEqual(await Promise.all(done), ['failed', 1]);
});
