/** Opening the files of a chain: what each holds, what is brought to rest, put right or removed on the way. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { isSealedFile } from './database-file.ts';
import { logFileName } from './file-name.ts';
import { LogFile, type LogMetadataKind } from './log-file.ts';
import { hasNoCommit, openChain } from './open-chain.ts';
import type { ChainReport, LogFileName, SalvageReport } from './storage.ts';

const FORM = { origins: false, checkpointPages: 100 };
type Metadata = Partial<Record<LogMetadataKind, string>>;

const sqliteError = (errcode: number) => Object.assign(new Error('refused'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'refused' });

async function bench(t: TestContext) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const live = join(dir, 'live');
  const at = join(dir, 'log');
  for (const one of [live, at]) mkdirSync(one);
  const unsealed = new Set<string>();
  const salvaged: unknown[][] = [];
  const disk = { salvage: null as (() => SalvageReport) | null, frees: 0, read: null as ((file: LogFileName) => LogFile | null) | null };
  const handles: LogFile[] = [];
  t.after(() => { for (const handle of handles) handle.close(); });
  const context = {
    dir: at,
    unsealed,
    read(file: LogFileName) {
      if (disk.read) return disk.read(file);
      const handle = LogFile.openForReading(join(at, file.name), file.epoch, false, !unsealed.has(file.name));
      handles.push(handle);
      return handle;
    },
    salvage(file: LogFileName, detail: string, least?: number) {
      salvaged.push([file.name, detail, least]);
      return disk.salvage?.() ?? null;
    },
    freeSpace: () => (disk.frees -= 1) >= 0,
  };
  /** A file with groups of two numbers each, closed in order or as a killed process leaves it. */
  const make = (file: LogFileName, groups: number, notes: Metadata = { state: `state of ${file.first}` }, isKilled = false) => {
    const path = join(live, file.name);
    LogFile.create(path, FORM);
    const writer = LogFile.openForWriting(path, file.epoch, FORM);
    const payload = Buffer.alloc(50);
    const rows = Array.from({ length: groups }, (_, index) => ({ seq: file.first + index * 2, count: 2, payload }));
    writer.write(rows, notes);
    const copy = () => {
      for (const name of readdirSync(live).filter((one) => one.startsWith(file.name))) cpSync(join(live, name), join(at, name));
    };
    if (isKilled) copy();
    writer.seal();
    if (!isKilled) copy();
    return file;
  };
  const change = (file: LogFileName, sql: string) => {
    const db = new DatabaseSync(join(at, file.name));
    db.exec(sql);
    db.close();
  };
  const opened = (files: LogFileName[], head: ChainReport['head'] = null) => openChain(context, files, head);
  return { at, unsealed, salvaged, disk, make, change, opened };
}

const [first, second, third] = [logFileName('log', 7, 1), logFileName('log', 7, 7), logFileName('log', 8, 1)] as const;

test('a chain is its files with what they hold, the newest state, and the last that was said of what was let go', async (t) => {
  const { at, make, opened, salvaged, unsealed } = await bench(t);
  make(first, 3, { state: 'a', trimmed: 'b' });
  make(second, 1, { state: 'c', trimmed: 'd' });
  make(third, 0, { state: 'e' });
  const head = { epoch: 8, seq: 0 };
  const bytes = (file: LogFileName) => statSync(join(at, file.name)).size;
  assert.deepEqual(opened([first, second, third], head), {
    files: [
      { ...first, last: 6, lastAt: 0, bytes: bytes(first), damaged: false },
      { ...second, last: 8, lastAt: 0, bytes: bytes(second), damaged: false },
      { ...third, last: 0, lastAt: 0, bytes: bytes(third), damaged: false },
    ],
    state: 'e', stateFile: third.name, trimmed: 'd', stateDamaged: false, head, salvages: [],
  });
  assert.deepEqual([salvaged, [...unsealed]], [[], []]);
  assert.deepEqual(opened([]), {
    files: [], state: null, stateFile: null, trimmed: null, stateDamaged: false, head: null, salvages: [],
  });
});

test('a state that cannot be read is the one of the file before, and said so where it is the newest', async (t) => {
  const { make, change, opened } = await bench(t);
  const found = () => {
    const { state, stateFile, stateDamaged } = opened([first, second]);
    return [state, stateFile, stateDamaged];
  };
  make(first, 3);
  make(second, 1);
  change(first, 'UPDATE m SET crc = crc + 1');
  assert.deepEqual(found(), ['state of 7', second.name, false]);
  make(first, 3);
  change(second, 'UPDATE m SET crc = crc + 1');
  assert.deepEqual(found(), ['state of 1', first.name, true]);
  change(first, 'DELETE FROM m');
  assert.deepEqual(found(), [null, null, true]);
});

test('what a killed process left is brought to rest; a file that never had a commit is removed', async (t) => {
  const { at, make, opened, unsealed } = await bench(t);
  make(first, 3, { state: 'a' }, true);
  assert.deepEqual([isSealedFile(join(at, first.name)), hasNoCommit(join(at, first.name))], [false, false]);
  for (const file of [second, third]) LogFile.create(join(at, file.name), FORM);
  writeFileSync(join(at, `${third.name}-wal`), '');
  const oldest = logFileName('log', 6, 1);
  writeFileSync(join(at, oldest.name), '');
  assert.equal(hasNoCommit(join(at, third.name)), true);
  const { files, stateDamaged } = opened([oldest, first, second, third]);
  assert.deepEqual([files.map(({ name, last }) => [name, last]), stateDamaged], [[[first.name, 6]], false]);
  assert.deepEqual([[...unsealed], readdirSync(at), isSealedFile(join(at, first.name))], [[], [first.name], true]);
});

test('a file whose rows are all in their places is kept, though its header says that it was being written', async (t) => {
  const { at, make, opened } = await bench(t);
  for (const [groups, notes] of [[3, {}], [0, { state: 'a' }]] as const) {
    make(first, groups, notes);
    const bytes = readFileSync(join(at, first.name));
    bytes.set([2, 2], 18);
    writeFileSync(join(at, first.name), bytes);
    assert.equal(hasNoCommit(join(at, first.name)), true);
    assert.deepEqual(opened([first]).files.map(({ last }) => last), [groups * 2]);
    assert.equal(hasNoCommit(join(at, first.name)), false);
  }
});

test('one that has two pages is a database of something, and damage; of less nothing was ever committed', async (t) => {
  const { at, opened, salvaged } = await bench(t);
  const database = (sql: string) => {
    const db = new DatabaseSync(join(at, first.name));
    db.exec(`PRAGMA page_size=4096; ${sql}`);
    db.close();
    return statSync(join(at, first.name)).size;
  };
  assert.equal(database('PRAGMA user_version=1'), 4096);
  assert.deepEqual(opened([first]).files, []);
  assert.equal(existsSync(join(at, first.name)), false);
  assert.equal(database('CREATE TABLE a (b)'), 8192);
  assert.deepEqual(opened([first]).files, [{ ...first, last: 0, lastAt: 0, bytes: 8192, damaged: true }]);
  assert.deepEqual(salvaged.map(([name, detail]) => [name, /SQLite 1\)/.test(String(detail))]), [[first.name, true]]);
});

test('a write-ahead log that is damaged is never given to SQLite, which would drop what follows', async (t) => {
  const { at, make, opened, salvaged, unsealed, disk } = await bench(t);
  make(first, 3, { state: 'a' }, true);
  const path = join(at, `${first.name}-wal`);
  const log = readFileSync(path);
  log[3] = (log[3] as number) ^ 1;
  writeFileSync(path, log);
  disk.read = () => null;
  const { files, stateDamaged } = opened([first]);
  assert.deepEqual([salvaged, [...unsealed]], [[[first.name, 'write-ahead log is damaged', undefined]], [first.name]]);
  assert.deepEqual(files, [{ ...first, last: 0, lastAt: 0, bytes: statSync(join(at, first.name)).size + log.length, damaged: false }]);
  assert.deepEqual([existsSync(path), stateDamaged], [true, false], 'it is not even looked at');
});

for (const [what, errcode, frees, tries, expected] of [
  ['damaged', 11, 0, 1, 'refused (SQLite 11)'],
  ['read-only', 8, 0, 1, null],
  ['full', 13, 0, 1, null],
  ['full, where something can be let go', 13, 2, 3, null],
] as const) {
  test(`a disk that is ${what}, asked to bring a file to rest`, async (t) => {
    const { at, make, opened, salvaged, unsealed, disk } = await bench(t);
    make(first, 3, { state: 'a' }, true);
    disk.frees = frees;
    const { exec } = DatabaseSync.prototype;
    let refused = 0;
    t.mock.method(DatabaseSync.prototype, 'exec', function run(this: DatabaseSync, sql: string) {
      if (!sql.includes('journal_mode=DELETE')) return exec.call(this, sql);
      refused += 1;
      throw sqliteError(errcode);
    });
    const { files } = opened([first]);
    assert.deepEqual([refused, [...unsealed]], [tries, [first.name]]);
    assert.deepEqual(salvaged, expected === null ? [] : [[first.name, expected, undefined]]);
    if (expected !== null) return;
    assert.deepEqual(files.map(({ last }) => last), [6], 'it is read as it is');
    LogFile.create(join(at, second.name), FORM);
    assert.deepEqual([opened([second]).files, [...unsealed]], [[], [first.name]], 'without a commit it goes all the same');
  });
}

test('a mistake is no damage: not in bringing a file to rest, not in looking for rows, not in reading it', async (t) => {
  const { at, make, opened, disk } = await bench(t);
  make(first, 3, { state: 'a' }, true);
  const mock = t.mock.method(DatabaseSync.prototype, 'exec', () => { throw new TypeError('a mistake'); });
  assert.throws(() => opened([first]), TypeError);
  mock.mock.restore();
  disk.read = () => { throw new TypeError('a mistake'); };
  assert.throws(() => opened([first]), TypeError);
  LogFile.create(join(at, second.name), FORM);
  t.mock.method(LogFile, 'openForReading', () => ({ get isEmpty() { throw new TypeError('a mistake'); }, close() {} }));
  assert.throws(() => opened([second]), TypeError);
});

test('a file in which rows cannot be looked for is kept and closed', async (t) => {
  const { at, opened } = await bench(t);
  LogFile.create(join(at, first.name), FORM);
  let closed = 0;
  const { openForReading } = LogFile;
  let isAsked = false;
  t.mock.method(LogFile, 'openForReading', (...args: Parameters<typeof openForReading>) => {
    if (isAsked) return openForReading.apply(LogFile, args);
    isAsked = true;
    return { get isEmpty() { throw sqliteError(10); }, close() { closed += 1; } };
  });
  assert.deepEqual([opened([first]).files.map(({ name, last }) => [name, last]), closed], [[[first.name, 0]], 1]);
});

for (const [what, error, detail] of [
  ['a number that is too large', Object.assign(new RangeError('too large'), { code: 'ERR_OUT_OF_RANGE' }), 'too large'],
  ['pages that are damaged', sqliteError(267), 'refused (SQLite 267)'],
  ['a disk that is busy', sqliteError(5), null],
] as const) {
  test(`a file that cannot be read, for ${what}, is taken to hold more than is known`, async (t) => {
    const { make, opened, salvaged, disk } = await bench(t);
    make(first, 3);
    disk.read = () => { throw error; };
    const { files, stateDamaged } = opened([first], { epoch: 7, seq: 40 });
    assert.deepEqual([files.map(({ damaged, last }) => [damaged, last]), stateDamaged], [[[true, 0]], true]);
    assert.deepEqual(salvaged, detail === null ? [] : [[first.name, detail, undefined]]);
  });
}

test('a file that ends before the next one begins, or before the head, may have rows that its tree does not reach', async (t) => {
  const { make, opened, salvaged, disk } = await bench(t);
  make(first, 2);
  make(second, 1);
  const asked = (head: ChainReport['head']) => {
    opened([first, second], head);
    return salvaged.splice(0).map(([name, detail, least]) => {
      assert.equal(detail, 'ends before its known last number');
      return [name, least];
    });
  };
  assert.deepEqual(asked(null), [[first.name, 5]]);
  make(first, 3);
  assert.deepEqual(asked(null), []);
  assert.deepEqual([asked({ epoch: 7, seq: 8 }), asked({ epoch: 7, seq: 9 }), asked({ epoch: 8, seq: 99 })], [[], [[second.name, 9]], []]);
  make(first, 2);
  const sixth = make(logFileName('log', 7, 6), 1);
  opened([first, sixth]);
  assert.deepEqual(salvaged.splice(0).map(([name, , least]) => [name, least]), [[first.name, 5]]);
  // What is salvaged is read again.
  make(first, 2);
  const done = { name: first.name, damagedName: 'x', detail: 'y', present: [], bytes: 77 };
  disk.salvage = () => {
    make(first, 3);
    return done;
  };
  const report = opened([first, second]);
  assert.deepEqual(report.salvages, [done]);
  assert.deepEqual(report.files.map(({ damaged, bytes, last }) => [damaged, bytes === 77, last]), [[true, true, 6], [false, false, 8]]);
});
