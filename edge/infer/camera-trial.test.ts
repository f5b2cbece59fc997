import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import centernet320 from '../../models/centernet-320/model.ts';
import { DetectorPool } from '../../models/pool.ts';
import { verifyModel } from '../../models/verify.ts';
import type { PictureItem } from '../item.ts';
import { openCameraTrials } from './camera-trial.ts';

const world = testWorld();
const skip = (await verifyModel(centernet320, world.files)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;
const temp = await tempDir();
after(() => temp.remove());
const { signal } = new AbortController();

/** In place of the worker: sees a person for each model that it was given; nothing can be said of a picture of 66, and with two threads no model can be had. */
async function pool(isRefused = false): Promise<DetectorPool> {
  const path = join(temp.dir, 'worker.mjs');
  await writeFile(path, `
    import { SharedPictureFileReader } from ${JSON.stringify(new URL('../../models/shared-picture-file.ts', import.meta.url))};
    const board = new SharedPictureFileReader();
    let loads = 0;
    process.on('disconnect', () => process.exit(0));
    process.on('message', (message) => {
      if (message.kind === 'close') process.exit(0);
      if (message.kind === 'load') {
        loads += 1;
        process.send(message.setup.threads === 2 ? { kind: 'failed', id: message.id, fault: { code: 'CV_MODEL_FAILED', params: { model: 'm', detail: 'refused' } } } : { kind: 'ready', id: message.id, provider: 'cpu' });
      }
      if (message.kind !== 'look') return;
      const found = board.read(message.pictures).map(({ yuv }) => (yuv[0] === 66
        ? { fault: { code: 'CV_MODEL_OUTPUT', params: { model: 'm', problem: 'no numbers' } } }
        : { boxes: Array.from({ length: loads }, () => ({ class: 'person', score: 0.9, x: 0, y: 0, width: 0.1, height: 0.1 })) }));
      process.send({ kind: 'found', id: message.id, found, durationMs: 40 });
    });`);
  return new DetectorPool({ script: pathToFileURL(path), threads: isRefused ? 2 : 1 }, world);
}

const cameras = ['a', 'b', 'c'].map((id) => ({ id, settings: { model: 'centernet-320' } }));
const item = (device: string, grey: number): PictureItem => ({
  device, at: 1, observedAt: 1, points: { persons: { unit: '{person}' }, vehicles: { unit: '{vehicle}' } },
  picture: { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6).fill(grey) },
});

test('what each camera shows, by one model that is opened once', { skip }, async () => {
  const looks = await openCameraTrials(cameras, [centernet320], world, await pool());
  const looked = await Promise.all(cameras.map(({ id }) => looks.run(id, item(id, 7), signal)));
  for (const { samples, detection, faults } of looked) {
    assert.deepEqual(
      samples.map(({ point, value, quality }) => [point, value, quality]),
      [
        ['persons', 1, 'good'],
        ['vehicles', 0, 'good'],
      ],
    );
    assert.deepEqual(
      [detection?.model?.id, detection?.provider, detection?.tookMs, detection?.boxes.length, faults],
      ['centernet-320', 'cpu', 40, 1, []],
    );
  }
  await looks.close();
});

test('a picture of which the model says nothing that is a number: its fault, and nothing seen', { skip }, async () => {
  const looks = await openCameraTrials(cameras, [centernet320], world, await pool());
  const [bad, good] = await Promise.all([looks.run('a', item('a', 66), signal), looks.run('b', item('b', 7), signal)]);
  assert.deepEqual([bad.samples, bad.detection, bad.faults.map(({ code }) => code)], [[], null, ['CV_MODEL_OUTPUT']]);
  assert.deepEqual([good.faults, good.detection?.boxes.length], [[], 1]);
  await looks.close();
});

test('a model that cannot be opened is told of with each of its cameras, also where no picture came', { skip }, async () => {
  const looks = await openCameraTrials(cameras, [centernet320], world, await pool(true));
  const codes = await Promise.all([looks.run('a', item('a', 7), signal), looks.run('b', null, signal)]);
  assert.deepEqual(
    codes.map(({ faults, detection }) => [faults.map(({ code }) => code), detection]),
    [
      [['CV_MODEL_FAILED'], null],
      [['CV_MODEL_FAILED'], null],
    ],
  );
  await looks.close();
});
