import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StreamTimes, type TimedArrival } from './stream-times.ts';

const PERIOD_MS = 40;

/** Pictures every 40 ms of true time by a clock that runs `ppm` fast, each `wayMs` under way; how far taken times lie from the truth. */
function offBy(seconds: number, ppm: number, wayMs: (number: number) => number): number[] {
  const times = new StreamTimes();
  return Array.from({ length: (seconds * 1000) / PERIOD_MS }, (_, number) => {
    const trueMs = number * PERIOD_MS;
    const arrivedMs = trueMs + wayMs(number);
    const { agoMs } = times.take({ streamMs: trueMs * (1 + ppm / 1e6), arrivedMs });
    return arrivedMs - agoMs - trueMs;
  });
}

test('a slow way does not move pictures in time, nor does a clock that runs a little fast or slow', () => {
  const jitter = (number: number) => 20 + (number % 7 === 0 ? 0 : (number * 37) % 180);
  for (const ppm of [0, 100, -100]) {
    const settled = offBy(600, ppm, jitter).slice(100);
    assert.ok(Math.max(...settled) - Math.min(...settled) <= 15, `${ppm} ppm: ${Math.min(...settled)} to ${Math.max(...settled)}`);
  }
});

test('presentation and taken times rise always, and a leap is said with its size', () => {
  const step = fc.record({ streamMs: fc.integer({ min: -1e6, max: 1e6 }), arrivedMs: fc.integer({ min: 0, max: 20_000 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const times = new StreamTimes();
    let at = { streamMs: 0, arrivedMs: 0 };
    let before: (TimedArrival & { takenMs: number }) | null = null;
    for (const one of steps) {
      at = { streamMs: at.streamMs + one.streamMs, arrivedMs: at.arrivedMs + one.arrivedMs };
      const timed = times.take(at);
      const takenMs = at.arrivedMs - timed.agoMs;
      if (before) assert.ok(timed.ptsMs > before.ptsMs && takenMs >= before.takenMs - 1e-6);
      assert.ok(timed.agoMs >= 0);
      before = { ...timed, takenMs };
    }
  }));
  const times = new StreamTimes();
  const took = [
    [5000, 0],
    [5040, 40],
    [0, 80],
    [40, 120],
    [3_600_000, 160],
    [3_600_040, 200],
  ].map(([streamMs = 0, arrivedMs = 0]) => times.take({ streamMs, arrivedMs }));
  assert.deepEqual(
    took.map(({ ptsMs }) => ptsMs),
    [0, 40, 80, 120, 160, 200],
  );
  assert.deepEqual(
    took.map(({ leaptMs }) => leaptMs),
    [undefined, undefined, -5080, undefined, 3_599_920, undefined],
  );
});

test('a stream that stood still for half a minute has not leapt, nor one that comes in bursts', () => {
  const still = new StreamTimes();
  assert.deepEqual(
    [
      [0, 0],
      [40, 40],
      [30_040, 30_040],
      [30_080, 30_080],
    ].map(([streamMs = 0, arrivedMs = 0]) => still.take({ streamMs, arrivedMs })),
    [0, 40, 30_040, 30_080].map((ptsMs) => ({ ptsMs, agoMs: 0 })),
  );
  const burst = new StreamTimes();
  const took = Array.from({ length: 200 }, (_, number) =>
    burst.take({ streamMs: number * 100, arrivedMs: Math.floor(number / 40) * 4000 }),
  );
  assert.ok(took.every(({ ptsMs, leaptMs }, number) => ptsMs === number * 100 && leaptMs === undefined));
  assert.equal(took.at(-1)?.agoMs, 0);
  assert.equal(took.at(-40)?.agoMs, 3900);
});
