import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PicturePlanes } from '../../../core/driver.ts';
import { colourCastScore, measureColour } from './colour.ts';

const WIDTH = 64;
const HEIGHT = 36;

/** A lawn, with a path of this share. @param tint what is added to both colours of all of it */
function park(pathShare: number, [tintU, tintV]: readonly [number, number] = [0, 0]): PicturePlanes {
  const luma = WIDTH * HEIGHT;
  const isPath = (at: number) => at % (luma / 4) >= (luma / 4) * (1 - pathShare);
  return {
    width: WIDTH,
    height: HEIGHT,
    yuv: Uint8Array.from({ length: luma * 1.5 }, (_, at) =>
      at < luma ? 110 : (isPath(at) ? 128 : at < luma * 1.25 ? 105 : 112) + (at < luma * 1.25 ? tintU : tintV),
    ),
  };
}

test('a lawn is green and not tinted, as long as something grey is seen in it', () => {
  assert.equal(colourCastScore(measureColour(park(0.05)), null), 0);
  assert.ok(colourCastScore(measureColour(park(0.05, [-14, -12])), null) >= 0.5);
});

test('what this camera used to show tells a tint also where it makes the mean greyer', () => {
  const usual = measureColour(park(0.05));
  assert.equal(colourCastScore(usual, usual), 0);
  assert.ok(colourCastScore(measureColour(park(0.05, [14, 12])), usual) >= 0.5);
});

test('what a mask hides does not count', () => {
  const { u, v } = measureColour(park(0));
  const half = park(0);
  for (let at = 0; at < half.yuv.length; at += 1) if (at % 2 === 0) half.yuv[at] = at < WIDTH * HEIGHT ? 16 : 128;
  const shown = measureColour(half, 0.5);
  assert.ok(Math.hypot(shown.u - u, shown.v - v) < 1 && shown.greyShare < 0.6);
});
