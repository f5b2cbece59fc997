import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FaultError } from '../../core/faults.ts';
import centernet320 from '../centernet-320/model.ts';
import { decoderOf } from './index.ts';

const CELLS = 8;
const decode = decoderOf({ ...centernet320, input: { ...centernet320.input, shape: [1, 4 * CELLS, 4 * CELLS, 3] } });

/** Outputs with the given peaks: [class, row, column, score, reach]. */
function outputs(peaks: readonly (readonly [number, number, number, number, number])[]) {
  const heatmap = new Float32Array(80 * CELLS * CELLS);
  const wh = new Float32Array(4 * CELLS * CELLS);
  for (const [label, row, column, score, reach] of peaks) {
    heatmap[label * CELLS * CELLS + row * CELLS + column] = score;
    for (let side = 0; side < 4; side += 1) wh[side * CELLS * CELLS + row * CELLS + column] = reach;
  }
  return { heatmap: { dims: [1, 80, CELLS, CELLS], data: heatmap }, wh: { dims: [1, 4, CELLS, CELLS], data: wh } };
}

test('a peak becomes a box around its cell, in fractions of the picture', () => {
  assert.deepEqual(decode(outputs([[0, 4, 2, 0.5, 4]]), 0.3), [
    { class: 'person', score: 0.5, x: 4 / 32, y: 12 / 32, width: 8 / 32, height: 8 / 32 },
  ]);
});

test('a neighbour that is less is no peak; below the threshold there is nothing', () => {
  const boxes = decode(outputs([[2, 4, 4, 0.75, 2], [2, 4, 5, 0.5, 2], [2, 0, 0, 0.25, 2]]), 0.3);
  assert.deepEqual(boxes.map((box) => [box.class, box.score]), [['car', 0.75]]);
});

test('a score at the threshold counts, whatever threshold, and what is below nothing does not', () => {
  for (const threshold of [0.1, 0.15, 0.3, 0.5]) {
    const least = Math.fround(threshold) >= threshold ? Math.fround(threshold) : Math.fround(threshold + 1e-7);
    assert.equal(decode(outputs([[5, 2, 3, least, 4]]), threshold).length, 1);
    assert.equal(decode(outputs([[5, 2, 3, Math.fround(threshold - 1e-7), 4]]), threshold).length, 0);
  }
  assert.equal(decode(outputs([[5, 2, 3, 0.4, 4], [6, 2, 3, -0.4, 4], [7, 2, 3, -0, 4]]), 0.3).length, 1);
});

test('two peaks that mean one thing give one box; of different classes, two', () => {
  assert.equal(decode(outputs([[0, 3, 3, 0.75, 12], [0, 3, 5, 0.5, 12]]), 0.3).length, 1);
  assert.deepEqual(decode(outputs([[0, 3, 3, 0.75, 12], [7, 3, 5, 0.5, 12]]), 0.3).map((box) => box.class), ['person', 'truck']);
});

test('boxes are clipped to the picture, and one without area is none', () => {
  const [corner] = decode(outputs([[0, 0, 0, 0.5, 8]]), 0.3);
  assert.deepEqual([corner?.x, corner?.y, corner?.width, corner?.height], [0, 0, 0.25, 0.25]);
  assert.deepEqual(decode(outputs([[0, 4, 4, 0.5, 0], [2, 4, 4, 0.5, -3]]), 0.3), []);
});

test('values that are no numbers, and other shapes, are a fault', () => {
  const code = (error: FaultError) => error.fault.code === 'CV_MODEL_OUTPUT';
  assert.throws(() => decode(outputs([[1, 4, 4, 0.5, NaN]]), 0.3), code);
  assert.throws(() => decode(outputs([[1, 4, 4, -Infinity, 1]]), 0.3), code);
  for (const bad of [NaN, Infinity, -Infinity]) assert.throws(() => decode(outputs([[79, 7, 7, bad, 1]]), 0.3), code);
  const { heatmap, wh } = outputs([]);
  new Int32Array(heatmap.data.buffer)[77] = -0x400000; // what a processor makes of 0 / 0, whose sign is set
  assert.throws(() => decode({ heatmap, wh }, 0.3), code);
  assert.throws(() => decode({ heatmap: { ...heatmap, dims: [1, 40, 2 * CELLS, CELLS] }, wh }, 0.3), code);
  assert.throws(() => decode({ heatmap }, 0.3), code);
});

test('whatever numbers the graph gives, boxes lie inside the picture, best first, at most 100', () => {
  const numbers = (most?: number) =>
    fc.array(
      fc.oneof(
        fc.float({ noNaN: true, noDefaultInfinity: true, ...(most !== undefined && { max: most }) }),
        fc.float({ min: 0, max: 1, noNaN: true }),
      ),
      { minLength: 64, maxLength: 64 },
    );
  fc.assert(
    fc.property(numbers(1), numbers(), (scores, sizes) => {
      const data = outputs([]);
      for (let label = 0; label < 80; label += 1) data.heatmap.data.set(scores, label * 64);
      for (let side = 0; side < 4; side += 1) data.wh.data.set(sizes, side * 64);
      const boxes = decode(data, 0.3);
      assert.ok(boxes.length <= 100);
      boxes.forEach(({ x, y, width, height, score }, at) => {
        assert.ok(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1 + 1e-12 && y + height <= 1 + 1e-12);
        assert.ok(at === 0 || score <= (boxes[at - 1]?.score as number));
      });
    }),
    { numRuns: 50 },
  );
});
