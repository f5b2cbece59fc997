/** The families on what real models give for pictures of real clips, against the second decode. `npm run test:peers models` does the same against Python. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as ort from 'onnxruntime-node';
import { inputSize, shapeOfOne, type Tensor } from '../../core/model.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { assertSameBoxes } from '../testing/boxes.ts';
import { picturesOf } from '../testing/picture.ts';
import { sharedModels } from '../testing/shared-models.ts';
import { selectReferenceDetections, REFERENCE_DECODERS } from '../testing/reference-decoders.ts';
import { sha256 } from '../verify.ts';
import { decoderOf } from './index.ts';

const clips = sharedFolder('footage');
const models = sharedModels();

test('models and clips of others are there', { skip: skipWithout(clips && models.length > 0 ? clips : null, 'models and footage') }, () =>
  assert.equal(models.length, 6),
);

for (const { spec, graph } of clips ? models : []) {
  const [clip, index] = spec.task === 'face-detection' ? ['one-by-one-person-detection.mp4', 240] : ['vtest.avi', 300];
  test(`${spec.id}: a real picture gives what a second decode gives`, async () => {
    const bytes = readFileSync(graph);
    assert.equal(sha256(bytes), spec.sha256);
    const [picture] = picturesOf(`${clips}/${clip}`, [index], spec.input) as [Float32Array];
    const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
    const outputs = await session.run({ [spec.input.name]: new ort.Tensor('float32', picture, shapeOfOne(spec.input.shape) as number[]) });
    await session.release();
    assert.deepEqual(Object.fromEntries(Object.entries(outputs).map(([name, { dims }]) => [name, [...dims]])), spec.outputs);
    const tensors = outputs as unknown as Record<string, Tensor>;
    const found = (REFERENCE_DECODERS[spec.family] as (typeof REFERENCE_DECODERS)[string])({
      outputs: tensors,
      ...inputSize(spec.input),
      labels: spec.classes.length,
    });
    const least = [spec.scoreThreshold, 0.15].map((threshold) => {
      const boxes = decoderOf(spec)(tensors, threshold);
      assertSameBoxes(boxes, selectReferenceDetections(found, spec.classes, threshold, spec.maxOverlap));
      return boxes.length;
    });
    assert.ok((least[1] as number) > 0, 'nothing was seen: nothing was compared');
  });
}
