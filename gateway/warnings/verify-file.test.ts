import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { verifyStateFile } from './verify-file.ts';

const TABLES =
  'CREATE TABLE warning_changes (warning TEXT, n INTEGER, json TEXT); CREATE TABLE series (key TEXT, json TEXT); CREATE TABLE keys (key TEXT, json TEXT); CREATE TABLE warnings (id TEXT, json TEXT); CREATE TABLE findings (id TEXT, json TEXT); CREATE TABLE outbox (n INTEGER, payload TEXT)';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

function made(dir: string, fill: (db: DatabaseSync) => void): DatabaseSync {
  const db = new DatabaseSync(join(dir, 'state.db'));
  db.exec(`PRAGMA journal_mode=WAL; ${TABLES}`);
  fill(db);
  return db;
}

test('no file is nothing to verify; what is no database is said', async (t) => {
  const dir = await folder(t);
  assert.equal(verifyStateFile(dir), null);
  await copyFile(import.meta.filename, join(dir, 'state.db'));
  assert.throws(() => verifyStateFile(dir), (error: FaultError) => error.fault.code === 'CV_STORE_DAMAGED');
});

test('all rows are counted; each that cannot be understood is named, of a table twenty', async (t) => {
  const dir = await folder(t);
  made(dir, (db) => {
    for (let n = 0; n < 25; n += 1) db.prepare('INSERT INTO warnings VALUES (?, ?)').run(`w${n}`, '{"id":');
    db.exec(
      `INSERT INTO keys VALUES ('k', '{}'), ('broken', '['); INSERT INTO outbox VALUES (1, ''), (2, '{}'), (3, 'x'); INSERT INTO series VALUES ('s', '{}'); INSERT INTO findings VALUES ('f', '{}'); INSERT INTO warning_changes VALUES ('w1', 2, '{}'), ('w1', 3, '{')`,
    );
  }).close();
  const check = verifyStateFile(dir);
  assert.deepEqual(check?.counts, { series: 1, keys: 2, warnings: 25, warning_changes: 2, findings: 1, outbox: 3 });
  const problems = check?.problems.map(({ en }) => en) ?? [];
  assert.deepEqual(
    problems.filter((text) => text.startsWith('warnings ')),
    Array.from({ length: 20 }, (_, n) => `warnings w${n} cannot be understood`),
  );
  assert.deepEqual(
    problems.filter((text) => !text.startsWith('warnings ')),
    ['keys broken cannot be understood', 'warning_changes w1 3 cannot be understood', 'outbox 3 cannot be understood'],
  );
  assert.equal(check?.problems.find(({ en }) => en.startsWith('outbox'))?.zh, 'outbox 表的 3 无法解析');
});

test('what a kill has left beside the file is read as well, and nothing is changed', async (t) => {
  const dir = await folder(t);
  const left = join(dir, 'left');
  await mkdir(left);
  const db = made(dir, (open) => { open.exec("PRAGMA wal_autocheckpoint=0; INSERT INTO findings VALUES ('f', '{}')"); });
  for (const name of ['state.db', 'state.db-wal']) await copyFile(join(dir, name), join(left, name));
  db.close();
  const files = () => Promise.all(['state.db', 'state.db-wal'].map((name) => readFile(join(left, name), 'base64').catch(() => 'gone')));
  const before = await files();
  assert.deepEqual([verifyStateFile(left)?.counts.findings, verifyStateFile(left)?.problems], [1, []]);
  assert.deepEqual(await files(), before);
});

test('a file of a later version, and one of before, are told apart', async (t) => {
  const dir = await folder(t);
  made(dir, (db) => { db.exec("DROP TABLE warning_changes; INSERT INTO warnings VALUES ('w', '{}')"); }).close();
  assert.deepEqual([verifyStateFile(dir)?.counts.warnings, verifyStateFile(dir)?.problems], [1, []]);
  const db = new DatabaseSync(join(dir, 'state.db'));
  db.exec('PRAGMA user_version = 77');
  db.close();
  assert.throws(
    () => verifyStateFile(dir),
    (error: FaultError) => error.fault.code === 'CV_STORE_NEWER' && error.fault.params.detail === '77',
  );
});
