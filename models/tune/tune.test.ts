import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { inputSize, type ModelSpec } from '../../core/model.ts';
import { realFiles, seededRandom } from '../../core/world.ts';
import { encodeOnnx, inspectOnnx, type OnnxGraph, type OnnxNode } from '../convert/onnx.ts';
import { MODELS } from '../index.ts';
import { sharedModels } from '../testing/shared-models.ts';
import { graphPath, verifyModel } from '../verify.ts';
import { tuneModel } from './tune.ts';

const centernet = MODELS.find(({ id }) => id === 'centernet-320') as ModelSpec;
const skip = (await verifyModel(centernet, realFiles)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;
const sessions: ort.InferenceSession[] = [];
after(() => Promise.all(sessions.map((session) => session.release())));

type Outputs = Record<string, { dims: readonly number[]; data: Float32Array }>;

async function run(bytes: Uint8Array, input: string, dims: number[], data: Float32Array): Promise<Outputs> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
  sessions.push(session);
  return await session.run({ [input]: new ort.Tensor('float32', data, dims) }) as unknown as Outputs;
}

/** Greatest difference, in parts of the greatest value. NaN must not pass for none. */
function apart(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  let [difference, greatest] = [0, 1e-6];
  a.forEach((value, at) => {
    const one = Math.abs(value - (b[at] as number));
    if (!(one <= difference)) difference = one;
    greatest = Math.max(greatest, Math.abs(value));
  });
  return difference / greatest;
}

const smooth = (length: number) => Float32Array.from({ length }, (_, at) => (Math.sin(at * 0.0131) + 1) * 120);

/** Rows × columns × colours as planes. */
function planesOf(pixels: Float32Array): Float32Array {
  const count = pixels.length / 3;
  return Float32Array.from({ length: pixels.length }, (_, at) => pixels[(at % count) * 3 + Math.floor(at / count)] as number);
}

test(
  'the shipped detector says the same with colours in planes, and of the classes that are asked for, in their order',
  { skip },
  async () => {
    const bytes = readFileSync(graphPath(centernet));
    const { width, height } = inputSize(centernet.input);
    const pixels = smooth(width * height * 3);
    const whole = await run(bytes, 'images', [1, height, width, 3], pixels);
    for (const classes of [null, ['truck', 'person', 'giraffe', 'unheard of']]) {
      const tuned = tuneModel(centernet, bytes, classes);
      assert.ok(tuned);
      assert.deepEqual([tuned.spec.input.layout, tuned.spec.input.shape], ['NCHW', ['batch', 3, height, width]]);
      assert.deepEqual(tuned.spec.classes, classes ? ['person', 'truck', 'giraffe'] : centernet.classes);
      assert.deepEqual(tuned.spec.outputs.heatmap, ['batch', tuned.spec.classes.length, 80, 80]);
      assert.deepEqual(
        inspectOnnx(tuned.graph)?.outputs.map(({ dims }) => dims[1]),
        [tuned.spec.classes.length, 4],
      );
      const said = await run(tuned.graph, 'images', [1, 3, height, width], planesOf(pixels));
      const cells = 80 * 80;
      const kept = tuned.spec.classes
        .map((name) => centernet.classes.indexOf(name))
        .flatMap((label) => [...(whole.heatmap?.data.subarray(label * cells, (label + 1) * cells) ?? [])]);
      assert.ok(apart(Float32Array.from(kept), said.heatmap?.data as Float32Array) < 0.01);
      assert.ok(apart(whole.wh?.data as Float32Array, said.wh?.data as Float32Array) < 0.01);
    }
  },
);

test('a class that the model does not have is no reason to leave all out', { skip }, () => {
  assert.deepEqual(tuneModel(centernet, readFileSync(graphPath(centernet)), ['unheard of'])?.spec.classes, centernet.classes);
});

test('what others made says the same, or is left as it is', { skip: sharedModels().length === 0 && 'no shared models' }, async () => {
  for (const { spec, graph } of sharedModels()) {
    const bytes = readFileSync(graph);
    const tuned = tuneModel(spec, bytes, null);
    if (!tuned) continue;
    const [{ width, height }, dims] = [inputSize(spec.input), (shape: ModelSpec['input']['shape']) => [1, ...shape.slice(1)] as number[]];
    const pixels = smooth(width * height * 3);
    const [whole, said] = [
      await run(bytes, spec.input.name, dims(spec.input.shape), pixels),
      await run(
        tuned.graph,
        spec.input.name,
        dims(tuned.spec.input.shape),
        tuned.spec.input.layout === spec.input.layout ? pixels : planesOf(pixels),
      ),
    ];
    for (const name of Object.keys(spec.outputs)) {
      const all = whole[name]?.data as Float32Array;
      assert.ok(apart(all, said[name]?.data as Float32Array) < 0.02, `${spec.id} ${name}`);
    }
  }
});

interface Made { graph: OnnxGraph; spec: ModelSpec }

/** A small network of what the steps look for and what is like it: blocks one after the other, each reading the last. */
function madeOf(blocks: readonly { kind: string; channels: number }[], seed: number): Made {
  const random = seededRandom(seed);
  const nodes: OnnxNode[] = [];
  const initializers: OnnxGraph['initializers'][number][] = [];
  const floats = (length: number) => Float32Array.from({ length }, () => random.next() - 0.5);
  const weight = (dims: number[], data = floats(dims.reduce((a, b) => a * b, 1))) => {
    initializers.push({ name: `w${initializers.length}`, dims, data });
    return `w${initializers.length - 1}`;
  };
  const add = (op: string, inputs: string[], attributes: OnnxNode['attributes'] = {}) => {
    nodes.push({ op, inputs, output: `v${nodes.length}`, attributes });
    return `v${nodes.length - 1}`;
  };
  const number = (value: number) => weight([], Float32Array.of(value));
  const conv = (input: string, from: number, to: number) =>
    add('Conv', [input, weight([to, from, 1, 1]), weight([to])], { kernel_shape: [1, 1] });
  const gate = (input: string) => add('Clip', [add('Add', [number(3), input]), number(0), number(6)]);
  let [last, channels] = ['images', 3];
  for (const { kind, channels: next } of blocks) {
    if (kind === 'conv') [last, channels] = [conv(last, channels, next), next];
    if (kind === 'each')
      last = add('Conv', [last, weight([channels, 1, 3, 3]), weight([channels])], {
        group: channels,
        pads: [1, 1, 1, 1],
        kernel_shape: [3, 3],
      });
    if (kind === 'relu') last = add('Relu', [last]);
    if (kind === 'swish') last = add('Mul', [add('Mul', [number(1 / 6), last]), gate(last)]);
    if (kind === 'swish of six') last = add('Div', [add('Mul', [gate(last), last]), number(6)]);
    if (kind === 'like swish') last = add('Mul', [add('Mul', [number(1 / 5), last]), gate(last)]);
    if (kind === 'turned over') last = add('Div', [number(6), gate(last)]);
    if (kind === 'squeeze')
      last = add('Mul', [last, add('Mul', [gate(conv(add('GlobalAveragePool', [last]), channels, channels)), number(1 / 6)])]);
    if (kind === 'again') last = add('Add', [last, add('Sigmoid', [last])]);
    if (kind === 'beside') [last, channels] = [add('Concat', [last, conv(last, channels, next)], { axis: 1 }), channels + next];
    if (kind === 'by channel') last = add('Mul', [last, weight([1, channels, 1, 1])]);
  }
  const out = add('Sigmoid', [conv(last, channels, 4)]);
  const spec: ModelSpec = {
    ...centernet,
    input: { ...centernet.input, shape: [1, 3, 8, 8], layout: 'NCHW' },
    outputs: { [out]: [1, 4, 8, 8] },
    classes: ['a', 'b', 'c', 'd'],
    family: 'yolov8',
  };
  return {
    spec,
    graph: {
      name: 'made',
      opset: 17,
      irVersion: 8,
      nodes,
      initializers,
      inputs: [{ name: 'images', dims: [1, 3, 8, 8] }],
      outputs: [{ name: out, dims: [1, 4, 8, 8] }],
    },
  };
}

const KINDS = ['conv', 'each', 'relu', 'swish', 'swish of six', 'like swish', 'turned over', 'squeeze', 'again', 'beside', 'by channel'];

test('whatever a network is put together of, it says the same', async () => {
  const block = fc.record({ kind: fc.constantFrom(...KINDS), channels: fc.integer({ min: 1, max: 40 }) });
  let tunedOnes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 1000 }), async (blocks, seed) => {
      const { graph, spec } = madeOf(blocks, seed);
      const bytes = encodeOnnx(graph);
      const tuned = tuneModel(spec, bytes, null);
      if (!tuned) return;
      tunedOnes += 1;
      const pixels = smooth(3 * 8 * 8).map((value) => value / 100 - 1);
      const [name] = graph.outputs.map((output) => output.name) as [string];
      const [whole, said] = [await run(bytes, 'images', [1, 3, 8, 8], pixels), await run(tuned.graph, 'images', [1, 3, 8, 8], pixels)];
      assert.ok(apart(whole[name]?.data as Float32Array, said[name]?.data as Float32Array) < 1e-4);
    }),
    { numRuns: 60, seed: 5 },
  );
  assert.ok(tunedOnes > 20, `${tunedOnes} networks were tuned`);
});

test('hard swish is known in its spellings, and what is only like it is left', () => {
  const operators = (...kinds: string[]) => {
    const { graph, spec } = madeOf(kinds.map((kind) => ({ kind, channels: 16 })), 1);
    const tuned = tuneModel(spec, encodeOnnx(graph), null);
    return tuned && inspectOnnx(tuned.graph)?.operators.join(' ');
  };
  assert.equal(operators('conv', 'swish'), 'Conv HardSigmoid Mul Sigmoid');
  assert.equal(operators('conv', 'swish of six'), 'Conv HardSigmoid Mul Sigmoid');
  assert.equal(operators('conv', 'squeeze'), 'Conv GlobalAveragePool HardSigmoid Mul Sigmoid');
  assert.equal(operators('conv', 'like swish'), null);
  assert.equal(operators('conv', 'turned over'), null);
});

test('blocks are filled where nobody sees it: never of what is put beside others, weighed channel by channel, or given out', () => {
  const isTuned = (...kinds: string[]) => {
    const { graph, spec } = madeOf(kinds.map((kind) => ({ kind, channels: 18 })), 1);
    return tuneModel(spec, encodeOnnx(graph), null) !== null;
  };
  assert.equal(isTuned('conv', 'each'), true);
  assert.equal(isTuned('conv', 'relu', 'each', 'again', 'conv'), true);
  assert.equal(isTuned('conv', 'each', 'beside'), false);
  assert.equal(isTuned('conv', 'by channel', 'each'), false);
  assert.equal(isTuned('conv', 'conv'), false, 'a full convolution needs no blocks');
});

test('what is no plain graph is left as it is', () => {
  assert.equal(tuneModel(centernet, Buffer.from('no graph'), null), null);
  const { graph, spec } = madeOf([{ kind: 'conv', channels: 18 }, { kind: 'swish', channels: 0 }, { kind: 'each', channels: 0 }], 1);
  assert.ok(tuneModel(spec, encodeOnnx(graph), null));
  const listed = { ...graph, inputs: [...graph.inputs, ...graph.initializers.map(({ name, dims }) => ({ name, dims }))] };
  assert.equal(tuneModel(spec, encodeOnnx(listed), null), null, 'weights among the inputs may be given at each run');
  const within = { ...graph, nodes: [...graph.nodes, { op: 'If', inputs: [], output: 'unseen' }] };
  assert.equal(tuneModel(spec, encodeOnnx(within), null), null, 'graphs within nodes read values that they do not name');
});
