import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fitPicture } from './fit.ts';

function fit(width: number, height: number, rgb: number[], toWidth: number, toHeight: number): number[] {
  const target = new Float32Array(toWidth * toHeight * 3).fill(-1);
  fitPicture({ width, height, rgb: Uint8Array.from(rgb) }, target, toWidth, toHeight);
  return [...target];
}

test('a picture of the right size is taken as it is', () => {
  assert.deepEqual(fit(2, 1, [1, 2, 3, 4, 5, 6], 2, 1), [1, 2, 3, 4, 5, 6]);
});

test('between two pixels lies their mean; edges stay', () => {
  assert.deepEqual(fit(2, 1, [0, 0, 0, 100, 200, 40], 1, 1), [50, 100, 20]);
  assert.deepEqual(fit(2, 1, [0, 0, 0, 100, 200, 40], 4, 1), [0, 0, 0, 25, 50, 10, 75, 150, 30, 100, 200, 40]);
  assert.deepEqual(fit(1, 2, [0, 0, 0, 100, 200, 40], 1, 1), [50, 100, 20]);
});

test('fitting never leaves the range of the picture, and keeps a flat one flat', () => {
  const side = fc.integer({ min: 1, max: 9 });
  fc.assert(fc.property(side, side, side, side, fc.infiniteStream(fc.nat(255)), (width, height, toWidth, toHeight, values) => {
    const rgb = Array.from({ length: width * height * 3 }, () => values.next().value as number);
    const [least, most] = [Math.min(...rgb), Math.max(...rgb)];
    assert.ok(fit(width, height, rgb, toWidth, toHeight).every((value) => value >= least && value <= most));
    assert.ok(fit(width, height, rgb.map(() => 77), toWidth, toHeight).every((value) => value === 77));
  }));
});
