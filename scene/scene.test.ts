import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { polygonArea, distanceToEdge, segmentsIntersect, isInside, selfCrossing, type PicturePoint } from './geometry.ts';
import { homographyOf, toGround } from './homography.ts';
import { isWithin, minutesOf, type ScheduleSpan } from './schedule.ts';

const near = (value: number, want: number) => assert.ok(Math.abs(value - want) < 1e-6, `${value}, ${want} wanted`);
const SQUARE: PicturePoint[] = [[0, 0], [1, 0], [1, 1], [0, 1]];
const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

test('inside, edge and area of a polygon that is not convex', () => {
  const arrow: PicturePoint[] = [[0, 0], [2, 0], [2, 2], [1, 1], [0, 2]];
  near(polygonArea(arrow), 3);
  assert.deepEqual(
    (
      [
        [1, 0.5],
        [1, 1.5],
        [0.2, 1.5],
        [2, 0],
        [1, 1],
        [2.1, 1],
      ] as PicturePoint[]
    ).map((point) => isInside(point, arrow)),
    [true, false, true, true, true, false],
  );
  near(distanceToEdge([1, 0.5], arrow), 0.5);
});

test('a polygon that goes around in order does not cross itself, one with two corners swapped does', () => {
  assert.equal(selfCrossing(SQUARE), null);
  assert.deepEqual(
    selfCrossing([
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
    ]),
    [0, 2],
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 359 }), { minLength: 4, maxLength: 12 }), (degrees) => {
      const ring = degrees
        .toSorted((a, b) => a - b)
        .map((degree): PicturePoint => [Math.cos((degree * Math.PI) / 180), Math.sin((degree * Math.PI) / 180)]);
      assert.equal(selfCrossing(ring), null);
      assert.notEqual(selfCrossing([ring[1] as PicturePoint, ring[0] as PicturePoint, ...ring.slice(2)]), null);
    }),
  );
});

test('segments meet the same way in whatever order they are asked about', () => {
  const point = fc.tuple(fc.nat(8), fc.nat(8));
  fc.assert(fc.property(point, point, point, point, (a, b, c, d) => {
    assert.equal(segmentsIntersect(a, b, c, d), segmentsIntersect(c, d, a, b));
    assert.equal(segmentsIntersect(a, b, c, d), segmentsIntersect(b, a, c, d));
  }));
});

test('four points fix the ground: the camera of a made-up mast finds every other point again', () => {
  // A camera 6 m up that looks down a road: depth z, place x → picture.
  const seen = ([x, z]: PicturePoint): PicturePoint => [0.5 + (0.9 * x) / z, 0.2 + 5.4 / z];
  const ground: PicturePoint[] = [[-3, 8], [3, 8], [4, 30], [-4, 30]];
  const pairs = { picture: ground.map(seen), ground };
  const h = homographyOf(pairs);
  assert.ok(h);
  fc.assert(fc.property(number(-6, 6), number(7, 60), (x, z) => {
    const found = toGround(h, seen([x, z]), pairs.picture[0] as PicturePoint);
    near(found?.[0] ?? NaN, x);
    near(found?.[1] ?? NaN, z);
  }));
  assert.equal(toGround(h, [0.5, 0.1], pairs.picture[0] as PicturePoint), null, 'above the horizon there is no ground');
  assert.equal(homographyOf({ picture: [[0, 0], [0.5, 0.5], [1, 1], [0, 1]], ground: SQUARE }), null);
});

test('a night begins on its day and ends on the next', () => {
  const span = (from: string, to: string, days: ScheduleSpan['days'] = []): ScheduleSpan => ({
    from: minutesOf(from) ?? NaN,
    to: minutesOf(to) ?? NaN,
    days,
  });
  const at = (text: string) => Date.parse(`${text}+08:00`);
  const night = [span('22:00', '06:00', ['fri'])];
  assert.deepEqual(
    ['2026-11-27T21:59', '2026-11-27T22:00', '2026-11-28T05:59', '2026-11-28T06:00', '2026-11-28T23:00'].map((time) =>
      isWithin(night, at(time)),
    ),
    [false, true, true, false, false],
  );
  assert.ok(isWithin([], 0));
  assert.ok(isWithin([span('00:00', '24:00')], at('2026-11-27T23:59')));
  assert.deepEqual([minutesOf('7:05'), minutesOf('24:01'), minutesOf('8:60'), minutesOf('noon')], [425, null, null, null]);
});
