import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box } from '../core/event.ts';
import { inputSize, type ModelInput } from '../core/model.ts';
import { i420Of, rgbOf } from './colours.ts';
import { fitOf } from './fit.ts';

const nhwc = (width: number, height: number, more: Partial<ModelInput> = {}): ModelInput => ({ name: 'x', shape: [1, height, width, 3], layout: 'NHWC', color: 'RGB', fit: 'stretch', ...more });
const nchw = (width: number, height: number, more: Partial<ModelInput> = {}): ModelInput => ({ ...nhwc(width, height, more), shape: [1, 3, height, width], layout: 'NCHW' });

/** A picture of one column of greys, as limited luma. */
const greys = (width: number, height: number, luma: readonly number[]) => ({ width, height, yuv: Uint8Array.from([...luma, ...Array.from({ length: (width * height) / 2 }, () => 128)]) });
const flat = (width: number, height: number, [y, u, v]: [number, number, number]) => ({
  width, height, yuv: Uint8Array.from({ length: (width * height * 3) / 2 }, (_, at) => (at < width * height ? y : at < width * height * 1.25 ? u : v)),
});

function fit(picture: { width: number; height: number; yuv: Uint8Array; aspect?: number }, input: ModelInput): number[] {
  const { width, height } = inputSize(input);
  const target = new Float32Array(width * height * 3).fill(NaN);
  fitOf(picture, input).write(picture.yuv, target);
  return [...target];
}

const near = (got: readonly number[], want: readonly number[], by = 0.01) => got.length === want.length && got.every((value, at) => Math.abs(value - (want[at] as number)) <= by);

test('black, white and the primary colours are what BT.601 makes of them', () => {
  const colours: [[number, number, number], [number, number, number]][] = [
    [[16, 128, 128], [0, 0, 0]], [[235, 128, 128], [255, 255, 255]], [[81, 90, 240], [255, 0, 0]], [[145, 54, 34], [0, 255, 0]], [[41, 240, 110], [0, 0, 255]],
    [[0, 128, 128], [0, 0, 0]], [[255, 128, 128], [255, 255, 255]], // beyond the range: clipped
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
  const letterbox = (more: Partial<ModelInput>) => fit(white, nchw(4, 4, { fit: 'letterbox', pad: 114, ...more })).slice(0, 16).map(Math.round);
  const [row, pad] = [[255, 255, 255, 255], [114, 114, 114, 114]];
  assert.deepEqual(letterbox({}), [...pad, ...row, ...row, ...pad]);
  assert.deepEqual(letterbox({ anchor: 'top-left' }), [...row, ...row, ...pad, ...pad]);
  assert.deepEqual(letterbox({ anchor: 'top-left', mean: [14, 0, 0], scale: [0.1, 1, 1] }).slice(8), Array.from({ length: 8 }, () => 10));
  assert.deepEqual(fit({ ...white, aspect: 1 }, nhwc(2, 2, { fit: 'letterbox' })).map(Math.round), Array.from({ length: 12 }, () => 255));
});

test('a box found in the input is where it is in the picture, and one in the padding is none', () => {
  const side = fc.integer({ min: 8, max: 64 }).map((half) => half * 2);
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(side, side, fc.constantFrom('stretch' as const, 'letterbox' as const), fc.constantFrom('centre' as const, 'top-left' as const), fraction, fraction, (width, height, way, anchor, x, y) => {
    const { back } = fitOf({ width, height }, nhwc(64, 64, { fit: way, anchor }));
    const scale = way === 'stretch' ? [1, 1] : [Math.max(1, Math.round(64 * Math.min(1, width / height))) / 64, Math.max(1, Math.round(64 * Math.min(1, height / width))) / 64];
    const [across, down] = scale as [number, number];
    const from = anchor === 'centre' && way === 'letterbox' ? [Math.floor((64 - across * 64) / 2) / 64, Math.floor((64 - down * 64) / 2) / 64] : [0, 0];
    const wanted: Box = { class: 'person', score: 0.5, x: x * 0.5, y: y * 0.5, width: 0.4, height: 0.3 };
    const seen: Box = { ...wanted, x: (from[0] as number) + wanted.x * across, y: (from[1] as number) + wanted.y * down, width: wanted.width * across, height: wanted.height * down };
    const got = back(seen);
    assert.ok(got && near([got.x, got.y, got.width, got.height], [wanted.x, wanted.y, wanted.width, wanted.height], 1e-9));
  }));
  const wide = fitOf({ width: 64, height: 32 }, nhwc(64, 64, { fit: 'letterbox' }));
  assert.equal(wide.back({ class: 'person', score: 1, x: 0.1, y: 0, width: 0.5, height: 0.2 }), null);
  assert.deepEqual(wide.back({ class: 'person', score: 1, x: 0, y: 0, width: 1, height: 1 }), { class: 'person', score: 1, x: 0, y: 0, width: 1, height: 1 });
});

test('fitting never leaves the range of the picture', () => {
  const half = fc.integer({ min: 1, max: 5 });
  fc.assert(fc.property(half, half, half, half, fc.infiniteStream(fc.nat(255)), (width, height, toWidth, toHeight, values) => {
    const yuv = Uint8Array.from({ length: width * height * 6 }, () => values.next().value as number);
    assert.ok(fit({ width: width * 2, height: height * 2, yuv }, nhwc(toWidth, toHeight)).every((value) => value >= 0 && value <= 255));
  }));
});

test('a picture of soft colours comes back from I420 as it was', () => {
  const size = { width: 32, height: 16 };
  const rgb = Uint8Array.from({ length: size.width * size.height * 3 }, (_, at) => 60 + (Math.floor(at / 3) % size.width) * 3 + (at % 3) * 20);
  const back = rgbOf({ ...size, yuv: i420Of(rgb, size) });
  assert.ok(back.every((value, at) => Math.abs(value - (rgb[at] as number)) <= 4));
  assert.throws(() => rgbOf({ ...size, yuv: new Uint8Array(3) }), RangeError);
});
