import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { FaultError } from '../core/faults.ts';
import { realFiles, type Clock } from '../core/world.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import centernet320 from './centernet-320/model.ts';
import { readGraph, verifyModel } from './verify.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

const skip = (await verifyModel(centernet320, realFiles)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;
const pictures = [{ width: 320, height: 320, yuv: new Uint8Array(320 * 320 * 1.5) }];

const started: WorkerProcess[] = [];
// Also those of tests that failed: a process that lives on would keep this one.
after(() => Promise.all(started.map((worker) => worker.close())));

async function start(clock: Clock = testWorld().clock): Promise<WorkerProcess> {
  const worker = startWorker('centernet-320', {
    script: new URL('./worker.ts', import.meta.url),
    clock,
    answerDeadlineMs: 30_000,
    closeDeadlineMs: 2000,
  });
  started.push(worker);
  const provider = await worker.load('a', {
    spec: centernet320,
    graph: await readGraph(centernet320, realFiles),
    classes: null,
    providers: ['cpu'],
    threads: 1,
  });
  assert.equal(provider, 'cpu');
  return worker;
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
  const working = worker.look('a', 0.3, pictures, 30_000);
  await worker.close(); // the clock stands still: no deadline helps
  assert.deepEqual((await working).found, [{ boxes: [] }]);
  assert.equal(isAlive(worker), false);
  await worker.close();
  await assert.rejects(worker.look('a', 0.3, pictures, 30_000), (error: FaultError) => error.fault.code === 'CV_DETECTOR_DIED');
});

test('a worker that is killed says so to everyone who waits', { skip }, async () => {
  const worker = await start();
  process.kill(worker.pid as number, 'SIGSTOP'); // it cannot be quicker than the kill
  const waiting = [worker.look('a', 0.3, pictures, 30_000), worker.look('a', 0.3, pictures, 30_000)].map((one) =>
    one.then(
      () => 'boxes',
      (error: FaultError) => `${error.fault.code} ${error.fault.params.detail}`,
    ),
  );
  process.kill(worker.pid as number, 'SIGKILL');
  assert.deepEqual(await Promise.all(waiting), ['CV_DETECTOR_DIED SIGKILL', 'CV_DETECTOR_DIED SIGKILL']);
  assert.equal(worker.ended, true);
  await worker.close();
  assert.equal(isAlive(worker), false);
});

test('where the whole machine stood still, the answer that lies there is read before anybody is given up on', { skip }, async () => {
  const timers = new Set<() => void>();
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    after(_delayMs, run) {
      timers.add(run);
      return { cancel: () => { timers.delete(run); } };
    },
  };
  const worker = await start(clock);
  const working = worker.look('a', 0.3, pictures, 2000);
  const due = [...timers];
  for (const run of due) run();
  assert.deepEqual((await working).found, [{ boxes: [] }]);
  await worker.close();
});

test('a process holds several models, and goes on without one that cannot be used', { skip }, async () => {
  const worker = await start();
  const graph = await readGraph(centernet320, realFiles);
  await assert.rejects(
    worker.load('b', { spec: centernet320, graph: graph.subarray(0, 1000), classes: null, providers: ['cpu'], threads: 1 }),
    (error: FaultError) => error.fault.code === 'CV_MODEL_FAILED' && error.fault.params.model === 'centernet-320',
  );
  assert.equal(
    await worker.load('c', {
      spec: { ...centernet320, classes: centernet320.classes.map((name) => (name === 'person' ? 'walker' : name)) },
      graph,
      classes: null,
      providers: ['cuda', 'cpu'],
      threads: 2,
    }),
    'cpu',
    'a provider that is not there is passed over',
  );
  worker.unload('c');
  assert.deepEqual((await worker.look('a', 0.3, pictures, 30_000)).found, [{ boxes: [] }]);
  await assert.rejects(worker.look('c', 0.3, pictures, 30_000), (error: FaultError) => error.fault.code === 'CV_MODEL_FAILED');
  await worker.close();
});
