import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Picture } from '../core/driver.ts';
import type { FaultCode, FaultError } from '../core/faults.ts';
import type { Dimension, ModelSpec } from '../core/model.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { settle, testWorld } from '../core/testing/virtual-clock.ts';
import { encodeOnnx } from './convert/onnx.ts';
import { MODELS, modelById } from './index.ts';
import { openDetector, type Detector, type DetectorOptions } from './load.ts';
import { graphPath, sha256, verifyModel } from './verify.ts';

const spec = modelById('centernet-320') as ModelSpec;
const made = await testWorld().files.exists(graphPath(spec));
const skip = made ? false : 'the graph is not made yet (node models/convert/main.ts)';

const grey = (width: number, height: number): Picture => ({
  index: 0,
  ptsMs: 0,
  width,
  height,
  yuv: new Uint8Array((width * height * 3) / 2).fill(128),
});
const code = (wanted: FaultCode) => (error: FaultError) => error.fault?.code === wanted;

const { dir: folder, remove } = await tempDir();
after(remove);

async function withDetector(
  options: DetectorOptions,
  run: (detector: Detector, world: ReturnType<typeof testWorld>) => Promise<void>,
): Promise<void> {
  const world = testWorld();
  const detector = await openDetector(spec, options, world);
  try {
    await run(detector, world);
  } finally {
    const closing = detector.close();
    await settle();
    await world.clock.advanceMs(10_000);
    await closing;
  }
}

for (const model of MODELS) {
  test(
    `${model.id}: the graph is the recorded one`,
    { skip: (await testWorld().files.exists(graphPath(model))) ? false : 'its graph is not here' },
    async () => {
      assert.equal(await verifyModel(model, testWorld().files), null);
    },
  );
}

test('pictures of any size are looked at; a flat one has nothing in it', { skip }, () => withDetector({}, async (detector) => {
  const [fitting, larger] = await Promise.all([detector.detect(grey(320, 320)), detector.detect(grey(768, 576))]);
  assert.deepEqual([fitting.boxes, larger.boxes], [[], []]);
  assert.ok(fitting.durationMs > 0);
  await assert.rejects(detector.detect({ ...grey(4, 4), yuv: new Uint8Array(23) }), code('CV_MODEL_FAILED'));
  await assert.rejects(detector.detect(grey(320, 320), AbortSignal.abort(new Error('enough'))), /enough/);
}));

test('close may be called twice, and ends what is asked later', { skip }, async () => {
  const detector = await openDetector(spec, {}, testWorld());
  const last = detector.detect(grey(320, 320)).then(
    ({ boxes }) => assert.deepEqual(boxes, []),
    (error: FaultError) => assert.equal(error.fault.code, 'CV_DETECTOR_CLOSED'),
  );
  await Promise.all([detector.close(), detector.close(), last]);
  await assert.rejects(detector.detect(grey(320, 320)), code('CV_DETECTOR_CLOSED'));
});

test('a graph that is missing, another, or no graph is refused before a camera starts', async () => {
  const garbage = join(folder, 'garbage.onnx');
  await writeFile(garbage, 'this is no graph');
  const open = (changes: Partial<ModelSpec>, options: DetectorOptions = {}) => openDetector({ ...spec, ...changes }, options, testWorld());
  await assert.rejects(open({ file: join(folder, 'none.onnx') }), code('CV_MODEL_MISSING'));
  await assert.rejects(open({ file: garbage }), code('CV_MODEL_HASH'));
  await assert.rejects(open({ file: garbage, sha256: sha256(Buffer.from('this is no graph')) }), code('CV_MODEL_GRAPH'));
});

test('a provider that nobody knows, or that is not on this machine, is refused; what is there is said', { skip }, async () => {
  const provider = (wanted: string) => (error: FaultError) =>
    error.fault?.code === 'CV_MODEL_PROVIDER' && error.fault.params.provider === wanted;
  await assert.rejects(openDetector(spec, { provider: 'cann' }, testWorld()), provider('cann'));
  await assert.rejects(openDetector(spec, { provider: 'cuda' }, testWorld()), provider('cuda'));
  const world = testWorld();
  const detector = await openDetector({ ...spec, providers: ['tensorrt', 'cpu'] }, {}, world);
  assert.equal(detector.provider, 'cpu');
  assert.ok(world.told.some((event) => event.kind === 'notice' && event.en.endsWith('runs on cpu')));
  await detector.close();
});

test('a graph that is not as described is refused: operator set, shapes, family', { skip }, async () => {
  const open = (changes: Partial<ModelSpec>) => openDetector({ ...spec, ...changes }, {}, testWorld());
  await assert.rejects(open({ opset: 13 }), code('CV_MODEL_OPSET'));
  await assert.rejects(open({ input: { ...spec.input, shape: [1, 512, 512, 3] } }), code('CV_MODEL_SHAPE'));
  await assert.rejects(open({ outputs: { heatmap: [1, 80, 80, 80] } }), code('CV_MODEL_SHAPE'));
  await assert.rejects(open({ family: 'yolox' }), code('CV_MODEL_OUTPUT'));
  await assert.rejects(open({ family: 'yolo99' }), code('CV_MODEL_FAMILY'));
});

/** As ONNX has it. */
const written = (dims: readonly Dimension[]) => dims.map((dim) => (typeof dim === 'number' ? dim : -1));

test('a graph that looks right and cannot be run is refused too', async () => {
  const file = join(folder, 'empty.onnx');
  const bytes = encodeOnnx({
    name: 'broken', opset: 17, irVersion: 8, initializers: [], inputs: [{ name: 'images', dims: written(spec.input.shape) }],
    nodes: [{ op: 'NoSuchOperator', inputs: ['images'], output: 'heatmap' }],
    outputs: Object.entries(spec.outputs).map(([name, dims]) => ({ name, dims: written(dims) })),
  });
  await writeFile(file, bytes);
  await assert.rejects(openDetector({ ...spec, file, sha256: sha256(bytes) }, {}, testWorld()), code('CV_MODEL_FAILED'));
});

/** Stands in for the worker where it has to die or hang, which the real one does not do when asked. */
async function script(onMessage: string): Promise<{ script: URL }> {
  const path = join(folder, `${sha256(Buffer.from(onMessage)).slice(0, 8)}.mjs`);
  await writeFile(
    path,
    `import { SharedPictureFileReader } from ${JSON.stringify(new URL('./shared-picture-file.ts', import.meta.url))}; const board = new SharedPictureFileReader(); process.on('message', (message) => { if (message.kind === 'load') process.send({ kind: 'ready', id: message.id, provider: 'cpu' }); else { ${onMessage} } });`,
  );
  return { script: pathToFileURL(path) };
}
const answer = 'process.send({ kind: "found", id: message.id, found: [{ boxes: [] }], durationMs: 1 })';
const leaves = 'if (message.kind === "close") process.exit(0);';

test('a worker that dies costs its picture alone: the next picture gets a new one', { skip }, async () =>
  withDetector(
    await script(
      `${leaves} if (message.pictures && board.read(message.pictures)[0].yuv[0] === 1) { console.error("out of memory"); process.abort(); } ${answer}`,
    ),
    async (detector) => {
      const deadly = { ...grey(2, 2), yuv: new Uint8Array(6).fill(1) };
      await assert.rejects(
        detector.detect(deadly),
        (error: FaultError) => error.fault.code === 'CV_DETECTOR_DIED' && error.fault.params.detail === 'SIGABRT, out of memory',
      );
      assert.deepEqual(await Promise.all([detector.detect(grey(2, 2)), detector.detect(grey(2, 2))]), [
        { boxes: [], durationMs: 1 },
        { boxes: [], durationMs: 1 },
      ]);
    },
  ),
);

test('one that dies at every picture is not started again and again: the waits grow', { skip }, async () =>
  withDetector(
    await script(`${leaves} if (message.pictures && board.read(message.pictures)[0].yuv[0] === 1) process.exit(9); ${answer}`),
    async (detector, world) => {
      const deadly = { ...grey(2, 2), yuv: new Uint8Array(6).fill(1) };
      const ends = () => detector.detect(deadly).catch((error: FaultError) => `${error.fault.code} ${error.fault.params.detail}`);
      assert.deepEqual([await ends(), await ends()], ['CV_DETECTOR_DIED exit code 9', 'CV_DETECTOR_DIED exit code 9']);
      assert.equal(await ends(), 'CV_DETECTOR_DIED 2 times without a picture between');
      await world.clock.advanceMs(500);
      assert.equal(await ends(), 'CV_DETECTOR_DIED exit code 9');
      await world.clock.advanceMs(999);
      assert.equal(await ends(), 'CV_DETECTOR_DIED 3 times without a picture between');
      await world.clock.advanceMs(1001);
      assert.equal((await detector.detect(grey(2, 2))).durationMs, 1);
      assert.deepEqual(
        [await ends(), await ends()],
        ['CV_DETECTOR_DIED exit code 9', 'CV_DETECTOR_DIED exit code 9'],
        'a picture in between and all is forgotten',
      );
    },
  ),
);

test('a worker that says nothing any more is ended at its deadline', { skip }, async () =>
  withDetector({ answerDeadlineMs: 5000, ...(await script(leaves)) }, async (detector, world) => {
    const stuck = detector.detect(grey(2, 2));
    const refused = assert.rejects(stuck, code('CV_DETECTOR_DIED'));
    await settle();
    await world.clock.advanceMs(5000);
    await refused;
  }));

test('close ends a worker that does not end by itself', { skip }, async () => {
  const world = testWorld();
  const detector = await openDetector(spec, { closeDeadlineMs: 700, ...(await script('')) }, world);
  let isClosed = false;
  const closing = detector.close().then(() => { isClosed = true; });
  await world.clock.advanceMs(699);
  assert.equal(isClosed, false);
  await world.clock.advanceMs(1);
  await closing;
});
