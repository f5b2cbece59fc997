import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { isDeepStrictEqual } from 'node:util';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { StorageEngine } from './storage-engine.ts';
import { logFileName } from './file-name.ts';
import { isSealedFile, walBytes } from './database-file.ts';
import { decodeGroupRow, decodeMetadataRow, LogFile } from './log-file.ts';
import { StorageError } from './storage.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';

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
  const lastWith = (counts: number[], from = 2) => {
    LogFile.create(path, FORM);
    const file = LogFile.openForWriting(path, 7, FORM);
    file.write([1, 2, 3].map((seq) => ({ seq, count: 1, payload: Buffer.from('a') })), {});
    file.seal();
    const db = new DatabaseSync(path);
    for (const [index, count] of counts.entries()) db.prepare('UPDATE g SET n = ?, crc = crc + 1 WHERE seq = ?').run(count, index + from);
    db.close();
    const damaged = LogFile.openForReading(path, 7, false, true);
    const found = damaged.newestNumber()?.last;
    damaged.close();
    return found;
  };
  assert.deepEqual([lastWith([1]), lastWith([1, 1]), lastWith([1, 5]), lastWith([1, 0]), lastWith([7, 1])], [3, 3, 7, 2, 8]);
  assert.deepEqual([lastWith([5000], 3), lastWith([5001], 3)], [5002, 2]);
  assert.deepEqual([lastWith([1, 1, 1], 1), lastWith([1, 1, 7], 1), lastWith([0, 0, 0], 1), lastWith([4, 0, 0], 1)], [3, 9, 0, 4]);
});

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return dir;
}

/** What SQLite says of the handles on which such statements run. */
function settingsOf(t: TestContext, statement: string): () => Record<string, unknown>[] {
  const found: DatabaseSync[] = [];
  const { exec } = DatabaseSync.prototype;
  t.mock.method(DatabaseSync.prototype, 'exec', function run(this: DatabaseSync, sql: string) {
    exec.call(this, sql);
    if (sql.includes(statement)) found.push(this);
  });
  const names = ['locking_mode', 'synchronous', 'wal_autocheckpoint'];
  const settingOf = (db: DatabaseSync, name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  return () => found.splice(0).map((db) => Object.fromEntries(names.map((name) => [name, settingOf(db, name)])));
}

const FULL = 2;

test('a file that is written is on disk with each commit, is nobody else\'s, and writes back by itself at six times the usual', async (t) => {
  const path = join(await folder(t), 'a.db');
  const steps = recordForcedWrites(t);
  LogFile.create(path, FORM);
  assert.deepEqual(steps, ['force a.db']);
  const settings = settingsOf(t, 'wal_autocheckpoint');
  const file = LogFile.openForWriting(path, 7, FORM);
  assert.deepEqual(settings(), [{ locking_mode: 'exclusive', synchronous: FULL, wal_autocheckpoint: 600 }]);
  file.close();
  const reading = settingsOf(t, 'locking_mode');
  const unsealed = LogFile.openForReading(path, 7, false, false);
  assert.equal(reading()[0]?.['locking_mode'], 'exclusive', 'what is not at rest is locked for reading too');
  unsealed.close();
  const sealed = LogFile.openForReading(path, 7, false, true);
  assert.equal(reading().length, 0);
  sealed.close();
});

test('one that cannot be made, opened or read leaves nothing behind, on disk or open', async (t) => {
  const dir = await folder(t);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const close = t.mock.method(DatabaseSync.prototype, 'close');
  const exec = t.mock.method(DatabaseSync.prototype, 'exec', () => { throw new Error('refused'); });
  for (const open of [
    () => LogFile.openForWriting(path, 7, FORM),
    () => LogFile.openForReading(path, 7, false, false),
    () => LogFile.create(path, FORM),
  ]) {
    assert.throws(open, /refused/);
    assert.equal(close.mock.callCount(), 1);
    close.mock.resetCalls();
  }
  exec.mock.restore();
  assert.deepEqual(readdirSync(dir), []);
  mockFs(t, 'fsyncSync', () => { throw new Error('EIO'); });
  assert.throws(() => LogFile.create(path, FORM), /EIO/);
  assert.deepEqual(readdirSync(dir), []);
});

test('a file in memory is none on disk', () => {
  const file = LogFile.inMemory(7, FORM);
  file.write([{ seq: 1, count: 1, payload: Buffer.from('a') }], {});
  assert.deepEqual([file.groupAt(1)?.seq, existsSync(file.path), file.path], [1, false, ':memory:']);
  file.close();
});

const ORIGIN = { sender: '12', stream: 'state', epoch: 5, seq: 8, span: 2, receivedAt: 99 } as const;

test('a row is its numbers, its payload and a checksum over both; what was said of the file has its own places', async (t) => {
  const path = join(await folder(t), 'a.db');
  const form = { origins: true, checkpointPages: 100 };
  LogFile.create(path, form);
  const file = LogFile.openForWriting(path, 7, form);
  const payload = Buffer.from('abc');
  file.write([{ seq: 3, count: 2, payload, origin: ORIGIN }], { state: 's', trimmed: 't', salvaged: 'u' }, ['[1]', '[2]']);
  file.write([], { state: 'newer' }, ['[3]']);
  assert.deepEqual([...file.groups(0, 9)], [{ seq: 3, count: 2, payload: new Uint8Array(payload), origin: ORIGIN }]);
  assert.deepEqual([file.metadata('state'), file.isSalvaged], [{ text: 'newer', damaged: false }, true]);
  assert.deepEqual(file.settledRanges(), ['[1]', '[2]', '[3]']);
  assert.equal(file.newestNumber()?.lastAt, 99);
  file.seal();
  assert.ok(isSealedFile(path));
  const crc = crc32(payload, crc32('7|3|2|12|state|5|8|2|99'));
  const db = new DatabaseSync(path);
  const rows = (sql: string) => db.prepare(sql).all().map((row) => Object.values(row));
  assert.deepEqual(rows('SELECT * FROM g'), [[3, 2, crc, '12', 'state', 5, 8, 2, 99, new Uint8Array(payload)]]);
  assert.deepEqual(rows('SELECT id, crc, j FROM m'), [[1, crc32('newer'), 'newer'], [2, crc32('t'), 't'], [3, crc32('u'), 'u']]);
  db.exec('UPDATE d SET crc = crc + 1 WHERE id = 2; UPDATE m SET crc = crc + 1 WHERE id <> 2');
  db.close();
  const damaged = LogFile.openForReading(path, 7, true, true);
  assert.deepEqual(
    [damaged.metadata('state'), damaged.metadata('trimmed'), damaged.isSalvaged, damaged.settledRanges()],
    [{ text: null, damaged: true }, { text: 't', damaged: false }, false, ['[1]', '[3]']],
  );
  damaged.close();
  assert.throws(() => damaged.isEmpty, /not open/);

  const decoded = (sender: unknown, origins = true, columns: unknown[] = [null, 2, crc, sender, 'state', 5, 8, 2, 99, payload]) =>
    decodeGroupRow({ epoch: 7, origins }, 3, columns as never)?.origin?.sender;
  assert.deepEqual([decoded('12'), decoded(12), decoded('12', false)], ['12', undefined, undefined]);
  const wrong = (index: number, value: unknown) => [null, 2, crc, '12', 'state', 5, 8, 2, 99, payload].with(index, value as never);
  for (const [index, value] of [[1, '2'], [5, '5'], [6, 9], [9, 'abc']] as const)
    assert.equal(decoded('12', true, wrong(index, value)), undefined);
  const notes = [[null, crc32('s'), 's'], [null, 1, 's'], [null, crc32('s'), Buffer.from('s')], [null, crc32('s'), 's', null]];
  assert.deepEqual(notes.map((row) => decodeMetadataRow(row as never)), ['s', null, null, null]);
});

test('a state that has become bytes is none, though its checksum is the same', async (t) => {
  const path = join(await folder(t), 'a.db');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE m (id INTEGER PRIMARY KEY, crc, j); INSERT INTO m VALUES (1, ${crc32('{}')}, x'7b7d'), (2, ${crc32('{}')}, '{}')`);
  db.close();
  const file = LogFile.openForReading(path, 7, false, true);
  assert.deepEqual(
    [file.metadata('state'), file.metadata('trimmed'), file.metadata('salvaged')],
    [{ text: null, damaged: true }, { text: '{}', damaged: false }, { text: null, damaged: false }],
  );
  file.close();
});

test('its size is that of its pages and of its write-ahead log', async (t) => {
  const path = join(await folder(t), 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  file.write([{ seq: 1, count: 1, payload: Buffer.alloc(50_000) }], {});
  file.checkpoint();
  assert.ok(walBytes(path) > 0);
  assert.equal(file.bytes, statSync(path).size + walBytes(path));
  const close = t.mock.method(DatabaseSync.prototype, 'close');
  file.close();
  assert.equal(close.mock.callCount(), 1);
  assert.equal(walBytes(path), 0);
});
