import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../../core/testing/temp-dir.ts';
import { CameraRing } from './camera-ring.ts';

test('while nothing can be written the oldest piece goes each time that somebody looks, and makes room; the next segment ends that', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const told: string[] = [];
  const ring = new CameraRing({
    dir,
    keepMs: 60_000,
    maxBytes: 1e6,
    changed: () => {},
    tell: (fault, code) => {
      told.push(fault ? code : `${code} over`);
    },
  });
  const opening = await ring.begin();
  assert.ok(opening);
  let number = 0;
  const comes = async () => {
    const name = `${number}.mkv`;
    await writeFile(join(opening.dir, name), 'a piece');
    opening.took({ name, fromMs: number * 2000, toMs: (number += 1) * 2000, durationMs: 2000 });
  };
  const left = () => ring.current?.segments.map(({ fromMs }) => fromMs / 2000);
  for (let piece = 0; piece < 4; piece += 1) await comes();
  await ring.watch();
  assert.deepEqual(left(), [0, 1, 2, 3]);
  opening.trouble('Error writing trailer: No space left on device');
  await ring.watch();
  await ring.watch();
  assert.deepEqual([left(), told], [[2, 3], ['CV_CLIP_DISK']]);
  await comes();
  await ring.watch();
  await comes();
  await ring.watch();
  assert.deepEqual([left(), told], [[2, 3, 4, 5], ['CV_CLIP_DISK', 'CV_CLIP_DISK over']]);
});
