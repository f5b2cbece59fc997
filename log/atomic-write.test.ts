import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { forceSync } from '../core/folder.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { writeFileAtomically } from './atomic-write.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { openFiles } from './testing/open-files.ts';

test('a file is put in place whole, with its rights, and nothing is left beside it', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'a.json');
  assert.equal(await writeFileAtomically(path, '泵站\n', { mode: 0o600 }), 7);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await writeFileAtomically(path, 'x'), 1);
  assert.equal(await writeFileAtomically(path, 'yz', { forcesName: false }), 2);
  assert.deepEqual([await readFile(path, 'utf8'), await readdir(dir)], ['yz', ['a.json']]);
});

test('one that cannot be written leaves the one before', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'a.json');
  await writeFileAtomically(path, 'before');
  await mkdir(`${path}.new`);
  await assert.rejects(writeFileAtomically(path, 'after'), { code: 'EISDIR' });
  assert.equal(await readFile(path, 'utf8'), 'before');
  await rmdir(`${path}.new`);
  await assert.rejects(writeFileAtomically(join(dir, 'none', 'a.json'), 'x'), { code: 'ENOENT' });
});

test('files and folders are forced alike; what is not there says so', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFileAtomically(join(dir, 'a'), 'x');
  forceSync(join(dir, 'a'), 'r+');
  forceSync(dir, 'r');
  assert.throws(() => forceSync(dir, 'r+'), { code: 'EISDIR' });
  assert.throws(() => forceSync(join(dir, 'b'), 'r'), { code: 'ENOENT' });
});

test('its content is forced before it takes the name, and the name after, unless the one before is good enough', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const open = openFiles(t);
  const steps = recordForcedWrites(t);
  const path = join(dir, 'a.json');
  const written = ['force a.json.new', 'rename a.json.new a.json'];
  await writeFileAtomically(path, 'x');
  assert.deepEqual(steps.splice(0), [...written, `force ${basename(dir)}`]);
  await writeFileAtomically(path, 'y', { forcesName: false });
  assert.deepEqual(steps.splice(0), written);
  assert.deepEqual(open(), []);
});
