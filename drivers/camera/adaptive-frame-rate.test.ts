import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveFrameRate } from './adaptive-frame-rate.ts';

/** Pictures at 20 fps, of which `able` per second can be processed; @returns how many were passed on in each second */
function given(rate: AdaptiveFrameRate, seconds: number, able: (second: number) => number, fromSecond = 0): number[] {
  let free = 0;
  return Array.from({ length: seconds }, (_, at) => {
    const second = fromSecond + at;
    let count = 0;
    for (let number = 0; number < 20; number += 1) {
      const ptsMs = second * 1000 + number * 50;
      if (!rate.accepts(ptsMs)) continue;
      count += 1;
      if (ptsMs < free) rate.recordDropped();
      else free = ptsMs + 1000 / able(second);
    }
    return count;
  });
}

test('the rate falls to what can be processed, not below the minimum, and rises again when there is capacity', () => {
  const rate = new AdaptiveFrameRate(20, 4);
  const perSecond = given(rate, 60, (second) => (second < 30 ? 8 : 40));
  assert.ok((perSecond[0] ?? 0) > 10);
  assert.ok(perSecond.slice(10, 30).every((count) => count >= 4 && count <= 13), String(perSecond));
  assert.equal(perSecond.at(-1), 20);
});

test('where even the minimum is too much it is kept, and isSlow lasts until it is not', () => {
  const rate = new AdaptiveFrameRate(20, 5);
  const perSecond = given(rate, 30, () => 1);
  assert.ok(perSecond.slice(10).every((count) => count >= 5), String(perSecond));
  assert.equal(rate.isSlow, true);
  given(rate, 20, () => 40, 30);
  assert.equal(rate.isSlow, false);
});

test('without a minimum no picture is left out', () => {
  assert.ok(given(new AdaptiveFrameRate(20, 20), 20, () => 1).every((count) => count === 20));
});
