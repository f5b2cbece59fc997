import assert from 'node:assert/strict';
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { readClockFile, writeClockFile } from './clock-file.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';

test('a text comes back as it was, from a folder that was not there; its checksum stands before it', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const folder = join(dir, 'log');
  assert.equal(await readClockFile(folder), null);
  await writeClockFile(folder, '123456789');
  assert.deepEqual([await readClockFile(folder), readdirSync(folder)], ['123456789', ['clock']]);
  // The digits by which CRC-32 is checked.
  assert.equal(readFileSync(join(folder, 'clock'), 'utf8'), `${0xcbf43926}\n123456789\n`);
  const steps = recordForcedWrites(t);
  await writeClockFile(folder, 'x');
  assert.deepEqual(steps, ['force clock.new', 'rename clock.new clock', `force ${basename(folder)}`]);
});

test('one that is damaged or cut short is none', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'clock');
  await writeClockFile(dir, 'abc');
  const whole = readFileSync(path, 'utf8');
  for (const text of ['', whole.slice(0, -3), whole.replace('abc', 'abd'), `1${whole}`, whole.split('\n')[0] as string]) {
    writeFileSync(path, text);
    assert.equal(await readClockFile(dir), null, JSON.stringify(text));
  }
  writeFileSync(path, whole);
  assert.equal(await readClockFile(dir), 'abc');
});

test('a disk that cannot read it has none, and a mistake is no disk', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  mkdirSync(join(dir, 'clock'));
  assert.equal(await readClockFile(dir), null);
  mockFs(t, 'readFile', () => Promise.reject(new TypeError('a mistake')), fs.promises);
  await assert.rejects(readClockFile(dir), TypeError);
});
