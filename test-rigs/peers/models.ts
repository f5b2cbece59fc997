/** Models run and decoded by Python (onnxruntime and numpy of Debian, decodes written apart) against our decodes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { Box } from '../../core/event.ts';
import { inputSize, shapeOfOne, type ModelInput, type ModelSpec, type Tensor } from '../../core/model.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { overlap } from '../../models/boxes.ts';
import { COCO_CLASSES } from '../../models/coco-classes.ts';
import { MODEL_SOURCES } from '../../models/convert/sources.ts';
import { decoderOf } from '../../models/families/index.ts';
import { assertSameBoxes } from '../../models/testing/boxes.ts';
import { normalised, rgbPicturesOf } from '../../models/testing/picture.ts';
import { sharedModels } from '../../models/testing/shared-models.ts';
import { graphPath } from '../../models/verify.ts';
import { withRig, type Rig } from '../bench/rig.ts';

const NEEDS = ['onnxruntime-python'];
export const peers: { name: string; needs: string[]; lacks?(): string | false; run(): Promise<void> }[] = [
  {
    name: 'models: real models on real clips, run and decoded by Python',
    needs: [...NEEDS, 'ffmpeg'],
    lacks: () => skipWithout(sharedFolder('footage'), 'clips of others'),
    run: () => withRig(realModels),
  },
  { name: 'models: layouts for which no weights are at hand, made up and decoded by Python', needs: NEEDS, run: () => withRig(madeUp) },
];

/** Low enough for many boxes to be compared, besides the model's own. */
const LOW_THRESHOLD = 0.15;
const PICTURES = {
  'vtest.avi': [0, 100, 200, 300, 400, 500, 600, 700],
  'one-by-one-person-detection.mp4': [120, 240, 330, 600, 800, 1100, 1300],
} as const;

interface Answer {
  name: string;
  shapes: Record<string, number[]>;
  boxes: [label: number, score: number, x1: number, y1: number, x2: number, y2: number][];
}

function python(rig: Rig, jobs: readonly object[]): Answer[] {
  const file = join(rig.dir, 'jobs.json');
  writeFileSync(file, JSON.stringify(jobs));
  // Debian's onnxruntime complains of its own build on stderr, at length: it is shown when something fails.
  // The packages belong to Debian's own Python, which need not be the first in PATH.
  const said = execFileSync('/usr/bin/python3', [join(import.meta.dirname, 'decode-models.py'), file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

/** The outputs that Python's onnxruntime gave. */
function tensorsOf(folder: string, { shapes }: Answer): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(shapes).map(([name, dims]) => {
    const bytes = readFileSync(join(folder, name));
    return [name, { dims, data: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)) }];
  }));
}

const boxesOf = ({ boxes }: Answer, { classes }: ModelSpec): Box[] =>
  boxes.map(([label, score, x1, y1, x2, y2]) => ({
    class: classes[label] as string,
    score,
    x: x1,
    y: y1,
    width: x2 - x1,
    height: y2 - y1,
  }));

async function realModels(rig: Rig): Promise<void> {
  const clips = sharedFolder('footage');
  const models = [...sharedModels(), ...MODEL_SOURCES.map(({ spec }) => ({ spec, graph: graphPath(spec) }))];
  assert.ok(clips);
  const runs = models.flatMap(({ spec, graph }) =>
    Object.entries(PICTURES).flatMap(([clip, indices]) =>
      rgbPicturesOf(join(clips, clip), indices, spec.input).flatMap((rgb, index) => {
        const tensors = join(rig.dir, `${spec.id}-${clip}-${index}`);
        mkdirSync(tensors);
        writeFileSync(`${tensors}.rgb`, rgb);
        return [spec.scoreThreshold, LOW_THRESHOLD].map((threshold) => ({ spec, graph, rgb, threshold, tensors }));
      }),
    ),
  );
  const answers = python(
    rig,
    runs.map(({ spec, graph, tensors, threshold }) => ({
      name: spec.id,
      family: spec.family,
      graph,
      tensors,
      rgb: `${tensors}.rgb`,
      threshold,
      overlap: spec.maxOverlap,
      classes: spec.classes.length,
      ...inputSize(spec.input),
      ...preparation(spec.input),
    })),
  );
  for (const { spec, graph } of models) {
    const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
    const sum = { boxes: 0, like: 0, worst: 0 };
    for (const [index, run] of runs.entries()) {
      if (run.spec !== spec) continue;
      const answer = answers[index] as Answer;
      const want = boxesOf(answer, spec);
      assertSameBoxes(decoderOf(spec)(tensorsOf(run.tensors, answer), run.threshold), want);
      // The same picture through our onnxruntime, which is of another version.
      const picture = normalised(run.rgb, spec.input);
      const ours = (await session.run({
        [spec.input.name]: new ort.Tensor('float32', picture, shapeOfOne(spec.input.shape) as number[]),
      })) as unknown as Record<string, Tensor>;
      sum.worst = Math.max(
        sum.worst,
        ...Object.entries(tensorsOf(run.tensors, answer)).map(([name, { data }]) => greatestDifference(data, (ours[name] as Tensor).data)),
      );
      const got = decoderOf(spec)(ours, run.threshold);
      sum.boxes += want.length;
      sum.like += want.filter((box) => got.some((other) => other.class === box.class && overlap(box, other) >= 0.98)).length;
    }
    await session.release();
    process.stdout.write(
      `  ${spec.id}: ${sum.boxes} boxes of Python's tensors equal within 1e-4; through our onnxruntime ${sum.like} of them again at IoU ≥ 0.98, outputs apart by ${sum.worst.toExponential(1)} at most\n`,
    );
    assert.ok(sum.boxes > 0 && sum.like >= 0.99 * sum.boxes);
  }
}

const preparation = ({ name, layout, color, mean = [0, 0, 0], scale = [1, 1, 1] }: ModelInput) => ({
  input: name,
  layout,
  colour: color,
  mean,
  scale,
});

function greatestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] as number))), 0);
}

const MADE = {
  yolov5: 'yolov5',
  yolov8: 'yolov8',
  'yolo-rows-6': 'yolo-rows',
  'yolo-rows-7': 'yolo-rows',
  picodet: 'picodet',
  'nanodet-plus': 'nanodet-plus',
} as const;

async function madeUp(rig: Rig): Promise<void> {
  const specOf = (family: string): ModelSpec => ({
    id: family,
    version: '1',
    task: 'object-detection',
    title: { zh: '', en: '' },
    licence: '',
    source: '',
    file: '',
    sha256: '',
    input: { name: 'images', shape: [1, 3, 352, 416], layout: 'NCHW', color: 'RGB', fit: 'stretch' },
    outputs: {},
    family,
    classes: COCO_CLASSES,
    scoreThreshold: 0.4,
    maxOverlap: 0.45,
  });
  const runs = Object.entries(MADE).flatMap(([made, family]) =>
    [1, 2, 3].map((seed) => ({ made, seed, spec: specOf(family), tensors: join(rig.dir, `${made}-${seed}`) })),
  );
  const answers = python(
    rig,
    runs.map(({ made, seed, spec, tensors }) => ({
      name: made,
      family: spec.family,
      made,
      seed,
      tensors,
      threshold: 0.4,
      overlap: 0.45,
      classes: spec.classes.length,
      ...inputSize(spec.input),
    })),
  );
  for (const made of Object.keys(MADE)) {
    let count = 0;
    for (const [index, { spec, tensors, made: name }] of runs.entries()) {
      if (name !== made) continue;
      const want = boxesOf(answers[index] as Answer, spec);
      assertSameBoxes(decoderOf(spec)(tensorsOf(tensors, answers[index] as Answer), 0.4), want);
      count += want.length;
    }
    process.stdout.write(`  ${made}: ${count} boxes equal within 1e-4\n`);
    assert.ok(count > 0);
  }
}
