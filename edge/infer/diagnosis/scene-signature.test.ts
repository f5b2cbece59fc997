import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../core/world.ts';
import type { PicturePlanes } from '../../../core/driver.ts';
import { SIGNATURE_COLUMNS, blankScore, correlation, sceneSignature } from './scene-signature.ts';

const WIDTH = 640;
const HEIGHT = 360;
const random = seededRandom(4);

/** @param deviation of its grain */
function picture(lumaAt: (x: number, y: number) => number, deviation = 0): PicturePlanes {
  const grain = () => (random.next() + random.next() + random.next() - 1.5) * 2 * deviation;
  return {
    width: WIDTH,
    height: HEIGHT,
    yuv: Uint8Array.from({ length: (WIDTH * HEIGHT * 3) / 2 }, (_, at) => Math.round(lumaAt(at % WIDTH, Math.floor(at / WIDTH)) + grain())),
  };
}

/** Windows on the left, plain on the right. */
const house = (x: number, y: number): number => (x < WIDTH / 2 && x % 24 < 12 && y % 20 < 10 ? 150 : 90);

test('grain is no edge, however much of it there is: what is plain stays plain, and a house itself', () => {
  const usual = sceneSignature(picture(house, 0.5), undefined, 0.5);
  for (const deviation of [1.5, 3, 6]) {
    const { edges } = sceneSignature(picture(house, deviation), undefined, deviation);
    const onTheRight = Array.from(edges).filter((_, at) => (at >> 1) % SIGNATURE_COLUMNS >= SIGNATURE_COLUMNS / 2);
    assert.ok(onTheRight.reduce((sum, edge) => sum + edge, 0) / onTheRight.length < 0.3, `${deviation}`);
    assert.ok(correlation(edges, usual.edges) > 0.9, `${deviation}`);
  }
});

test('what shows nothing is blank, with grain or without; a lamp in the dark is not', () => {
  for (const deviation of [0, 3, 6]) assert.ok(blankScore(sceneSignature(picture(() => 40, deviation))) > 0.8);
  assert.ok(blankScore(sceneSignature(picture((x, y) => (Math.hypot(x - 300, y - 100) < 12 ? 200 : 20)))) < 0.5);
});
