import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { StorageEngine } from './storage-engine.ts';
import { logFileName } from './file-name.ts';
import { GradualRemoval } from './gradual-removal.ts';

test('a file that is let go loses its name at once and its bytes 8 MB at a time; one that a disk holds back is no error', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const leaving = new GradualRemoval(dir);
  for (const name of ['a.db', 'b.db', 'c.db']) writeFileSync(join(dir, name), 'x');
  truncateSync(join(dir, 'a.db'), 20 << 20);
  for (const name of ['a.db', 'b.db', 'c.db']) leaving.add(name);
  assert.equal(existsSync(join(dir, 'a.db')), false);
  const size = (name: string) => statSync(join(dir, `${name}.gone`), { throwIfNoEntry: false })?.size ?? null;
  rmSync(join(dir, 'b.db.gone'));
  mkdirSync(join(dir, 'b.db.gone'));
  const steps = Array.from({ length: 6 }, () => [leaving.removePortion(), size('a.db'), existsSync(join(dir, 'c.db.gone'))]);
  assert.deepEqual(steps, [
    [true, 12 << 20, true],
    [true, 4 << 20, true],
    [true, null, true],
    [true, null, true],
    [true, null, false],
    [false, null, false],
  ]);
});

test('a file of 8 MB goes at once, and one that somebody else removed is gone; an opening removes what the last one left', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const leaving = new GradualRemoval(dir);
  for (const name of ['a.db', 'b.db', 'c.db']) {
    writeFileSync(join(dir, name), '');
    truncateSync(join(dir, name), 8 << 20);
    leaving.add(name);
  }
  rmSync(join(dir, 'b.db.gone'));
  const steps = Array.from({ length: 2 }, () => [leaving.removePortion(), readdirSync(dir).toSorted()]);
  assert.deepEqual(steps, [[true, ['c.db.gone']], [true, ['c.db.gone']]]);
  writeFileSync(join(dir, 'c.db'), '');
  new GradualRemoval(dir).close();
  assert.deepEqual(readdirSync(dir), ['c.db']);
  const all = new GradualRemoval(dir);
  truncateSync(join(dir, 'c.db'), 20 << 20);
  all.add('c.db');
  all.close();
  assert.deepEqual(readdirSync(dir), []);
});

test('a disk that is short of room gets that of a file at once', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const engine = new StorageEngine();
  // No disk has room for such a ballast.
  engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, ballastBytes: 2 ** 50, nowMs: 1 });
  for (const first of [1, 2])
    engine.commit({
      chain: 'log',
      file: logFileName('log', 9, first),
      groups: [{ seq: first, count: 1, payload: Buffer.from('a') }],
      state: '{}',
      monotonicMs: 0,
    });
  engine.remove({ names: [logFileName('log', 9, 1).name] });
  assert.deepEqual(readdirSync(dir).filter((name) => name.startsWith('log-9-1.')), []);
  engine.close();
});
