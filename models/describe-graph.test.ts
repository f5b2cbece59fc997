import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FaultError } from '../core/faults.ts';
import { sharedFolder, skipWithout } from '../core/testing/shared.ts';
import { inspectOnnx, type OnnxHead } from './convert/onnx.ts';
import { describeGraph } from './describe-graph.ts';
import { sharedModels } from './testing/shared-models.ts';

const IMAGE = { name: 'images', dims: [1, 3, 640, 640] };
const graph = (outputs: OnnxHead['outputs'], inputs: OnnxHead['inputs'] = [IMAGE]) => ({
  path: '/m/own.onnx',
  head: { opset: 17, operators: [], inputs, outputs },
  sha256: 'f'.repeat(64),
  bytes: 9,
});
const one = (...dims: number[]) => [{ name: 'output0', dims }];

for (const [dims, family, classes] of [
  [[1, 84, 8400], 'yolov8', 80],
  [[1, 25200, 7], 'yolov5', 2],
  [[1, 300, 6], 'yolo-rows', 1],
  [[1, 8400, 85], 'yolox', 80],
  [[1, 8500, 112], 'nanodet-plus', 80],
  [[1, 1000], 'classification', 1000],
  [[1, 25, 40, 40], 'fastestdet', 20],
] as const) {
  test(`an output of ${dims.join('×')} is taken for ${family}`, () => {
    const { spec, guesses } = describeGraph(graph(one(...dims)), { name: 'own', ...(family === 'yolo-rows' && { classes: ['fire'] }) });
    assert.deepEqual([spec.family, spec.classes.length, spec.outputs], [family, classes, { output0: [...dims] }]);
    assert.ok(guesses.length >= 2, 'what was guessed is said');
  });
}

test('dimensions that the graph leaves free are described so; what is chosen is not guessed', () => {
  const { spec, guesses } = describeGraph(graph(one(-1, 6, 8400), [{ name: 'images', dims: [-1, 640, 640, 3] }]), {
    name: 'own',
    family: 'yolov8',
    classes: ['helmet', 'cap'],
  });
  assert.deepEqual([spec.input.shape, spec.input.layout, spec.outputs.output0], [['batch', 640, 640, 3], 'NHWC', ['batch', 6, 8400]]);
  assert.equal(guesses.length, 1);
});

test('a graph that takes pictures of any size is given one', () => {
  const chosen = { name: 'own', family: 'yolov8', classes: ['helmet', 'cap'], size: { width: 640, height: 384 } };
  for (const [dims, shape] of [
    [
      [-1, 3, -1, -1],
      ['batch', 3, 384, 640],
    ],
    [
      [1, -1, -1, 3],
      [1, 384, 640, 3],
    ],
    [
      [1, 3, 320, 320],
      [1, 3, 320, 320],
    ],
  ] as const) {
    const { spec } = describeGraph(graph(one(-1, 6, -1), [{ name: 'images', dims: [...dims] }]), chosen);
    assert.deepEqual([spec.input.shape, spec.outputs.output0], [[...shape], ['batch', 6, 'any']]);
  }
});

test('what cannot be seen is asked for; a family that does not fit is refused', () => {
  const refused = (code: string, ...given: Parameters<typeof describeGraph>) =>
    assert.throws(
      () => describeGraph(...given),
      (error: FaultError) => error.fault.code === code,
    );
  refused('CV_IMPORT_UNCLEAR', graph(one(1, 300, 6)), { name: 'own' });
  refused('CV_IMPORT_UNCLEAR', graph(one(1, 2, 3, 4, 5)), { name: 'own' });
  refused('CV_IMPORT_UNCLEAR', graph(one(1, 84, 8400), [IMAGE, { name: 'scale', dims: [1, 2] }]), { name: 'own' });
  refused('CV_IMPORT_UNCLEAR', graph(one(1, 84, 8400), [{ name: 'images', dims: [1, 3, -1, -1] }]), { name: 'own' });
  refused('CV_MODEL_FAMILY', graph(one(1, 84, 8400)), { name: 'own', family: 'yolo99' });
  refused('CV_MODEL_OUTPUT', graph(one(1, 84, 8400)), { name: 'own', family: 'yunet' });
});

test('names for another number of classes than the graph has are refused, and both numbers said', () => {
  assert.throws(
    () => describeGraph(graph(one(1, 84, 8400)), { name: 'own', classes: ['helmet', 'cap'] }),
    (error: FaultError) => error.fault.code === 'CV_IMPORT_UNCLEAR' && /80 classes, 2 named/.test(String(error.fault.params.problem)),
  );
});

test('classes that are taken for those of COCO have their Chinese names as well', () => {
  assert.equal(describeGraph(graph(one(1, 84, 8400)), { name: 'own' }).spec.classesZh?.[0], '人');
});

test('six real models are recognised by their graphs', { skip: skipWithout(sharedFolder('models'), 'models of others') }, () => {
  for (const { spec, graph: path } of sharedModels()) {
    const head = inspectOnnx(readFileSync(path)) as OnnxHead;
    const { spec: guessed } = describeGraph({ path, head, sha256: spec.sha256, bytes: 1 }, { name: spec.id });
    assert.deepEqual(
      [guessed.family, guessed.classes, guessed.input.shape, guessed.outputs],
      [spec.family, spec.classes, spec.input.shape, spec.outputs],
      spec.id,
    );
  }
});
