import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '../../../core/event.ts';
import { secondLookArea, mergeSecondLook } from './second-look.ts';

const box = (x: number, y: number, width: number, height: number, score = 0.9, label = 'person'): Box => ({
  class: label,
  score,
  x,
  y,
  width,
  height,
});
const SMALL = { x: 0.7, y: 0.1, width: 0.05, height: 0.1 };

test('what moves and was not found is worth a look at the part around it, with room, within the picture', () => {
  const close = (area: ReturnType<typeof secondLookArea>, wanted: number[]) => {
    assert.deepEqual(Object.values(area ?? {}).map((side) => Math.round(side * 1e6) / 1e6), wanted);
  };
  close(secondLookArea(SMALL, []), [0.525, 0, 0.4, 0.4]);
  close(secondLookArea({ x: 0.9, y: 0.2, width: 0.1, height: 0.6 }, []), [0.6, 0.05, 0.4, 0.9]);
  close(secondLookArea(SMALL, [box(0.1, 0.1, 0.2, 0.2)]), [0.525, 0, 0.4, 0.4]);
});

test('no other look where nothing moves, where it was found, and where the part would be most of the picture', () => {
  assert.equal(secondLookArea(null, []), null);
  assert.equal(secondLookArea(SMALL, [box(0.72, 0.15, 0.2, 0.2)]), null);
  assert.equal(secondLookArea({ x: 0.1, y: 0.1, width: 0.7, height: 0.6 }, []), null);
});

test('boxes of both looks are one list: a thing that both found once, and nothing that the edge of the part cuts', () => {
  const part = { x: 0.4, y: 0, width: 0.4, height: 0.4 };
  const [parked, same, better, cut, top, other] = [
    box(0.1, 0.5, 0.2, 0.2, 0.8),
    box(0.5, 0.1, 0.1, 0.2, 0.3),
    box(0.5, 0.1, 0.1, 0.21, 0.7),
    box(0.45, 0.3, 0.1, 0.1, 0.95),
    box(0.6, 0, 0.1, 0.1, 0.5),
    box(0.5, 0.1, 0.1, 0.21, 0.6, 'bicycle'),
  ];
  assert.deepEqual(mergeSecondLook([parked, same], [cut, better, other, top], part), [parked, better, other, top]);
});
