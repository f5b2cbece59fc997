import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { StorageEngine } from './storage-engine.ts';
import { logFileName } from './file-name.ts';
import { isSealedFile } from './database-file.ts';
import { LogFile } from './log-file.ts';
import { StorageError } from './storage.ts';

const FORM = { origins: false, checkpointPages: 100 };

test('the group that holds a number is found by any of its numbers, and by no other', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  file.write([{ seq: 2, count: 3, payload: Buffer.from('a') }, { seq: 9, count: 1, payload: Buffer.from('b') }], {});
  assert.deepEqual([1, 2, 4, 5, 8, 9, 10].map((seq) => file.groupAt(seq)?.seq ?? null), [null, 2, 2, null, null, 9, null]);
  assert.deepEqual(file.newestNumber(), { last: 9, lastAt: 0 });
  assert.equal(file.isEmpty, false);
  file.close();
});

test('an engine that never opened has done nothing', () => {
  assert.deepEqual(new StorageEngine().stats(), { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 });
});

test('a write that fails half way is undone, says why, and leaves the file to be written', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  const group = (seq: number) => ({ seq, count: 1, payload: Buffer.from(`${seq}`) });
  file.write([group(1)], {});
  assert.throws(() => file.write([group(2), group(1)], {}), /UNIQUE|constraint/u);
  assert.equal(file.groupAt(2), null);
  file.write([group(2)], {});
  assert.equal(file.groupAt(2)?.seq, 2);
  file.close();
});

test('pages are behind until they are written back', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  file.write([{ seq: 1, count: 1, payload: Buffer.alloc(20_000) }], {});
  assert.ok(file.uncheckpointedPages > 4, `${file.uncheckpointedPages} pages`);
  file.checkpoint();
  assert.equal(file.uncheckpointedPages, 0);
  file.close();
});

test('an engine counts what it forced, and refuses a closed file with a reason of its own', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const engine = new StorageEngine();
  engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, nowMs: 5 });
  const forced = (run: () => unknown) => {
    const before = engine.stats();
    run();
    const after = engine.stats();
    return [after.fsyncs - before.fsyncs, after.commits - before.commits, after.checkpoints - before.checkpoints];
  };
  assert.deepEqual(
    [forced(() => engine.setAside({ line: 'a' })), forced(() => engine.setAside({ line: 'b' }))],
    [
      [2, 0, 0],
      [1, 0, 0],
    ],
    'its folder with the first line',
  );
  const commit = (epoch: number, first: number) =>
    engine.commit({
      chain: 'log',
      file: logFileName('log', epoch, first),
      groups: [{ seq: first, count: 1, payload: Buffer.from('a') }],
      state: '{}',
      monotonicMs: 0,
    });
  commit(9, 1);
  commit(9, 2);
  const failure = {
    code: 'FILE_HOLDS_ROWS',
    detail: 'log-9-1.db is closed and has rows',
    needsNewFile: true,
    locked: false,
    retryable: true,
  };
  assert.throws(
    () => commit(9, 1),
    (error) => error instanceof StorageError && isDeepStrictEqual(error.failure, failure),
  );
  engine.close();
});

test('a file whose pages the disk does not take back is not said to be at rest; the next opening brings it there', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const request = { dir, chains: ['log'], origins: false, maxBytes: 64 << 20, ballastBytes: 0, nowMs: 5 };
  const engine = new StorageEngine();
  engine.open(request);
  const file = logFileName('log', 9, 1);
  engine.commit({ chain: 'log', file, groups: [{ seq: 1, count: 1, payload: Buffer.from('a') }], state: '{}', monotonicMs: 0 });
  const { exec } = DatabaseSync.prototype;
  const mock = t.mock.method(DatabaseSync.prototype, 'exec', function run(this: DatabaseSync, sql: string) {
    if (sql.includes('wal_checkpoint'))
      throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
    exec.call(this, sql);
  });
  engine.close();
  assert.equal(isSealedFile(join(dir, file.name)), false);
  mock.mock.restore();
  const next = new StorageEngine();
  const found = next.open(request).chains['log']?.files;
  assert.deepEqual(
    [found?.map(({ name, last, damaged }) => [name, last, damaged]), isSealedFile(join(dir, file.name))],
    [[[file.name, 1, false]], true],
  );
  next.close();
});

test('of damaged rows behind the last sound one the numbers count, of one event as of many, as far as they are believable', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  const lastWith = (counts: number[]) => {
    LogFile.create(path, FORM);
    const file = LogFile.openForWriting(path, 7, FORM);
    file.write([1, 2, 3].map((seq) => ({ seq, count: 1, payload: Buffer.from('a') })), {});
    file.seal();
    const db = new DatabaseSync(path);
    for (const [index, count] of counts.entries()) db.prepare('UPDATE g SET n = ?, crc = crc + 1 WHERE seq = ?').run(count, index + 2);
    db.close();
    const damaged = LogFile.openForReading(path, 7, false, true);
    const found = damaged.newestNumber()?.last;
    damaged.close();
    return found;
  };
  assert.deepEqual([lastWith([1]), lastWith([1, 1]), lastWith([1, 5]), lastWith([1, 0]), lastWith([7, 1])], [3, 3, 7, 2, 8]);
});
