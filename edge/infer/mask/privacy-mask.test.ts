import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrivacyMask, type Polygon } from './privacy-mask.ts';

const grey = (width: number, height: number) => ({ width, height, yuv: new Uint8Array((width * height * 3) / 2).fill(200) });

/** Which luma pixels are painted, a line of text a row. */
function painted(polygons: Polygon[], width: number, height: number): string[] {
  const picture = grey(width, height);
  new PrivacyMask(polygons).paint(picture);
  return Array.from({ length: height }, (_, row) =>
    [...picture.yuv.subarray(row * width, (row + 1) * width)].map((luma) => (luma === 16 ? '#' : '.')).join(''),
  );
}

test('a rectangle is painted with its edges, luma and colour alike, and nothing else', () => {
  assert.deepEqual(painted([[[0.25, 0.5], [0.75, 0.5], [0.75, 1], [0.25, 1]]], 8, 4), ['........', '........', '..####..', '..####..']);
  const picture = grey(8, 4);
  new PrivacyMask([[[0.25, 0.5], [0.75, 0.5], [0.75, 1], [0.25, 1]]]).paint(picture);
  assert.deepEqual([...picture.yuv.subarray(32, 40)], [200, 200, 200, 200, 200, 128, 128, 200]);
  assert.deepEqual([...picture.yuv.subarray(40)], [200, 200, 200, 200, 200, 128, 128, 200]);
});

test('a triangle, two polygons, a hole by evenodd, and none', () => {
  assert.deepEqual(
    painted(
      [
        [
          [0, 0],
          [1, 1],
          [0, 1],
        ],
      ],
      8,
      8,
    ),
    ['##......', '##......', '####....', '####....', '######..', '######..', '########', '########'],
  );
  assert.deepEqual(
    painted(
      [
        [
          [0, 0],
          [0.25, 0],
          [0.25, 1],
          [0, 1],
        ],
        [
          [0.75, 0],
          [1, 0],
          [1, 1],
          [0.75, 1],
        ],
      ],
      8,
      2,
    ),
    ['##....##', '##....##'],
  );
  assert.deepEqual(painted([], 4, 2), ['....', '....']);
});

test('pictures of another size are painted in the same place', () => {
  const mask = new PrivacyMask([[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]);
  for (const side of [4, 8, 4]) {
    const picture = grey(side, side);
    mask.paint(picture);
    assert.equal(picture.yuv.filter((value) => value === 16).length, (side * side) / 2);
  }
});

test('no pixel whose middle lies within a polygon is further than one pixel from paint, whatever the polygon', () => {
  const place = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(fc.property(fc.tuple(place, place, place), (triangle) => {
    const [width, height] = [32, 24];
    const rows = painted([triangle], width, height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        // By a way of its own: the same side of all three edges.
        const sides = triangle.map(([ax, ay], at) => {
          const [bx, by] = triangle[(at + 1) % 3] as [number, number];
          return Math.sign((bx - ax) * ((y + 0.5) / height - ay) - (by - ay) * ((x + 0.5) / width - ax));
        });
        if (sides.every((side) => side > 0) || sides.every((side) => side < 0)) {
          const near = [-1, 0, 1].some((by) => rows[y + by]?.slice(Math.max(0, x - 1), x + 2).includes('#'));
          assert.ok(near, `${x}, ${y}`);
        }
      }
    }
  }));
});
