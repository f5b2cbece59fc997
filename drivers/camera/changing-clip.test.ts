import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Picture } from '../../core/driver.ts';
import type { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { open } from './link.ts';
import { settings } from './settings.ts';

const part = (size: string, from: number) =>
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=10:duration=2`,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-output_ts_offset',
    String(from),
    '-f',
    'mpegts',
    'pipe:1',
  ]);

for (const motion of [{}, 'off'] as const) {
  test(`a clip whose pictures become smaller goes on to its end, as large as it began, with motion ${motion === 'off' ? 'off' : 'on'}`, async (t) => {
    const { dir, remove } = await tempDir();
    t.after(remove);
    const path = join(dir, 'smaller.ts');
    await writeFile(path, Buffer.concat([part('128x96', 0), part('64x48', 2)]));
    const link = await open(settings.parse({ url: `file:${path}`, fps: 5, speed: 'max', motion }), [], testWorld());
    t.after(() => link.close());
    const pictures: Picture[] = [];
    await assert.rejects(
      async () => {
        for await (const picture of link.frames(new AbortController().signal)) pictures.push(picture);
      },
      (error: FaultError) => error.fault.code === 'CV_VIDEO_ENDED',
    );
    assert.deepEqual([...new Set(pictures.map(({ width, height }) => `${width} × ${height}`))], ['128 × 96']);
    const lengthMs = pictures.at(-1)?.ptsMs ?? 0;
    assert.ok(lengthMs >= 3600 && lengthMs <= 4200, `${lengthMs} ms`);
  });
}
