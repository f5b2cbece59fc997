import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from './virtual-clock.ts';

test('timers fire in order of their time, those of one time in the order they were set, cancelled ones never', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 50 }), isOff: fc.boolean() }), { maxLength: 40 }),
      async (drawn) => {
        const clock = new VirtualClock(0);
        const fired: number[] = [];
        const timers = drawn.map(({ delayMs }, index) =>
          clock.after(delayMs, () => {
            fired.push(index);
            assert.equal(clock.nowMs(), delayMs);
          }),
        );
        drawn.forEach(({ isOff }, index) => {
          if (isOff) timers[index]?.cancel();
        });
        await clock.advanceMs(50);
        const wanted = drawn
          .map((one, at) => ({ ...one, at }))
          .filter(({ isOff }) => !isOff)
          .toSorted((a, b) => a.delayMs - b.delayMs || a.at - b.at)
          .map(({ at }) => at);
        assert.deepEqual(fired, wanted);
        assert.equal(clock.nextDueMs(), null);
      },
    ),
    { numRuns: 60 },
  );
});

test('a timer that a timer sets is fired in the same step when it falls due in it', async () => {
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  clock.after(10, () => clock.after(5, () => { fired.push(clock.nowMs()); }));
  await clock.advanceMs(14);
  assert.deepEqual(fired, []);
  await clock.advanceMs(1);
  assert.deepEqual(fired, [15]);
});
