import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultError } from '../core/faults.ts';
import { realFiles } from '../core/world.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import centernet320 from './centernet-320/model.ts';
import { readGraph, verifyModel } from './verify.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

const skip = (await verifyModel(centernet320, realFiles)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;
const picture = { index: 0, ptsMs: 0, width: 320, height: 320, yuv: new Uint8Array(320 * 320 * 1.5) };

async function start(): Promise<WorkerProcess> {
  const setup = { spec: centernet320, scoreThreshold: 0.3, graph: await readGraph(centernet320, realFiles) };
  return startWorker(setup, { script: new URL('./worker.ts', import.meta.url), clock: testWorld().clock, answerDeadlineMs: 30_000, closeDeadlineMs: 2000 });
}

function isAlive({ pid }: WorkerProcess): boolean {
  try {
    return process.kill(pid as number, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

test('a worker in the middle of its work ends by itself when it is told, and is gone then', { skip }, async () => {
  const worker = await start();
  assert.equal(isAlive(worker), true);
  const working = worker.detect(picture);
  await worker.close(); // the clock stands still: no deadline helps
  assert.deepEqual((await working).boxes, []);
  assert.equal(isAlive(worker), false);
  await worker.close();
  await assert.rejects(worker.detect(picture), (error: FaultError) => error.fault.code === 'CV_DETECTOR_DIED');
});

test('a worker that is killed says so to everyone who waits', { skip }, async () => {
  const worker = await start();
  const waiting = [worker.detect(picture), worker.detect(picture)].map((one) => one.then(() => 'boxes', (error: FaultError) => `${error.fault.code} ${error.fault.params.detail}`));
  process.kill(worker.pid as number, 'SIGKILL');
  assert.deepEqual(await Promise.all(waiting), ['CV_DETECTOR_DIED SIGKILL', 'CV_DETECTOR_DIED SIGKILL']);
  assert.equal(worker.ended, true);
  await worker.close();
  assert.equal(isAlive(worker), false);
});
