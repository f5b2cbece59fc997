/** Files of SQLite from outside: held against what SQLite itself makes of them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import {
  clearWalMode,
  databaseFileBytes,
  isSealedFile,
  removeDatabaseFile,
  renameDatabaseFile,
  sealAfterCrash,
  walBytes,
} from './database-file.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { openFiles } from './testing/open-files.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return dir;
}

function database(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode=WAL; CREATE TABLE a (b); INSERT INTO a VALUES (1)');
  return db;
}

const FILES = ['a.db', 'a.db-wal', 'a.db-journal', 'a.db-shm'];

test('at rest is a file whose header says so and that has no side files', async (t) => {
  const dir = await folder(t);
  const path = join(dir, 'a.db');
  const open = openFiles(t);
  const db = database(path);
  assert.equal(isSealedFile(path), false);
  db.close();
  assert.deepEqual([readdirSync(dir), isSealedFile(path)], [['a.db'], false], 'its header still says WAL');
  const steps = recordForcedWrites(t);
  clearWalMode(path);
  assert.deepEqual([steps, isSealedFile(path), open()], [['force a.db'], true, []]);
  for (const side of FILES.slice(1)) {
    writeFileSync(join(dir, side), '');
    assert.equal(isSealedFile(path), false, side);
    removeDatabaseFile(join(dir, side));
  }
  assert.equal(isSealedFile(path), true);
  for (const [version, isSealed] of [[2, false], [1, true]] as const) {
    const bytes = readFileSync(path);
    bytes[18] = version;
    writeFileSync(path, bytes);
    assert.equal(isSealedFile(path), isSealed, 'by the version for those who write');
  }
  const again = new DatabaseSync(path, { readOnly: true });
  assert.deepEqual({ ...again.prepare('PRAGMA journal_mode').get() }, { journal_mode: 'delete' });
  assert.deepEqual({ ...again.prepare('SELECT b FROM a').get() }, { b: 1 });
  again.close();
});

test('what a killed process left is brought to rest, with what was in its write-ahead log', async (t) => {
  const dir = await folder(t);
  const db = database(join(dir, 'a.db'));
  for (const side of ['', '-wal']) writeFileSync(join(dir, `b.db${side}`), readFileSync(join(dir, `a.db${side}`)));
  db.close();
  const path = join(dir, 'b.db');
  assert.ok(walBytes(path) > 0);
  sealAfterCrash(path);
  assert.deepEqual([isSealedFile(path), existsSync(`${path}-wal`)], [true, false]);
  const again = new DatabaseSync(path, { readOnly: true });
  assert.deepEqual({ ...again.prepare('SELECT b FROM a').get() }, { b: 1 });
  again.close();
});

test('one that cannot be brought to rest says why, and is closed', async (t) => {
  const dir = await folder(t);
  writeFileSync(join(dir, 'a.db'), 'x'.repeat(9000));
  const close = t.mock.method(DatabaseSync.prototype, 'close');
  assert.throws(() => sealAfterCrash(join(dir, 'a.db')), { errcode: 26 });
  assert.equal(close.mock.callCount(), 1);
});

test('size, name and end are those of the file with its side files', async (t) => {
  const dir = await folder(t);
  const path = join(dir, 'a.db');
  assert.deepEqual([databaseFileBytes(path), walBytes(path)], [0, 0]);
  FILES.forEach((name, index) => writeFileSync(join(dir, name), 'x'.repeat(10 ** index)));
  assert.deepEqual([databaseFileBytes(path), walBytes(path)], [1111, 10]);
  renameDatabaseFile(path, join(dir, 'b.db'));
  const renamed = FILES.map((name) => name.replace('a', 'b'));
  assert.deepEqual(renamed.map((name) => statSync(join(dir, name)).size), [1, 10, 100, 1000]);
  assert.equal(readdirSync(dir).length, 4);
  removeDatabaseFile(join(dir, 'b.db-wal'));
  renameDatabaseFile(join(dir, 'b.db'), path);
  removeDatabaseFile(path);
  assert.deepEqual(readdirSync(dir), []);
});
