/** A write-ahead log whose header is damaged, read as SQLite would not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { LogFile } from './log-file.ts';
import { readWal } from './wal.ts';

const FORM = { origins: false, checkpointPages: 100 };
const HEADER_BYTES = 32;

test('whatever byte of the header is wrong, that is damage, and no frame is missed', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  for (const seq of [1, 2, 3]) file.write([{ seq, count: 1, payload: Buffer.alloc(5000, seq) }], {});
  const log = readFileSync(`${path}-wal`);
  file.close();
  const whole = readWal(log);
  assert.deepEqual([whole.damaged, whole.frames.length > 3, whole.frames.every(({ sound }) => sound)], [false, true, true]);
  for (let index = 0; index < HEADER_BYTES; index += 1) {
    const flipped = Buffer.from(log);
    flipped[index] = (flipped[index] as number) ^ 0x10;
    const read = readWal(flipped);
    assert.deepEqual([read.damaged, read.frames.map(({ page }) => page)], [true, whole.frames.map(({ page }) => page)], `byte ${index}`);
  }
});
