import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ort from 'onnxruntime-node';
import { inputSize } from '../../core/model.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { seededRandom } from '../../core/world.ts';
import blazeface512 from '../blazeface-512/model.ts';
import { sigmoid } from '../families/outputs.ts';
import { picturesOf } from '../testing/picture.ts';
import { convertTfGraph } from './convert.ts';
import { blazeface, sourceFolder } from './sources.ts';
import { readTfjsGraph } from './tfjs-graph.ts';

const text = readFileSync(join(sourceFolder(), 'blazeface.json'), 'utf8');
const weights = readFileSync(join(sourceFolder(), 'blazeface.bin'));
const graph = readTfjsGraph(text, weights);
const CLIP = sharedFolder('footage', 'one-by-one-person-detection.mp4');

test('converting gives the recorded file', () => {
  const { width, height } = inputSize(blazeface512.input);
  assert.equal(createHash('sha256').update(convertTfGraph(graph, blazeface(width, height))).digest('hex'), blazeface512.sha256);
});

test('the converted graph gives what TensorFlow.js gives: scores within 1e-4, boxes within 0.01 pixel', async (t) => {
  // Smaller than what is used: TensorFlow.js is slow without a native part.
  const [width, height] = [256, 160];
  const recipe = blazeface(width, height);
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  await tf.setBackend('cpu');
  // What says 256 × 256 is the input alone; the rows that it cuts its outputs into are not asked for.
  const file = JSON.parse(text) as { modelTopology: { node: { op: string; attr: object }[] }; weightsManifest: { weights: object[] }[] };
  const placeholder = file.modelTopology.node.find(({ op }) => op === 'Placeholder') as { attr: object };
  placeholder.attr = {
    dtype: { type: 'DT_FLOAT' },
    shape: { shape: { dim: [1, height, width, 3].map((size) => ({ size: String(size) })) } },
  };
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: file.modelTopology,
      weightSpecs: file.weightsManifest[0]?.weights as never,
      weightData: Uint8Array.from(weights).buffer,
    }),
  );
  const session = await ort.InferenceSession.create(convertTfGraph(graph, recipe), { intraOpNumThreads: 1, interOpNumThreads: 1 });

  async function compare(picture: Float32Array): Promise<void> {
    const theirs = model.execute({ input: tf.tensor4d(picture, [1, height, width, 3]) }, Object.values(recipe.outputs)) as {
      shape: number[];
      data(): Promise<Float32Array>;
    }[];
    const ours = await session.run({ images: new ort.Tensor('float32', picture, [1, height, width, 3]) });
    for (const [at, name] of Object.keys(recipe.outputs).entries()) {
      const tensor = theirs[at] as (typeof theirs)[number];
      const data = await tensor.data();
      const [, rows, columns, channels] = tensor.shape as [number, number, number, number];
      const planes = ours[name] as unknown as { dims: number[]; data: Float32Array };
      assert.deepEqual([...planes.dims], [1, channels, rows, columns]);
      const isScore = name.endsWith('scores');
      let greatest = 0;
      for (let cell = 0; cell < rows * columns; cell += 1) {
        for (let channel = 0; channel < channels; channel += 1) {
          const [want, got] = [data[cell * channels + channel] as number, planes.data[channel * rows * columns + cell] as number];
          const difference = isScore ? Math.abs(sigmoid(want) - sigmoid(got)) : Math.abs(want - got);
          if (!(difference <= greatest)) greatest = difference; // NaN must not pass
        }
      }
      assert.ok(greatest <= (isScore ? 1e-4 : 1e-2), `${name} is apart by ${greatest}`);
    }
  }

  await t.test('a made-up picture', () => {
    const random = seededRandom(5);
    return compare(Float32Array.from({ length: width * height * 3 }, (_, at) => Math.sin(at / 900) * 0.6 + random.next() * 0.4));
  });
  await t.test('a frame of a clip', { skip: skipWithout(CLIP, 'one-by-one-person-detection.mp4') }, () =>
    compare(picturesOf(CLIP as string, [240], { ...blazeface512.input, shape: [1, height, width, 3] })[0] as Float32Array),
  );
  await session.release();
  model.dispose();
});
