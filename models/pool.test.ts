import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FaultError } from '../core/faults.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realFiles, seededRandom } from '../core/world.ts';
import { settle, testWorld } from '../core/testing/virtual-clock.ts';
import centernet320 from './centernet-320/model.ts';
import { DetectorPool } from './pool.ts';
import { WorkerSlot } from './worker-slot.ts';
import { graphPath, verifyModel } from './verify.ts';

const skip = (await verifyModel(centernet320, realFiles)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;
const picture = (index: number) => ({ index, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6).fill(index) });

const { dir: folder, remove } = await tempDir();
after(remove);

/**
 * Stands in for the worker: says its process's id as a class, which of its models it was as y, and dies at a picture of 66.
 * It takes no model whose key begins with what stands in the file `refused`.
 */
async function script(): Promise<URL> {
  const path = join(folder, 'worker.mjs');
  await writeFile(path, `
    import { readFileSync } from 'node:fs';
    import { SharedPictureFileReader } from ${JSON.stringify(new URL('./shared-picture-file.ts', import.meta.url))};
    const board = new SharedPictureFileReader();
    const keys = [];
    process.on('disconnect', () => process.exit(0));
    process.on('message', (message) => {
      let refused = null;
      try { refused = readFileSync(${JSON.stringify(join(folder, 'refused'))}, 'utf8'); } catch {}
      if (message.kind === 'load' && refused !== null && message.key.startsWith(refused)) return process.send({ kind: 'failed', id: message.id, fault: { code: 'CV_MODEL_FAILED', params: { model: refused, detail: 'no memory' } } });
      if (message.kind === 'load') keys.push(message.key);
      if (message.kind === 'load') process.send({ kind: 'ready', id: message.id, provider: 'cpu' });
      if (message.kind === 'close') process.exit(0);
      if (message.kind !== 'look') return;
      const pictures = board.read(message.pictures);
      if (pictures.some(({ yuv }) => yuv[0] === 66)) process.exit(9);
      const found = pictures.map(({ yuv }) => ({ boxes: [{ class: String(process.pid), score: pictures.length, x: yuv[0], y: keys.indexOf(message.key), width: 1, height: 1 }] }));
      process.send({ kind: 'found', id: message.id, found, durationMs: found.length });
    });`);
  return pathToFileURL(path);
}

test('cameras share one process; the last one that leaves ends it, and who comes after gets a new one', { skip }, async () => {
  const pool = new DetectorPool({ script: await script() }, testWorld());
  const cameras = await Promise.all([1, 2, 3].map(() => pool.open(centernet320)));
  const seen = await Promise.all(cameras.map((camera, at) => camera.detect(picture(at))));
  const pids = new Set(seen.map(({ boxes }) => boxes[0]?.class));
  assert.equal(pids.size, 1);
  assert.deepEqual(seen.map(({ boxes }) => boxes[0]?.x), [0, 1, 2], 'to each its own');
  const pid = Number([...pids][0]);
  await cameras[0]?.close();
  assert.equal(process.kill(pid, 0), true);
  await Promise.all(cameras.map((camera) => camera.close()));
  assert.throws(() => process.kill(pid, 0));
  const again = await pool.open(centernet320);
  assert.notEqual((await again.detect(picture(1))).boxes[0]?.class, String(pid));
  await again.close();
});

test('when all is to end a model that is being opened is given up at once, and none is opened any more', { skip }, async () => {
  const hanging = join(folder, 'hanging.mjs');
  await writeFile(hanging, `process.on('message', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });`);
  const world = testWorld();
  const pool = new DetectorPool({ script: pathToFileURL(hanging), processes: 2 }, world);
  const closed = { name: 'CV_DETECTOR_CLOSED' };
  const opening = assert.rejects(pool.open(centernet320), closed);
  await settle();
  pool.stopOpening(); // the clock stands still: no deadline helps
  await opening;
  await assert.rejects(pool.open(centernet320), closed);
  assert.deepEqual(world.told, []);
});

test('a detector that is open when all is to end goes on until it is closed', { skip }, async () => {
  const pool = new DetectorPool({ script: await script() }, testWorld());
  const camera = await pool.open(centernet320);
  pool.stopOpening();
  assert.equal((await camera.detect(picture(7))).boxes[0]?.x, 7);
  await camera.close();
});

test('one graph that is described in two ways is two models', { skip }, async () => {
  const pool = new DetectorPool({ script: await script() }, testWorld());
  const cameras = await Promise.all(
    [centernet320, { ...centernet320, maxOverlap: 0.3 }, { ...centernet320 }].map((spec) => pool.open(spec)),
  );
  const [first, other, same] = await Promise.all(cameras.map((camera) => camera.detect(picture(1)).then(({ boxes }) => boxes[0]?.y)));
  assert.deepEqual([first === same, first === other], [true, false]);
  await Promise.all(cameras.map((camera) => camera.close()));
});

test('a model that cannot be had takes no process away from one that is on its way', { skip }, async () => {
  const seat = new WorkerSlot({ script: await script(), clock: testWorld().clock, answerDeadlineMs: 30_000, closeDeadlineMs: 2000 });
  const setup = { spec: centernet320, graph: new Uint8Array(), classes: null, providers: ['cpu'], threads: 1 };
  const loaded = [seat.load('a', setup)];
  void seat.unload('refused before it was loaded');
  await settle();
  loaded.push(seat.load('b', setup));
  await Promise.all(loaded);
  const boxes = async (key: string) => (await seat.look(key, 0, [picture(1)])).found[0]?.boxes;
  assert.deepEqual([(await boxes('a'))?.[0]?.y, (await boxes('b'))?.[0]?.y], [0, 1], 'both are where they are asked for');
  await Promise.all(['a', 'b'].map((key) => seat.unload(key)));
});

test('two processes work side by side; when one dies its picture alone is lost', { skip }, async () => {
  const pool = new DetectorPool({ script: await script(), processes: 2 }, testWorld());
  const cameras = await Promise.all([1, 2, 3, 4].map(() => pool.open(centernet320)));
  const look = () => Promise.all(cameras.map((camera) => camera.detect(picture(1)).then(({ boxes }) => boxes[0]?.class)));
  const before = new Set(await look());
  assert.equal(before.size, 2);
  const ends = await Promise.all(
    cameras.map((camera, at) =>
      camera.detect(picture(at === 1 ? 66 : 1)).then(
        () => 'seen',
        (error: FaultError) => error.fault.code,
      ),
    ),
  );
  assert.deepEqual(ends, ['seen', 'CV_DETECTOR_DIED', 'seen', 'seen']);
  const afterwards = new Set([...await look(), ...await look()]);
  assert.equal([...before].filter((pid) => afterwards.has(pid)).length, 1);
  await Promise.all(cameras.map((camera) => camera.close()));
});

test('a model that a new process does not take is lost alone, and offered to it again', { skip }, async (t) => {
  const world = testWorld();
  const pool = new DetectorPool({ script: await script() }, world);
  const [well, other] = await Promise.all([
    pool.open(centernet320),
    pool.open({ ...centernet320, id: 'other', file: graphPath(centernet320) }),
  ]);
  t.after(() => Promise.all([well.close(), other.close()]));
  await writeFile(join(folder, 'refused'), 'other');
  const failed = (code: string) => (error: FaultError) => error.fault.code === code;
  await assert.rejects(well.detect(picture(66)), failed('CV_DETECTOR_DIED'));
  assert.equal((await well.detect(picture(1))).boxes.length, 1);
  await assert.rejects(other.detect(picture(1)), failed('CV_MODEL_FAILED'));
  await rm(join(folder, 'refused'));
  await assert.rejects(other.detect(picture(1)), failed('CV_MODEL_FAILED'), 'not at every picture');
  await world.clock.advanceMs(15_000);
  assert.equal((await other.detect(picture(1))).boxes.length, 1);
});

test('a process that is killed while nobody looks is told of, and the next picture has another', { skip }, async () => {
  const world = testWorld();
  const pool = new DetectorPool({ script: await script() }, world);
  const camera = await pool.open(centernet320);
  const pidOf = async () => Number((await camera.detect(picture(1))).boxes[0]?.class);
  const pid = await pidOf();
  const heard = new Promise<string>((resolve) => {
    const { tell } = world;
    world.tell = (event) => {
      tell(event);
      if (event.kind === 'fault') resolve(`${event.fault.code} ${event.fault.params.detail}`);
    };
  });
  process.kill(pid, 'SIGKILL');
  assert.equal(await heard, 'CV_DETECTOR_DIED SIGKILL');
  assert.notEqual(await pidOf(), pid);
  await camera.close();
  assert.equal(world.told.filter(({ kind }) => kind === 'fault').length, 1, 'not told of one that is let go');
});

test('pictures of several cameras go into one run where the graph leaves their number open', { skip }, async () => {
  const pool = new DetectorPool({ script: await script(), batch: 4 }, testWorld());
  const cameras = await Promise.all(Array.from({ length: 6 }, () => pool.open(centernet320)));
  const seen = await Promise.all(cameras.map((camera, at) => camera.detect(picture(at))));
  // The first starts at once; those that came meanwhile share the next run.
  assert.deepEqual(
    seen.map(({ boxes, durationMs }) => [boxes[0]?.x, boxes[0]?.score, durationMs]),
    [
      [0, 1, 1],
      [1, 4, 1],
      [2, 4, 1],
      [3, 4, 1],
      [4, 4, 1],
      [5, 1, 1],
    ],
  );
  const fixed = await pool
    .open({ ...centernet320, id: 'fixed', outputs: { ...centernet320.outputs, heatmap: [1, 80, 80, 80] } })
    .catch((error: FaultError) => error.fault.code);
  assert.equal(fixed, 'CV_MODEL_MISSING');
  await Promise.all(cameras.map((camera) => camera.close()));
});

test('what is seen does not depend on what else is in the run', { skip }, async () => {
  const random = seededRandom(3);
  const noise = (index: number) => ({
    index,
    ptsMs: 0,
    width: 64,
    height: 48,
    yuv: Uint8Array.from({ length: 64 * 48 * 1.5 }, () => Math.floor(random.next() * 256)),
  });
  const pictures = [0, 1, 2, 3].map(noise);
  const boxes = async (batch: number) => {
    const pool = new DetectorPool({ batch }, testWorld());
    // A threshold at which noise has boxes.
    const cameras = await Promise.all(pictures.map(() => pool.open(centernet320, 0.05)));
    const seen = await Promise.all(cameras.map((camera, at) => camera.detect(pictures[at] as ReturnType<typeof noise>)));
    await Promise.all(cameras.map((camera) => camera.close()));
    return seen.map((one) => one.boxes);
  };
  const [single, batched] = [await boxes(1), await boxes(4)];
  assert.ok(single.flat().length > 0);
  single.forEach((one, at) =>
    assert.deepEqual(
      batched[at]?.map((box) => [box.class, box.x.toFixed(3), box.y.toFixed(3)]),
      one.map((box) => [box.class, box.x.toFixed(3), box.y.toFixed(3)]),
    ),
  );
});
