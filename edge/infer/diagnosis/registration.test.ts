import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../core/world.ts';
import type { PicturePlanes } from '../../../core/driver.ts';
import { ReferencePicture, type PixelOffset, type HalfOffsets } from './registration.ts';
import { Thumbnail } from './thumbnail.ts';

const WIDTH = 384;
const HEIGHT = 216;
const HOME: PixelOffset = { x: 0, y: 0 };
const HOMES: HalfOffsets = [HOME, HOME];

/** A wall of plain rectangles, seen through a window whose corner lies at `at`. */
function picture(
  seed: number,
  at: PixelOffset,
  { gain = 1, before }: { gain?: number; before?: (x: number, y: number) => number | null } = {},
): PicturePlanes {
  const random = seededRandom(seed);
  const within = (from: number, to: number) => Math.floor(from + random.next() * (to - from));
  const things = Array.from({ length: 160 }, () => ({
    left: within(-60, WIDTH + 20),
    top: within(-60, HEIGHT + 20),
    width: within(8, 60),
    height: within(6, 40),
    luma: within(50, 200),
  }));
  const planes: PicturePlanes = { width: WIDTH, height: HEIGHT, yuv: new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128) };
  for (const { left, top, width, height, luma } of things) {
    for (let y = Math.max(0, top - at.y); y < Math.min(HEIGHT, top - at.y + height); y += 1)
      planes.yuv.fill(luma * gain, y * WIDTH + Math.max(0, left - at.x), y * WIDTH + Math.max(0, Math.min(WIDTH, left - at.x + width)));
  }
  if (before)
    for (let y = 0; y < HEIGHT; y += 1)
      for (let x = 0; x < WIDTH; x += 1) planes.yuv[y * WIDTH + x] = before(x, y) ?? (planes.yuv[y * WIDTH + x] as number);
  return planes;
}

const seen = (...what: Parameters<typeof picture>): Thumbnail => new Thumbnail(picture(...what));

const windows = seededRandom(9);
const WINDOWS = Array.from({ length: 1000 }, () => 50 + windows.next() * 150);
/** A quarter of the picture across, windowed, somewhere in front of it. */
const bus =
  (at: number) =>
  (x: number, y: number): number | null =>
    x >= at && x < at + WIDTH * 0.25 && y > HEIGHT * 0.1 && y < HEIGHT * 0.95 ? (WINDOWS[((x - at) >> 3) * 16 + (y >> 4)] as number) : null;

function assertNear(found: HalfOffsets | null, wanted: PixelOffset): void {
  assert.ok(
    found?.every(({ x, y }) => Math.hypot(x - wanted.x, y - wanted.y) < 2),
    `${JSON.stringify(found)}, ${JSON.stringify(wanted)} wanted`,
  );
}

test('however far a picture moved, and in whatever light, it is found', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -20, max: 20 }),
      fc.integer({ min: -20, max: 20 }),
      fc.constantFrom(0.8, 1, 1.2),
      fc.nat(),
      (x, y, gain, seed) => {
        assertNear(new ReferencePicture(seen(seed, HOME)).locate(seen(seed, { x, y }, { gain }), HOMES), { x: -x, y: -y });
      },
    ),
    { numRuns: 25 },
  );
});

test('what passes before it moves nothing, and hides no shake', () => {
  const key = new ReferencePicture(seen(3, HOME, { before: bus(20) }));
  assertNear(key.locate(seen(3, HOME, { before: bus(36) }), HOMES), HOME);
  assertNear(key.locate(seen(3, { x: 9, y: -6 }, { before: bus(36) }), HOMES), { x: -9, y: 6 });
});

test('what lies too far off, shows something else or nothing, or has another size lies nowhere', () => {
  const key = new ReferencePicture(seen(3, HOME));
  for (const other of [
    seen(3, { x: 60, y: 0 }),
    seen(8, HOME),
    seen(3, HOME, { gain: 0 }),
    new Thumbnail({ width: HEIGHT, height: WIDTH, yuv: new Uint8Array((WIDTH * HEIGHT * 3) / 2) }),
  ])
    assert.equal(key.locate(other, HOMES), null);
});

test('a picture that rolls goes up on one side and down on the other', () => {
  const roll = 0.03;
  const level = picture(3, HOME);
  const yuv = level.yuv.map((grey, at) => {
    const [x, y] = [(at % WIDTH) - WIDTH / 2, Math.floor(at / WIDTH) - HEIGHT / 2];
    const [fromX, fromY] = [Math.round(x + roll * y + WIDTH / 2), Math.round(y - roll * x + HEIGHT / 2)];
    return at < WIDTH * HEIGHT
      ? (level.yuv[Math.max(0, Math.min(HEIGHT - 1, fromY)) * WIDTH + Math.max(0, Math.min(WIDTH - 1, fromX))] as number)
      : grey;
  });
  const [left, right] = new ReferencePicture(new Thumbnail(level)).locate(new Thumbnail({ ...level, yuv }), HOMES) ?? HOMES;
  assert.ok(left.y < -1 && right.y > 1, JSON.stringify([left, right]));
});
