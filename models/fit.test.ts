import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box } from '../core/event.ts';
import { inputSize, type ModelInput } from '../core/model.ts';
import { seededRandom } from '../core/world.ts';
import { rgbToI420, i420ToRgb } from './colours.ts';
import { inputFitOf } from './fit.ts';

const nhwc = (width: number, height: number, more: Partial<ModelInput> = {}): ModelInput => ({
  name: 'x',
  shape: [1, height, width, 3],
  layout: 'NHWC',
  color: 'RGB',
  fit: 'stretch',
  ...more,
});
const nchw = (width: number, height: number, more: Partial<ModelInput> = {}): ModelInput => ({
  ...nhwc(width, height, more),
  shape: [1, 3, height, width],
  layout: 'NCHW',
});

/** A picture of one column of greys, as limited luma. */
const greys = (width: number, height: number, luma: readonly number[]) => ({
  width,
  height,
  yuv: Uint8Array.from([...luma, ...Array.from({ length: (width * height) / 2 }, () => 128)]),
});
const flat = (width: number, height: number, [y, u, v]: [number, number, number]) => ({
  width,
  height,
  yuv: Uint8Array.from({ length: (width * height * 3) / 2 }, (_, at) => (at < width * height ? y : at < width * height * 1.25 ? u : v)),
});

function fit(picture: { width: number; height: number; yuv: Uint8Array; aspect?: number }, input: ModelInput): number[] {
  const { width, height } = inputSize(input);
  const target = new Float32Array(width * height * 3).fill(NaN);
  inputFitOf(picture, input).write(picture.yuv, target);
  return [...target];
}

const near = (got: readonly number[], want: readonly number[], by = 0.01) =>
  got.length === want.length && got.every((value, at) => Math.abs(value - (want[at] as number)) <= by);

test('black, white and the primary colours are what BT.601 makes of them', () => {
  const colours: [[number, number, number], [number, number, number]][] = [
    [
      [16, 128, 128],
      [0, 0, 0],
    ],
    [
      [235, 128, 128],
      [255, 255, 255],
    ],
    [
      [81, 90, 240],
      [255, 0, 0],
    ],
    [
      [145, 54, 34],
      [0, 255, 0],
    ],
    [
      [41, 240, 110],
      [0, 0, 255],
    ],
    [
      [0, 128, 128],
      [0, 0, 0],
    ],
    [
      [255, 128, 128],
      [255, 255, 255],
    ], // beyond the range: clipped
  ];
  for (const [yuv, rgb] of colours) {
    const [red, green, blue] = rgb;
    assert.ok(near(fit(flat(2, 2, yuv), nhwc(1, 1)), rgb, 1.6), `${yuv} gives ${fit(flat(2, 2, yuv), nhwc(1, 1))}`);
    assert.ok(near(fit(flat(2, 2, yuv), nhwc(1, 1, { color: 'BGR' })), [blue, green, red], 1.6));
    assert.ok(near(fit(flat(2, 2, yuv), nchw(2, 1)), [red, red, green, green, blue, blue], 1.6));
  }
});

test('between two pixels lies their mean; edges stay', () => {
  const picture = greys(2, 2, [16, 235, 16, 235]);
  assert.ok(near(fit(picture, nchw(1, 1)), [127.5, 127.5, 127.5]));
  assert.ok(near(fit(picture, nchw(4, 1)).slice(0, 4), [0, 63.75, 191.25, 255]));
});

test('mean and scale are those of the graph\'s order of colours', () => {
  const input = (color: 'RGB' | 'BGR') => nhwc(1, 1, { color, mean: [255, 0, 10], scale: [0.5, 2, 1] });
  assert.ok(near(fit(flat(2, 2, [81, 90, 240]), input('RGB')), [0, 0, -10], 2)); // red
  assert.ok(near(fit(flat(2, 2, [41, 240, 110]), input('BGR')), [0, 0, -10], 2)); // blue
});

test('a letterboxed picture keeps its proportion, in the middle or in the corner, with the padding around it', () => {
  const white = { ...flat(4, 2, [235, 128, 128]), aspect: 2 };
  const letterbox = (more: Partial<ModelInput>) =>
    fit(white, nchw(4, 4, { fit: 'letterbox', pad: 114, ...more }))
      .slice(0, 16)
      .map(Math.round);
  const [row, pad] = [
    [255, 255, 255, 255],
    [114, 114, 114, 114],
  ];
  assert.deepEqual(letterbox({}), [...pad, ...row, ...row, ...pad]);
  assert.deepEqual(letterbox({ anchor: 'top-left' }), [...row, ...row, ...pad, ...pad]);
  assert.deepEqual(letterbox({ anchor: 'top-left', mean: [14, 0, 0], scale: [0.1, 1, 1] }).slice(8), Array.from({ length: 8 }, () => 10));
  assert.deepEqual(fit({ ...white, aspect: 1 }, nhwc(2, 2, { fit: 'letterbox' })).map(Math.round), Array.from({ length: 12 }, () => 255));
});

test('a box found in the input is where it is in the picture, and one in the padding is none', () => {
  const side = fc.integer({ min: 8, max: 64 }).map((half) => half * 2);
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      side,
      side,
      fc.constantFrom('stretch' as const, 'letterbox' as const),
      fc.constantFrom('centre' as const, 'top-left' as const),
      fraction,
      fraction,
      (width, height, way, anchor, x, y) => {
        const { back } = inputFitOf({ width, height }, nhwc(64, 64, { fit: way, anchor }));
        const scale =
          way === 'stretch'
            ? [1, 1]
            : [
                Math.max(1, Math.round(64 * Math.min(1, width / height))) / 64,
                Math.max(1, Math.round(64 * Math.min(1, height / width))) / 64,
              ];
        const [across, down] = scale as [number, number];
        const from =
          anchor === 'centre' && way === 'letterbox'
            ? [Math.floor((64 - across * 64) / 2) / 64, Math.floor((64 - down * 64) / 2) / 64]
            : [0, 0];
        const wanted: Box = { class: 'person', score: 0.5, x: x * 0.5, y: y * 0.5, width: 0.4, height: 0.3 };
        const seen: Box = {
          ...wanted,
          x: (from[0] as number) + wanted.x * across,
          y: (from[1] as number) + wanted.y * down,
          width: wanted.width * across,
          height: wanted.height * down,
        };
        const got = back(seen);
        assert.ok(got && near([got.x, got.y, got.width, got.height], [wanted.x, wanted.y, wanted.width, wanted.height], 1e-9));
      },
    ),
  );
  const wide = inputFitOf({ width: 64, height: 32 }, nhwc(64, 64, { fit: 'letterbox' }));
  assert.equal(wide.back({ class: 'person', score: 1, x: 0.1, y: 0, width: 0.5, height: 0.2 }), null);
  assert.deepEqual(wide.back({ class: 'person', score: 1, x: 0, y: 0, width: 1, height: 1 }), {
    class: 'person',
    score: 1,
    x: 0,
    y: 0,
    width: 1,
    height: 1,
  });
});

test('fitting never leaves the range of the picture', () => {
  const half = fc.integer({ min: 1, max: 5 });
  fc.assert(fc.property(half, half, half, half, fc.infiniteStream(fc.nat(255)), (width, height, toWidth, toHeight, values) => {
    const yuv = Uint8Array.from({ length: width * height * 6 }, () => values.next().value as number);
    assert.ok(fit({ width: width * 2, height: height * 2, yuv }, nhwc(toWidth, toHeight)).every((value) => value >= 0 && value <= 255));
  }));
});

/** One float at a time, pixel by pixel. */
function plainly({ width, height, yuv }: { width: number; height: number; yuv: Uint8Array }, toWidth: number, toHeight: number): number[] {
  const clip = (value: number) => Math.min(255, Math.max(0, value));
  const colours = (column: number, row: number) => {
    const chroma = (row >> 1) * (width / 2) + (column >> 1);
    const y = ((yuv[row * width + column] as number) - 16) * (255 / 219);
    const [u, v] = [width * height, width * height * 1.25].map((plane) => ((yuv[plane + chroma] as number) - 128) * (255 / 224)) as [
      number,
      number,
    ];
    return [clip(y + 1.402 * v), clip(y - 0.344136 * u - 0.714136 * v), clip(y + 1.772 * u)] as const;
  };
  const placed = (at: number, target: number, source: number) => {
    const place = Math.min(source - 1, Math.max(0, ((at + 0.5) * source) / target - 0.5));
    return { from: Math.floor(place), to: Math.min(source - 1, Math.floor(place) + 1), share: place % 1 };
  };
  return Array.from({ length: toWidth * toHeight * 3 }, (_, at) => {
    const [x, y] = [placed(Math.floor(at / 3) % toWidth, toWidth, width), placed(Math.floor(at / 3 / toWidth), toHeight, height)];
    const across = (row: number) =>
      (colours(x.from, row)[at % 3] as number) * (1 - x.share) + (colours(x.to, row)[at % 3] as number) * x.share;
    return across(y.from) * (1 - y.share) + across(y.to) * y.share;
  });
}

test('whatever the picture and the sizes, every float is what the formula gives, to a twentieth of a level', () => {
  const half = fc.integer({ min: 1, max: 21 });
  fc.assert(
    fc.property(
      half,
      half,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(),
      (halfWidth, halfHeight, toWidth, toHeight, seed) => {
        const [width, height] = [halfWidth * 2, halfHeight * 2];
        const random = seededRandom(seed);
        const picture = { width, height, yuv: Uint8Array.from({ length: width * height * 1.5 }, () => random.next() * 256) };
        const rgb = plainly(picture, toWidth, toHeight);
        assert.ok(near(fit(picture, nhwc(toWidth, toHeight)), rgb, 0.05));
        const planes = [2, 1, 0].flatMap((colour) => rgb.filter((_, at) => at % 3 === colour));
        assert.ok(near(fit(picture, nchw(toWidth, toHeight, { color: 'BGR' })), planes, 0.05));
      },
    ),
    { numRuns: 60 },
  );
});

test('a picture of soft colours comes back from I420 as it was', () => {
  const size = { width: 32, height: 16 };
  const rgb = Uint8Array.from(
    { length: size.width * size.height * 3 },
    (_, at) => 60 + (Math.floor(at / 3) % size.width) * 3 + (at % 3) * 20,
  );
  const back = i420ToRgb({ ...size, yuv: rgbToI420(rgb, size) });
  assert.ok(back.every((value, at) => Math.abs(value - (rgb[at] as number)) <= 4));
  assert.throws(() => i420ToRgb({ ...size, yuv: new Uint8Array(3) }), RangeError);
});
