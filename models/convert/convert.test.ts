import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as ort from 'onnxruntime-node';
import type { FaultCode, FaultError } from '../../core/faults.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { seededRandom } from '../../core/world.ts';
import centernet320 from '../centernet-320/model.ts';
import { decoderOf } from '../families/index.ts';
import { convertTfGraph } from './convert.ts';
import { encodeOnnx, inspectOnnx, type OnnxGraph } from './onnx.ts';
import { centernet, sourceFolder } from './sources.ts';
import { float16, readTfjsGraph, type TfGraph } from './tfjs-graph.ts';

const text = readFileSync(join(sourceFolder(), 'centernet.json'), 'utf8');
const weights = readFileSync(join(sourceFolder(), 'centernet.bin'));
const CLIP = sharedFolder('footage', 'vtest.avi');
let graph: TfGraph;
before(() => { graph = readTfjsGraph(text, weights); });

/** A picture with edges, flat parts and noise, 0 to 255. */
function syntheticPicture(size: number): Float32Array {
  const random = seededRandom(7);
  return Float32Array.from({ length: size * size * 3 }, (_, at) => {
    const [x, y, colour] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size), at % 3];
    const inside = Math.hypot(x - size / 3, y - size / 2) < size / 5;
    return Math.floor((inside ? 60 + 80 * colour : (x * 255) / size) * 0.8 + random.next() * 50);
  });
}

function clipFrame(index: number, size: number): Float32Array {
  const filter = `select=eq(n\\,${index}),scale=${size}:${size}`;
  return Float32Array.from(
    execFileSync(
      'ffmpeg',
      ['-v', 'error', '-i', CLIP as string, '-vf', filter, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
      { maxBuffer: 2 ** 24 },
    ),
  );
}

async function runOnnx(bytes: Uint8Array, picture: Float32Array, size: number): Promise<Record<'heatmap' | 'wh', Float32Array>> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const { heatmap, wh } = await session.run({ images: new ort.Tensor('float32', picture, [1, size, size, 3]) });
  await session.release();
  return { heatmap: heatmap?.data as Float32Array, wh: wh?.data as Float32Array };
}

function greatestDifference(planes: Float32Array, interleaved: Float32Array, channels: number): number {
  const cells = planes.length / channels;
  assert.equal(interleaved.length, planes.length);
  let greatest = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let cell = 0; cell < cells; cell += 1) {
      const difference = Math.abs((planes[channel * cells + cell] as number) - (interleaved[cell * channels + channel] as number));
      if (!(difference <= greatest)) greatest = difference; // NaN must not pass
    }
  }
  return greatest;
}

/** The source graph is made for 512 × 512: its three up-samplings name their sizes, which follow the input's. */
function weightsFor(size: number): ArrayBuffer {
  const patched = Uint8Array.from(weights);
  const view = new DataView(patched.buffer);
  const file = JSON.parse(text) as { weightsManifest: { weights: { name: string; shape: number[]; quantization?: object }[] }[] };
  let at = 0;
  let changed = 0;
  for (const { name, shape, quantization } of file.weightsManifest[0]?.weights ?? []) {
    if (/up_sampling2d(_\d)?\/mul$/.test(name)) {
      for (const axis of [0, 4]) view.setInt32(at + axis, (view.getInt32(at + axis, true) * size) / 512, true);
      changed += 1;
    }
    at += shape.reduce((product, dim) => product * dim, 1) * (quantization ? 2 : 4);
  }
  assert.equal(changed, 3);
  return patched.buffer;
}

test('the converted graph gives what TensorFlow.js gives: heat map within 1e-4, sizes within 0.01 pixel', async (t) => {
  const size = 320;
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  await tf.setBackend('cpu');
  // Among the sizes in the file only the input's are 512.
  const file = JSON.parse(text.replaceAll(/("size": ?)"512"/g, `$1"${size}"`)) as {
    modelTopology: object;
    weightsManifest: { weights: object[] }[];
  };
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: file.modelTopology,
      weightSpecs: file.weightsManifest[0]?.weights as never,
      weightData: weightsFor(size),
    }),
  );
  const converted = convertTfGraph(graph, centernet(size));
  const compare = async (picture: Float32Array) => {
    const [heatmap, wh] = model.execute({ 'tower_0/images': tf.tensor4d(picture, [1, size, size, 3]) }, [
      'tower_0/keypoints',
      'tower_0/wh',
    ]) as { data(): Promise<Float32Array> }[];
    const ours = await runOnnx(converted, picture, size);
    assert.ok(greatestDifference(ours.heatmap, await heatmap?.data() as Float32Array, 80) <= 1e-4);
    assert.ok(greatestDifference(ours.wh, await wh?.data() as Float32Array, 4) <= 1e-2);
  };
  await t.test('a made-up picture', () => compare(syntheticPicture(size)));
  await t.test('a frame of the clip', { skip: skipWithout(CLIP, 'vtest.avi') }, () => compare(clipFrame(300, size)));
  model.dispose();
});

test('frame 300 of the clip at 512 gives the boxes that were recorded for it', { skip: skipWithout(CLIP, 'vtest.avi') }, async () => {
  const size = 512;
  const { heatmap, wh } = await runOnnx(convertTfGraph(graph, centernet(size)), clipFrame(300, size), size);
  const boxes = decoderOf({ ...centernet320, input: { ...centernet320.input, shape: [1, size, size, 3] } })(
    { heatmap: { dims: [1, 80, 128, 128], data: heatmap }, wh: { dims: [1, 4, 128, 128], data: wh } },
    0.37,
  );
  // x1 y1 x2 y2 score class, in pixels of 512 × 512
  const golden = [
    [124.15, 141.59, 144.73, 209.44, 0.65, 'person'],
    [411.82, 144.37, 429.33, 205.74, 0.6, 'person'],
    [386.84, 142.94, 406.63, 208.27, 0.6, 'person'],
    [207.96, 191.41, 230.65, 260.68, 0.58, 'person'],
    [161.12, 136.47, 176.52, 198.14, 0.56, 'person'],
    [196.13, 136.38, 218.16, 201.79, 0.54, 'person'],
    [487.54, 44.55, 510.66, 84.01, 0.42, 'car'],
    [427.43, 37.06, 482.94, 90.41, 0.37, 'truck'],
  ] as const;
  for (const [x1, y1, x2, y2, score, label] of golden) {
    const near = (value: number, want: number, by: number) => Math.abs(value - want) <= by;
    const match = boxes.find(
      (box) =>
        box.class === label &&
        near(box.score, score, 0.006) &&
        near(box.x * size, x1, 0.1) &&
        near(box.y * size, y1, 0.1) &&
        near((box.x + box.width) * size, x2, 0.1) &&
        near((box.y + box.height) * size, y2, 0.1),
    );
    assert.ok(match, `${label} at ${x1},${y1}`);
  }
  assert.equal(boxes.length, golden.length);
});

test('converting is deterministic and gives the recorded file', () => {
  const first = convertTfGraph(graph, centernet(320));
  assert.deepEqual(first, convertTfGraph(readTfjsGraph(text, weights), centernet(320)));
  assert.equal(createHash('sha256').update(first).digest('hex'), centernet320.sha256);
});

test('the file has the ten operators, opset 17, and ends at heat map and sizes', () => {
  assert.deepEqual(inspectOnnx(convertTfGraph(graph, centernet(512))), {
    opset: 17,
    operators: ['Add', 'Clip', 'Concat', 'Conv', 'GlobalAveragePool', 'Mul', 'Relu', 'Resize', 'Sigmoid', 'Transpose'],
    inputs: [{ name: 'images', dims: [-1, 512, 512, 3] }],
    outputs: [{ name: 'heatmap', dims: [-1, 80, 128, 128] }, { name: 'wh', dims: [-1, 4, 128, 128] }],
  });
});

const fault = (code: FaultCode, part: string) => (error: FaultError) =>
  error.fault.code === code && JSON.stringify(error.fault.params).includes(part);

test('an operator that has no row is named, with its node', () => {
  assert.throws(
    () => convertTfGraph(graph, { ...centernet(320), outputs: { boxes: 'tower_0/Equal' } }),
    fault('CV_MODEL_OPERATOR', '"operator":"Equal"'),
  );
  assert.throws(() => convertTfGraph(graph, { ...centernet(320), outputs: { boxes: 'no/such' } }), fault('CV_MODEL_GRAPH', 'no/such'));
  assert.throws(
    () => convertTfGraph(graph, { ...centernet(320), input: { from: 'other', name: 'images', height: 320, width: 320 } }),
    fault('CV_MODEL_GRAPH', 'tower_0/images'),
  );
});

test('a source that is not whole is refused', () => {
  assert.throws(() => readTfjsGraph('{"a":', weights), fault('CV_MODEL_GRAPH', ''));
  assert.throws(() => readTfjsGraph('{}', weights), fault('CV_MODEL_GRAPH', 'graph model'));
  assert.throws(() => readTfjsGraph(text, weights.subarray(0, -1)), fault('CV_MODEL_GRAPH', 'end before'));
  assert.throws(() => readTfjsGraph(text, Buffer.concat([weights, Buffer.alloc(3)])), fault('CV_MODEL_GRAPH', '3 bytes'));
});

test('half precision: signs, zeros, subnormals, infinity', () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x7bff, 65504],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of cases) assert.equal(float16(bits), value);
  assert.ok(Object.is(float16(0x8000), -0));
  assert.ok(Number.isNaN(float16(0x7e00)));
});

test('garbage is no ONNX file, and a dimension that is left open reads as -1', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff, 0xff, 0xff), new TextEncoder().encode('<html>not a model</html>'), weights])
    assert.equal(inspectOnnx(bytes), null);
  const open: OnnxGraph = {
    name: 'g',
    opset: 12,
    irVersion: 7,
    nodes: [],
    initializers: [],
    inputs: [{ name: 'x', dims: [1, -1, 3] }],
    outputs: [],
  };
  assert.deepEqual(inspectOnnx(encodeOnnx(open))?.inputs, [{ name: 'x', dims: [1, -1, 3] }]);
});
