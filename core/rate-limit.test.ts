import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from './faults.ts';
import { RateLimit } from './rate-limit.ts';
import { testWorld } from './testing/virtual-clock.ts';

test('so many a minute for each, and the wait is told', async () => {
  const { clock } = testWorld();
  const limit = new RateLimit(3, clock);
  const isTaken = (who: string) => {
    try {
      limit.count(who);
      return true;
    } catch (error) {
      assert.ok(error instanceof FaultError);
      return error.fault.params.waitSeconds;
    }
  };
  for (const at of [0, 1, 2]) assert.equal(isTaken('a'), true, `${at}`);
  await clock.advanceMs(20_000);
  assert.deepEqual([isTaken('a'), isTaken('b')], [40, true]);
  await clock.advanceMs(40_000);
  assert.equal(isTaken('a'), true);
});
