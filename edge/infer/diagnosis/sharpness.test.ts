import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../core/world.ts';
import type { PicturePlanes } from '../../../core/driver.ts';
import { blurScore, isEdgeless, measureSharpness } from './sharpness.ts';

const WIDTH = 640;
const HEIGHT = 360;
const random = seededRandom(6);

/** @param soft pixels that an edge takes. @param contrast luma on both sides of it. @param deviation of the grain */
function windows(soft: number, contrast: number, deviation: number): PicturePlanes {
  const grain = () => (random.next() + random.next() + random.next() - 1.5) * 2 * deviation;
  const step = (at: number) => Math.min(1, Math.max(0, (at % 60) / soft)) - Math.min(1, Math.max(0, ((at % 60) - 30) / soft));
  return {
    width: WIDTH,
    height: HEIGHT,
    yuv: Uint8Array.from({ length: (WIDTH * HEIGHT * 3) / 2 }, (_, at) =>
      Math.round(90 + contrast * step(at % WIDTH) * step(Math.floor(at / WIDTH)) + grain()),
    ),
  };
}

test('soft edges are blurred and sharp ones are not, whatever the grain', () => {
  for (const grain of [0, 1.5, 2.5]) {
    assert.ok(blurScore(measureSharpness(windows(14, 90, grain), grain)) >= 0.5, `soft, ${grain}`);
    assert.ok(blurScore(measureSharpness(windows(1, 90, grain), grain)) < 0.4, `sharp, ${grain}`);
  }
});

test('grain alone has no edges', () => {
  for (const grain of [0, 2.5, 6]) assert.ok(isEdgeless(measureSharpness(windows(1, 0, grain), grain)), `${grain}`);
});
