/** Every family on made-up tensors, against a second decode that was written apart; and what no family may do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '../../core/event.ts';
import type { FaultError } from '../../core/faults.ts';
import type { ModelSpec, Tensor } from '../../core/model.ts';
import { seededRandom } from '../../core/world.ts';
import { assertSameBoxes } from '../testing/boxes.ts';
import { selectReferenceDetections, REFERENCE_DECODERS } from '../testing/reference-decoders.ts';
import { decoderOf, MODEL_FAMILIES, FAMILY_IDS } from './index.ts';

const CLASSES = ['person', 'car', 'helmet', 'smoke'];
const LABELS = CLASSES.length;
const [WIDTH, HEIGHT] = [128, 96];
/** 16 × 12, 8 × 6, 4 × 3, 2 × 2 cells of strides 8 to 64. */
const CELLS = [192, 48, 12, 4];
const THREE = 252;

const random = seededRandom(11);
const tensor = (dims: number[], make: (index: number) => number): Tensor => ({
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => make(at)),
});
/** Mostly low, now and then high, as scores are. */
const score = () => random.next() ** 6;
const spread = (low: number, high: number) => low + random.next() * (high - low);
/** Rows of `width`: the first `head` numbers by `make`, scores behind. */
const rows = (count: number, width: number, make: (column: number) => number) => tensor([1, count, width], (at) => make(at % width));
const pixelBox = (column: number) => (column < 2 ? spread(0, column === 0 ? WIDTH : HEIGHT) : spread(4, 60));
/** PicturePlanes in place of rows. */
const turned = ({ dims, data }: Tensor): Tensor =>
  tensor(
    [1, dims[2] as number, dims[1] as number],
    (at) => data[(at % (dims[1] as number)) * (dims[2] as number) + Math.floor(at / (dims[1] as number))] as number,
  );
const perStride = (name: string, width: number, make: () => number, levels = 3) =>
  Object.fromEntries(CELLS.slice(0, levels).map((cells, level) => [`${name}_${8 << level}`, tensor([1, cells, width], make)]));
const withoutObjectness = () => rows(THREE, 4 + LABELS, (column) => (column < 4 ? pixelBox(column) : score()));
const corner = (column: number) => [spread(-9, 90), spread(-9, 60), spread(20, 140), spread(20, 110)][column] as number;

const MADE: Readonly<Record<string, readonly [family: string, outputs: () => Record<string, Tensor>]>> = {
  centernet: [
    'centernet',
    () => ({ heatmap: tensor([1, LABELS, 24, 32], () => random.next() ** 40), wh: tensor([1, 4, 24, 32], () => spread(-1, 30)) }),
  ],
  'YOLOv5, objectness': [
    'yolov5',
    () => ({ output0: rows(THREE * 3, 5 + LABELS, (column) => (column < 4 ? pixelBox(column) : column === 4 ? score() : spread(0, 1))) }),
  ],
  'YOLOv8 and v11, planes': ['yolov8', () => ({ output0: turned(withoutObjectness()) })],
  'YOLOv8, turned': ['yolov8', () => ({ output0: withoutObjectness() })],
  'YOLOv10 and v26, rows': [
    'yolo-rows',
    () => ({ output0: rows(300, 6, (column) => (column < 4 ? corner(column) : column === 4 ? score() : Math.floor(spread(0, LABELS)))) }),
  ],
  'YOLO with NMS, rows of 7': [
    'yolo-rows',
    () => ({
      output: tensor([90, 7], (at) =>
        at % 7 === 0 ? 0 : at % 7 < 5 ? corner((at % 7) - 1) : at % 7 === 5 ? Math.floor(spread(0, LABELS)) : score(),
      ),
    }),
  ],
  yolox: [
    'yolox',
    () => ({ output: rows(THREE, 5 + LABELS, (column) => (column < 2 ? spread(-1, 1) : column < 4 ? spread(-1, 2) : spread(0, 1))) }),
  ],
  nanodet: ['nanodet', () => ({ ...perStride('cls', LABELS, score), ...perStride('reg', 32, () => spread(-3, 3)) })],
  'nanodet-plus': [
    'nanodet-plus',
    () => ({ output: rows(THREE + 4, LABELS + 32, (column) => (column < LABELS ? score() : spread(-3, 3))) }),
  ],
  picodet: ['picodet', () => ({ ...perStride('scores', LABELS, score, 4), ...perStride('sides', 32, () => spread(-3, 3), 4) })],
  fastestdet: [
    'fastestdet',
    () => ({ output: tensor([1, 5 + LABELS, 6, 8], (at) => (at < 48 || at >= 5 * 48 ? random.next() : spread(-3, 3))) }),
  ],
  yunet: [
    'yunet',
    () => ({
      ...perStride('cls', 1, () => spread(0, 1.1)),
      ...perStride('obj', 1, () => spread(0, 1.1)),
      ...perStride('bbox', 4, () => spread(-1, 2)),
      ...perStride('kps', 10, () => spread(-1, 1)),
    }),
  ],
  ultraface: [
    'ultraface',
    () => ({ scores: tensor([1, 300, 2], score), boxes: tensor([1, 300, 4], (at) => (at % 4 < 2 ? spread(-0.1, 0.6) : spread(0.4, 1.1))) }),
  ],
  blazeface: [
    'blazeface',
    () => ({
      fine_scores: tensor([1, 2, 6, 8], () => spread(-5, 2)),
      fine_boxes: tensor([1, 32, 6, 8], (at) => (Math.floor(at / 48) % 16 < 2 ? spread(-8, 8) : spread(5, 40))),
      coarse_scores: tensor([1, 6, 3, 4], () => spread(-5, 2)),
      coarse_boxes: tensor([1, 96, 3, 4], () => spread(5, 60)),
    }),
  ],
};

const specOf = (family: string, changes: Partial<ModelSpec> = {}): ModelSpec => ({
  id: `made-${family}`,
  version: '1',
  task: 'object-detection',
  title: { zh: '', en: '' },
  licence: '',
  source: '',
  file: 'none.onnx',
  sha256: '',
  input: { name: 'images', shape: [1, 3, HEIGHT, WIDTH], layout: 'NCHW', color: 'RGB', fit: 'stretch' },
  outputs: {},
  family,
  classes: CLASSES,
  scoreThreshold: 0.4,
  maxOverlap: 0.45,
  ...changes,
});

for (const [name, [family, make]] of Object.entries(MADE)) {
  test(`${name}: made-up tensors give what a second decode gives`, () => {
    let seen = 0;
    for (let round = 0; round < 5; round += 1) {
      const outputs = make();
      const spec = specOf(family, {
        classes: MODEL_FAMILIES[family as keyof typeof MODEL_FAMILIES].task === 'face-detection' ? ['face'] : CLASSES,
      });
      const boxes = decoderOf(spec)(outputs, 0.4);
      const found = (REFERENCE_DECODERS[family] as (typeof REFERENCE_DECODERS)[string])({
        outputs,
        width: WIDTH,
        height: HEIGHT,
        labels: spec.classes.length,
      });
      assertSameBoxes(boxes, selectReferenceDetections(found, spec.classes, 0.4, 0.45));
      seen += boxes.length;
      boxes.forEach(({ x, y, width, height }, at) => {
        assert.ok(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9);
        assert.ok(at === 0 || (boxes[at - 1] as Box).score >= (boxes[at] as Box).score, 'best first');
      });
    }
    assert.ok(seen >= 20, `${seen} boxes: too few to say anything`);
  });

  test(`${name}: values that are no numbers, and outputs that are missing or of another shape, are a fault`, () => {
    const decode = decoderOf(specOf(family));
    const refused = (outputs: Record<string, Tensor>) =>
      assert.throws(
        () => decode(outputs, 0.4),
        (error: FaultError) => error.fault.code === 'CV_MODEL_OUTPUT',
      );
    for (const bad of [NaN, Infinity, -Infinity]) {
      const outputs = make();
      (Object.values(outputs).at(-1) as Tensor).data[3] = bad;
      refused(outputs);
    }
    const good = make();
    const [first = ''] = Object.keys(good);
    const { dims, data } = good[first] as Tensor;
    refused({});
    refused({ ...good, [first]: { dims, data: new BigInt64Array(data.length) as unknown as Float32Array } });
    refused({ ...good, [first]: { dims: [...dims.slice(0, -1), (dims.at(-1) as number) + 1], data } });
    refused({ ...good, [first]: tensor([...dims.slice(0, -2), (dims.at(-2) as number) + 1, (dims.at(-1) as number) + 1], () => 0) });
    refused({ ...good, [first]: { dims: [data.length], data } });
  });
}

test('YOLOX that was exported with its boxes decoded', () => {
  const data = new Float32Array(THREE * (5 + LABELS));
  data.set([64, 48, 32, 24, 0.9, 0, 0, 1, 0], 7 * (5 + LABELS));
  assertSameBoxes(
    decoderOf(specOf('yolox', { familyOptions: { decoded: true } }))({ output: { dims: [1, THREE, 5 + LABELS], data } }, 0.4),
    [{ class: 'helmet', score: 0.9, x: 48 / WIDTH, y: 36 / HEIGHT, width: 0.25, height: 0.25 }],
  );
});

test('classification: the picture is the box, best class first, by the activation that is written', () => {
  const given = { probabilities: { dims: [1, LABELS], data: Float32Array.of(0.05, 0.6, 0.3, 0.05) } };
  const boxes = (activation: string, least: number) =>
    decoderOf(specOf('classification', { familyOptions: { activation } }))(given, least).map((box) => [
      box.class,
      Math.round(box.score * 1000) / 1000,
    ]);
  assert.deepEqual(boxes('none', 0.2), [
    ['car', 0.6],
    ['helmet', 0.3],
  ]);
  assert.deepEqual(boxes('softmax', 0.26), [['car', 0.345]]);
  assert.deepEqual(boxes('sigmoid', 0.6), [['car', 0.646]]);
  assert.throws(
    () => decoderOf(specOf('classification'))({ probabilities: { dims: [1, 5], data: new Float32Array(5) } }, 0.5),
    (error: FaultError) => error.fault.code === 'CV_MODEL_OUTPUT',
  );
});

test('scores that are no shares of 1 are a fault that says what is missing, never events that nobody takes', () => {
  const logits = { logits: { dims: [1, LABELS], data: Float32Array.of(3, -2, 0.4, 0) } };
  const refused = (family: string, outputs: Record<string, Tensor>, words: RegExp) =>
    assert.throws(
      () => decoderOf(specOf(family))(outputs, 0.4),
      ({ fault }: FaultError) => fault.code === 'CV_MODEL_OUTPUT' && words.test(String(fault.params.problem)),
    );
  refused('classification', logits, /3\.00 is above 1.*activation: softmax/);
  refused(
    'yolov8',
    { output0: rows(THREE, 4 + LABELS, (column) => (column < 4 ? 20 : column === 4 ? 7 : -3)) },
    /7\.00 is above 1.*sigmoid/,
  );
  const rounded = { logits: { dims: [1, LABELS], data: Float32Array.of(1.00001, 0, 0, 0) } };
  assert.equal(decoderOf(specOf('classification'))(rounded, 0.4).length, 1, 'what float32 makes of 1 is 1');
});

test('a family that is not there is a fault that names those that are', () => {
  assert.throws(
    () => decoderOf(specOf('yolo99')),
    (error: FaultError) => error.fault.code === 'CV_MODEL_FAMILY' && String(error.fault.params.known).includes('yolo-rows'),
  );
  assert.throws(
    () => decoderOf(specOf('constructor')),
    (error: FaultError) => error.fault.code === 'CV_MODEL_FAMILY',
  );
  const tested = new Set([...Object.values(MADE).map(([family]) => family), 'classification']);
  assert.deepEqual(FAMILY_IDS.filter((family) => !tested.has(family)), []);
});
