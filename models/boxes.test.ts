import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box } from '../core/event.ts';
import { coveredShare, suppressOverlaps, suppressOverlapsByClass, overlap } from './boxes.ts';

const box = (x: number, y: number, width: number, height: number, label = 'car', score = 0.9): Box => ({
  class: label,
  score,
  x,
  y,
  width,
  height,
});
const near = (value: number, want: number) => assert.ok(Math.abs(value - want) < 1e-9, `${value}, ${want} wanted`);

test('overlap is shared over joint area', () => {
  near(overlap(box(0, 0, 0.2, 0.2), box(0.1, 0, 0.2, 0.2)), 1 / 3);
  assert.equal(overlap(box(0, 0, 0.1, 0.1), box(0.1, 0, 0.1, 0.1)), 0);
  near(overlap(box(0, 0, 1, 1), box(0, 0, 1, 1)), 1);
});

test('the better of two boxes stays; by class, a person in front of a car leaves the car', () => {
  const pair = [box(0, 0, 0.2, 0.2, 'truck'), box(0.01, 0, 0.2, 0.2, 'car', 0.5)];
  assert.deepEqual(suppressOverlaps(pair, 0.5), pair.slice(0, 1));
  assert.deepEqual(suppressOverlapsByClass(pair, 0.5), pair);
  assert.deepEqual(suppressOverlapsByClass([...pair, box(0, 0.01, 0.2, 0.2, 'car', 0.4)], 0.5), pair);
});

test('covered share counts what boxes share once', () => {
  assert.equal(coveredShare([]), 0);
  near(coveredShare([box(0, 0, 0.5, 0.5), box(0.25, 0.25, 0.5, 0.5)]), 0.4375);
  near(coveredShare([box(0, 0, 1, 1), box(0.2, 0.2, 0.1, 0.1)]), 1);
  near(coveredShare([box(0.1, 0.1, 0.2, 0.2), box(0.1, 0.5, 0.2, 0.2)]), 0.08);
});

test('covered share agrees with counting cells', () => {
  const boxes = fc
    .array(fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10 })), { maxLength: 12 })
    .map((list) => list.map(([x, y, width, height]) => ({ x, y, width: Math.min(width, 10 - x), height: Math.min(height, 10 - y) })));
  fc.assert(
    fc.property(boxes, (list) => {
      const cells = new Set(
        list.flatMap(({ x, y, width, height }) =>
          Array.from({ length: width * height }, (_, at) => `${x + (at % width)},${y + Math.floor(at / width)}`),
        ),
      );
      near(coveredShare(list.map(({ x, y, width, height }) => box(x / 10, y / 10, width / 10, height / 10))), cells.size / 100);
    }),
  );
});
