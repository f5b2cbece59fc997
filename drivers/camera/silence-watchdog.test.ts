import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { SilenceWatchdog } from './silence-watchdog.ts';

const nothing = () => new Promise<never>(() => {});

test('what does not come in time is told once; while nobody asks, nothing is late', async () => {
  const clock = new VirtualClock();
  let told = 0;
  const silence = new SilenceWatchdog(8000, clock, () => { told += 1; });
  await clock.advanceMs(60_000);
  assert.equal(await silence.until(Promise.resolve('picture')), 'picture');
  await clock.advanceMs(61_000);
  void silence.until(nothing());
  await clock.advanceMs(7999);
  assert.deepEqual([told, silence.isOver], [0, false]);
  await clock.advanceMs(2000);
  await clock.advanceMs(60_000);
  assert.deepEqual([told, silence.isOver], [1, true]);
  silence.end();
  assert.equal(clock.nextDueMs(), null);
});

test('each picture has its whole time, and one without limit all of it', async () => {
  const clock = new VirtualClock();
  let told = 0;
  const [bounded, endless] = [8000, Infinity].map(
    (limitMs) =>
      new SilenceWatchdog(limitMs, clock, () => {
        told += 1;
      }),
  ) as [SilenceWatchdog, SilenceWatchdog];
  for (let pictures = 0; pictures < 10; pictures += 1) {
    let come = () => {};
    const coming = bounded.until(new Promise<void>((resolve) => { come = resolve; }));
    await clock.advanceMs(7000);
    come();
    await coming;
  }
  void endless.until(nothing());
  await clock.advanceMs(1e6);
  assert.equal(told, 0);
  bounded.end();
  endless.end();
});
