/** The disk side of a log, asked as the thread asks it. */
import assert from 'node:assert/strict';
import fs, { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { crc32 as crcOf } from 'node:zlib';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { logFileName } from './file-name.ts';
import { LogFile } from './log-file.ts';
import { StorageEngine } from './storage-engine.ts';
import { StorageError, type LogFileName, type LogGroup, type StorageOpenRequest } from './storage.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';
import { openFiles } from './testing/open-files.ts';

const sqliteError = (errcode: number) => Object.assign(new Error('refused'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'refused' });
const FULL = 13;

async function bench(t: TestContext, more: Partial<StorageOpenRequest> = {}) {
  const { dir, remove } = await memoryDir();
  const request = { dir, chains: ['log'], origins: false, maxBytes: 64 << 20, ballastBytes: 0, nowMs: 5, ...more };
  const engine = new StorageEngine();
  t.after(async () => {
    engine.close();
    await remove();
  });
  const commit = (file: LogFileName, seq = file.first, of: Partial<Parameters<StorageEngine['commit']>[0]> = {}) =>
    engine.commit({
      chain: 'log', file, groups: [{ seq, count: 1, payload: Buffer.from('a') }], monotonicMs: 0,
      ...(seq === file.first && { state: '{}' }), ...of,
    });
  const read = (...files: LogFileName[]) =>
    engine.read({
      chain: 'log', parts: files.map((file) => ({ ...file, from: file.first, to: file.first })), maxGroups: 100, maxBytes: 1e9,
    });
  return { dir, request, engine, commit, read, open: () => engine.open(request) };
}

const files = (count: number) => Array.from({ length: count }, (_, index) => logFileName('log', 9, index + 1));
const failureOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error instanceof StorageError ? error.failure.code : (error as { code?: string }).code ?? (error as Error).name;
  }
  return null;
};

test('before it is opened and after it is closed there is no log, and nothing that is short', async (t) => {
  const { engine, commit, open } = await bench(t);
  const none = () => assert.deepEqual(
    [engine.disk(), engine.runMaintenanceStep(), failureOf(() => commit(logFileName('log', 9, 1)))],
    [{ freeBytes: 0, ballast: true, wantedBytes: 0 }, false, 'CLOSED'],
  );
  none();
  open();
  const { freeBytes, ...disk } = engine.disk();
  assert.deepEqual([disk, freeBytes > 0], [{ ballast: true, wantedBytes: 0 }, true]);
  engine.close();
  assert.equal(failureOf(() => commit(logFileName('log', 9, 1))), 'CLOSED');
  assert.throws(() => engine.commit({ chain: 'log', file: logFileName('log', 9, 1), groups: [], monotonicMs: 0 }), (error) =>
    error instanceof StorageError && error.message === 'log is not open' && !error.failure.needsNewFile && !error.failure.locked);
});

test('an opening says its number, the one before, how large files are, and what each chain holds', async (t) => {
  const { engine, open, commit, dir, request } = await bench(t, { chains: ['log', 'state'], nowMs: 1000 });
  const first = open();
  assert.deepEqual([first.epoch, first.previousEpoch, first.maxFileBytes, Object.keys(first.chains)], [1000, 0, 4 << 20, ['log', 'state']]);
  assert.deepEqual(engine.stats(), { commits: 0, fsyncs: 2, checkpoints: 0, filesCreated: 0 });
  commit(logFileName('log', 1000, 1), 1, { trimmed: 't' });
  commit(logFileName('state', 1000, 1), 1, { chain: 'state', groups: [{ seq: 1, count: 5, payload: Buffer.from('b') }], state: '{"s":1}' });
  engine.close();
  writeFileSync(join(dir, 'log-1000-2.db.salvage'), '');
  writeFileSync(join(dir, 'log-1000-1.db.gone'), '');
  const next = new StorageEngine();
  const { chains, epoch, previousEpoch, maxFileBytes } = next.open({ ...request, nowMs: 2000, maxFileBytes: 123_456 });
  next.close();
  assert.deepEqual([epoch, previousEpoch, maxFileBytes], [2000, 1000, 123_456]);
  assert.deepEqual(
    Object.entries(chains).map(([name, chain]) =>
      [name, chain.files.map((file) => [file.name, file.last]), chain.state, chain.trimmed, chain.head]),
    [
      ['log', [['log-1000-1.db', 1]], '{}', 't', { epoch: 1000, seq: 1 }],
      ['state', [['state-1000-1.db', 5]], '{"s":1}', null, { epoch: 1000, seq: 5 }],
    ],
  );
  assert.ok(!existsSync(join(dir, 'log-1000-1.db.gone')));
  assert.deepEqual(readdirSync(dir).filter((name) => name.endsWith('.salvage')), [], 'a whole salvage takes its name');
});

test('an opening that fails leaves the folder to the next', async (t) => {
  const { engine, open, dir, request } = await bench(t);
  const restore = mockFs(t, 'fsyncSync', () => { throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' }); });
  assert.equal(failureOf(open), 'EIO');
  restore();
  const other = new StorageEngine();
  other.open(request);
  assert.throws(() => engine.open(request), { name: 'StorageError' });
  other.close();
  assert.ok(existsSync(join(dir, 'epoch')));
});

test('the ballast is a share of the log unless it is said; a log is never larger than its disk', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const disk = { bavail: 1e6, bsize: 4096, blocks: 1e6 };
  mockFs(t, 'statfsSync', () => disk);
  const opened = (more: Partial<StorageOpenRequest>) => {
    const engine = new StorageEngine();
    const { maxFileBytes } = engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, nowMs: 5, ...more });
    engine.close();
    const bytes = statSync(join(dir, 'ballast'), { throwIfNoEntry: false })?.size ?? 0;
    fs.rmSync(join(dir, 'ballast'), { force: true });
    return [maxFileBytes, bytes];
  };
  assert.deepEqual(
    [opened({}), opened({ ballastBytes: 5000 }), opened({ ballastBytes: 0 })],
    [[4 << 20, 1 << 20], [4 << 20, 5000], [4 << 20, 0]],
  );
  disk.blocks = 8192;
  assert.deepEqual(opened({ maxBytes: 2 ** 40 }), [2 << 20, 4 << 20]);
});

test('write-ahead logs are written back at a quarter of a file, from 8 to 256 pages', async (t) => {
  const { exec } = DatabaseSync.prototype;
  const pages: number[] = [];
  t.mock.method(DatabaseSync.prototype, 'exec', function run(this: DatabaseSync, sql: string) {
    exec.call(this, sql);
    const limit = /wal_autocheckpoint=(\d+)/.exec(sql)?.[1];
    if (limit) pages.push(Number(limit) / 6);
  });
  for (const maxFileBytes of [4096, 128 << 10, (9 << 14) + 16_383, 4 << 20, 5 << 20]) {
    const { engine, open, commit } = await bench(t, { maxFileBytes });
    open();
    commit(logFileName('log', 9, 1));
    engine.close();
  }
  assert.deepEqual(pages, [8, 8, 9, 256, 256]);
});

test('a commit says how large its file is; the head file knows its end, and nothing of a commit without rows', async (t) => {
  const { open, commit, dir, engine } = await bench(t);
  open();
  const [first, second] = files(2) as [LogFileName, LogFileName];
  commit(first, 1, { groups: [] });
  const head = () => readFileSync(join(dir, 'head'), 'utf8').split('\n')[1];
  assert.notEqual(head(), '{"log":{"epoch":9,"seq":1}}');
  // A file that has no rows may be begun again.
  commit(second, 2, { state: 's' });
  const payload = Buffer.from('a');
  commit(first, 1, { state: 's', groups: [{ seq: 1, count: 3, payload }, { seq: 4, count: 2, payload }] });
  assert.equal(head(), '{"log":{"epoch":9,"seq":5}}');
  assert.equal(failureOf(() => commit(second, 2, { state: 's' })), 'FILE_HOLDS_ROWS');
  const { bytes, disk } = commit(first, 6);
  assert.equal(bytes[first.name], statSync(join(dir, first.name)).size + statSync(join(dir, `${first.name}-wal`)).size);
  // Others fill the same disk.
  assert.deepEqual({ ...disk, freeBytes: 0 }, { ...engine.disk(), freeBytes: 0 });
  assert.ok(disk.freeBytes > 0);
  assert.equal(engine.stats().filesCreated, 3);
});

test('what is said of the log and what is settled is in the file, each in its place', async (t) => {
  const { engine, open, request } = await bench(t, { origins: true });
  open();
  const file = logFileName('log', 9, 1);
  engine.commit({ chain: 'log', file, groups: [], state: 'a', trimmed: 'b', settled: '[1]', monotonicMs: 0 });
  engine.commit({ chain: 'log', file, groups: [], settled: '[2]', monotonicMs: 0 });
  engine.commit({ chain: 'log', file, groups: [], monotonicMs: 0 });
  engine.close();
  const { state, trimmed } = engine.open({ ...request, nowMs: 9 }).chains['log'] ?? {};
  assert.deepEqual([state, trimmed], ['a', 'b']);
  assert.deepEqual(engine.replay({ file, last: 0 }), { origins: [], settled: ['[1]', '[2]'], salvages: [] });
});

test('four files are open for reading; of one more the oldest is closed', async (t) => {
  const { open, commit, read } = await bench(t);
  open();
  const all = files(8);
  for (const file of all) commit(file);
  const opened: string[] = [];
  const { openForReading } = LogFile;
  t.mock.method(LogFile, 'openForReading', (...args: Parameters<typeof openForReading>) => {
    opened.push(basename(args[0]));
    return openForReading.apply(LogFile, args);
  });
  const asked = (index: number) => {
    assert.equal(read(all[index] as LogFileName).groups.length, 1);
    return opened.splice(0).length;
  };
  assert.deepEqual([0, 1, 2, 3, 0, 1, 2, 3, 4, 1, 2, 3, 4, 0].map(asked), [1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
});

test('a disk that is full is given the ballast, once; one that refuses for another reason is not', async (t) => {
  const { open, commit, dir, engine } = await bench(t, { ballastBytes: 5000 });
  open();
  const file = logFileName('log', 9, 1);
  commit(file);
  const ballast = () => existsSync(join(dir, 'ballast'));
  let refusals: number[] = [];
  let writes = 0;
  const { write } = LogFile.prototype;
  t.mock.method(LogFile.prototype, 'write', function run(this: LogFile, ...args: Parameters<typeof write>) {
    writes += 1;
    const code = refusals.shift();
    if (code !== undefined) throw sqliteError(code);
    write.apply(this, args);
  });
  mockFs(t, 'statfsSync', () => ({ bavail: 0, bsize: 1, blocks: 1 }));
  refusals = [FULL];
  assert.deepEqual([failureOf(() => commit(file, 2)), ballast(), writes], [null, false, 2]);
  refusals = [FULL];
  assert.deepEqual([failureOf(() => commit(file, 3)), writes], ['ERR_SQLITE_ERROR', 3], 'there is nothing more to give');
  writeFileSync(join(dir, 'ballast'), 'x');
  refusals = [FULL, FULL];
  assert.deepEqual([failureOf(() => commit(file, 3)), ballast(), writes], ['ERR_SQLITE_ERROR', false, 5]);
  writeFileSync(join(dir, 'ballast'), 'x');
  refusals = [10];
  assert.deepEqual([failureOf(() => commit(file, 3)), ballast(), writes], ['ERR_SQLITE_ERROR', true, 6]);
  engine.close();
});

for (const [what, freeFiles, isMissed, isGradual] of [
  ['goes in portions where four more fit', 4, false, true],
  ['goes at once where fewer do', 3.99, false, false],
  ['goes at once where the ballast is missed', 4, true, false],
] as const) {
  test(`a file that is let go ${what}`, async (t) => {
    const maxFileBytes = 100_000;
    const { open, commit, dir, engine } = await bench(t, { maxFileBytes, ballastBytes: 1e9 });
    mockFs(t, 'statfsSync', () => ({ bavail: freeFiles * maxFileBytes, bsize: 1, blocks: 1e12 }));
    if (!isMissed) {
      writeFileSync(join(dir, 'ballast'), '');
      truncateSync(join(dir, 'ballast'), 1e9);
    }
    open();
    const [first, second] = files(2) as [LogFileName, LogFileName];
    commit(first);
    commit(second);
    assert.deepEqual(engine.remove({ names: [first.name] }), engine.disk());
    const gone = () => readdirSync(dir).filter((name) => name.endsWith('.gone')).length;
    assert.deepEqual([existsSync(join(dir, first.name)), gone()], [false, isGradual ? 1 : 0]);
    while (engine.runMaintenanceStep());
    assert.equal(gone(), 0);
    assert.deepEqual(readdirSync(dir).filter((name) => name.startsWith(first.name)), []);
  });
}

test('what is put aside is on disk line by line; beyond 8 MB the file becomes the one before', async (t) => {
  const { open, dir, engine } = await bench(t);
  open();
  const path = join(dir, 'quarantine.jsonl');
  const opened = openFiles(t);
  const steps = recordForcedWrites(t);
  engine.setAside({ line: 'a' });
  assert.deepEqual(opened(), []);
  assert.deepEqual(steps.splice(0), ['force quarantine.jsonl', `force ${basename(dir)}`]);
  engine.setAside({ line: 'b' });
  assert.deepEqual([steps.splice(0), readFileSync(path, 'utf8')], [['force quarantine.jsonl'], 'a\nb\n']);
  truncateSync(path, 8 << 20);
  engine.setAside({ line: 'c' });
  assert.equal(statSync(path).size, (8 << 20) + 2);
  truncateSync(path, (8 << 20) + 1);
  engine.setAside({ line: 'd' });
  assert.deepEqual([readFileSync(path, 'utf8'), statSync(join(dir, 'quarantine-1.jsonl')).size], ['d\n', (8 << 20) + 1]);
});

/** A file with three groups of which the second has a wrong checksum. */
function damaged(dir: string, origins: boolean): LogFileName {
  const file = logFileName('log', 3, 1);
  LogFile.create(join(dir, file.name), { origins, checkpointPages: 8 });
  const writer = LogFile.openForWriting(join(dir, file.name), 3, { origins, checkpointPages: 8 });
  const group = (seq: number): LogGroup => ({
    seq, count: 1, payload: Buffer.from('a'),
    ...(origins && { origin: { sender: 'a', stream: 'state', epoch: 1, seq, span: 1, receivedAt: 1 } }),
  });
  writer.write([1, 2, 3].map(group), { state: '{}' });
  writer.seal();
  const db = new DatabaseSync(join(dir, file.name));
  db.exec('UPDATE g SET crc = crc + 1 WHERE seq = 2');
  db.close();
  return file;
}

test('what a gateway has taken is told again up to a number; damage on the way is put right, once', async (t) => {
  const { open, dir, engine } = await bench(t, { origins: true });
  open();
  const file = damaged(dir, true);
  const seqs = (last: number) => {
    const { origins, salvages } = engine.replay({ file, last });
    return [origins.map(({ seq }) => seq), salvages.map(({ name, detail }) => [name, detail])];
  };
  assert.deepEqual(seqs(1), [[1], []]);
  assert.deepEqual(seqs(3), [[1, 3], [[file.name, 'wrong checksum']]]);
  assert.deepEqual(seqs(3), [[1, 3], []]);
  assert.deepEqual(engine.replay({ file: logFileName('log', 4, 1), last: 9 }), { origins: [], settled: [], salvages: [] });
  const mock = t.mock.method(LogFile.prototype, 'settledRanges', () => { throw sqliteError(11); });
  const { origins, salvages } = engine.replay({ file, last: 3 });
  assert.deepEqual([origins, salvages.map(({ detail }) => detail)], [[], ['refused (SQLite 11)']]);
  mock.mock.mockImplementation(() => { throw new TypeError('a mistake'); });
  assert.throws(() => engine.replay({ file, last: 3 }), TypeError);
});

test('damage that a read meets is put right, and told with what is left', async (t) => {
  const { open, dir, engine } = await bench(t);
  open();
  const file = damaged(dir, false);
  const read = () => engine.read({ chain: 'log', parts: [{ ...file, from: 1, to: 3 }], maxGroups: 9, maxBytes: 1e9 });
  const { groups, missing, salvages } = read();
  assert.deepEqual([groups.map(({ seq }) => seq), missing.map(({ from, to }) => [from, to])], [[1, 3], [[2, 2]]]);
  assert.deepEqual(salvages.map(({ name, present, damagedName }) => [name, present, damagedName]), [
    [file.name, [[1, 1], [3, 3]], `${file.name}.damaged-1`],
  ]);
  assert.deepEqual(read().salvages, []);
});

test('a read that the disk refuses is asked again with a handle of its own', async (t) => {
  const { open, commit, read, engine } = await bench(t);
  open();
  const [first, second] = files(2) as [LogFileName, LogFileName];
  commit(first);
  commit(second);
  while (engine.runMaintenanceStep());
  read(first);
  let refusals = 1;
  const { groupAt } = LogFile.prototype;
  const close = t.mock.method(LogFile.prototype, 'close');
  t.mock.method(LogFile.prototype, 'groupAt', function run(this: LogFile, seq: number) {
    if ((refusals -= 1) >= 0) throw sqliteError(266);
    return groupAt.call(this, seq);
  });
  assert.deepEqual([read(first).groups.length, close.mock.callCount()], [1, 1]);
});

test('a file whose rows do not reach as far as is known is left as it is', async (t) => {
  const { engine, open, commit, dir, request } = await bench(t);
  open();
  const file = logFileName('log', 9, 1);
  commit(file);
  engine.close();
  const before = readFileSync(join(dir, file.name));
  const head = (seq: number) => {
    const next = new StorageEngine();
    const text = JSON.stringify({ log: { epoch: 9, seq } });
    writeFileSync(join(dir, 'head'), `${crcOf(text)}\n${text}\n`);
    const { salvages, files: found } = next.open({ ...request, nowMs: 20 + seq }).chains['log'] ?? { salvages: [], files: [] };
    next.close();
    return [salvages.length, found[0]?.last];
  };
  assert.deepEqual([head(1), head(2)], [[0, 1], [0, 1]]);
  assert.ok(readFileSync(join(dir, file.name)).equals(before));
});

test('rows that the tree of a file does not reach are found where its end is known from elsewhere', async (t) => {
  const { engine, open, commit, dir, request } = await bench(t);
  open();
  const file = logFileName('log', 9, 1);
  commit(file);
  commit(file, 2);
  engine.close();
  const bytes = readFileSync(join(dir, file.name));
  // The root of the groups' table, which is a leaf: it says that it has one row.
  assert.deepEqual([bytes[4096], bytes.readUInt16BE(4096 + 3)], [13, 2]);
  bytes.writeUInt16BE(1, 4096 + 3);
  for (const [seq, salvages, last] of [[1, 0, 1], [2, 1, 2], [9, 1, 2]] as const) {
    writeFileSync(join(dir, file.name), bytes);
    const text = JSON.stringify({ log: { epoch: 9, seq } });
    writeFileSync(join(dir, 'head'), `${crcOf(text)}\n${text}\n`);
    const found = engine.open({ ...request, nowMs: 20 + seq }).chains['log'];
    assert.deepEqual([found?.salvages.length, found?.files[0]?.last], [salvages, last], `up to ${seq}`);
    engine.close();
  }
});

test('a file of which nothing can be read is put aside as well', async (t) => {
  const { open, dir, engine } = await bench(t);
  open();
  const file = logFileName('log', 3, 1);
  writeFileSync(join(dir, file.name), 'x'.repeat(9000));
  const { salvages, missing } = engine.read({ chain: 'log', parts: [{ ...file, from: 1, to: 3 }], maxGroups: 9, maxBytes: 1e9 });
  assert.deepEqual([salvages.map(({ present }) => present), missing.map(({ from, to }) => [from, to])], [[[]], [[1, 3]]]);
});

test('a file that is gone is read no more and written no more', async (t) => {
  const { open, commit, read, engine } = await bench(t);
  open();
  const [first, second] = files(2) as [LogFileName, LogFileName];
  commit(first);
  commit(second);
  while (engine.runMaintenanceStep());
  assert.equal(read(first).groups.length, 1);
  engine.remove({ names: [first.name, second.name] });
  assert.deepEqual(read(first).missing.map(({ detail }) => detail), ['file is missing']);
  assert.equal(failureOf(() => commit(second, 3)), 'FILE_HOLDS_ROWS');
});

test('what a commit forces is counted, with the head file where that was due', async (t) => {
  const { open, commit, engine } = await bench(t);
  open();
  const file = logFileName('log', 9, 1);
  commit(file);
  const forced = (seq: number, monotonicMs: number) => {
    const before = engine.stats().fsyncs;
    commit(file, seq, { monotonicMs });
    return engine.stats().fsyncs - before;
  };
  assert.deepEqual([forced(2, 1), forced(3, 5000), forced(4, 5001)], [1, 2, 1]);
});

test('after its end nothing is open and nothing is left to be removed', async (t) => {
  const { open, commit, read, engine, dir } = await bench(t);
  const opened = openFiles(t);
  const handles = t.mock.method(LogFile.prototype, 'close');
  open();
  const [first, second] = files(2) as [LogFileName, LogFileName];
  commit(first);
  commit(second);
  while (engine.runMaintenanceStep());
  read(first);
  assert.deepEqual([opened(), handles.mock.callCount()], [['head'], 0]);
  const third = logFileName('log', 3, 1);
  writeFileSync(join(dir, third.name), '');
  engine.remove({ names: [third.name] });
  engine.close();
  assert.deepEqual([opened(), handles.mock.callCount()], [[], 1]);
  assert.deepEqual(readdirSync(dir).filter((name) => name.endsWith('.gone')), []);
});
