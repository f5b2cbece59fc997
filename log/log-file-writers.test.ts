/** Files that are written, full or made ahead: what each step does, and when the write-ahead log is written back. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { isSealedFile } from './database-file.ts';
import { logFileName } from './file-name.ts';
import { LogFileWriters } from './log-file-writers.ts';
import { LogFile } from './log-file.ts';
import { StorageEngine } from './storage-engine.ts';
import { StorageError } from './storage.ts';

/** The least: files of 64 KB. */
const MARK_PAGES = 8;
const FRAME_BYTES = 4096 + 24;

/** The most frames that the write-ahead log of a file came to hold. */
async function mostFrames(commitMs: number): Promise<number> {
  const { dir, remove } = await memoryDir();
  let nowMs = 0;
  const engine = new StorageEngine(() => (nowMs += commitMs));
  try {
    engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, maxFileBytes: 128 << 10, ballastBytes: 0, nowMs: 1 });
    const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
    for (let seq = 1; seq <= 60; seq += 1) {
      engine.commit({
        chain: 'log',
        file,
        groups: [{ seq, count: 1, payload: new Uint8Array(10) }],
        ...(seq === 1 && { state: '{}' }),
        monotonicMs: seq,
      });
      while (engine.runMaintenanceStep());
    }
    const log = readdirSync(dir).find((name) => name === 'log-1-1.db-wal');
    return Math.floor((statSync(join(dir, log as string)).size - 32) / FRAME_BYTES);
  } finally {
    engine.close();
    await remove();
  }
}

test('a quick disk writes back at the mark, a slow one at four times the mark, each within a commit', async () => {
  const [quick, atBound, slow] = [await mostFrames(1), await mostFrames(5), await mostFrames(50)];
  assert.ok(quick >= MARK_PAGES && quick <= MARK_PAGES + 3, `${quick} frames`);
  assert.equal(atBound, quick);
  assert.ok(slow >= 4 * MARK_PAGES && slow <= 4 * MARK_PAGES + 3, `${slow} frames`);
});

test('each time that the file itself has changed is one checkpoint, of three forced writes', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const engine = new StorageEngine();
  engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, maxFileBytes: 4 << 20, ballastBytes: 0, nowMs: 1 });
  const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
  const changed = () => statSync(join(dir, file.name), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
  let before = changed();
  let changes = 0;
  let forced = 0;
  for (let seq = 1; seq <= 300; seq += 1) {
    const { fsyncs, checkpoints } = engine.stats();
    engine.commit({
      chain: 'log',
      file,
      groups: [{ seq, count: 1, payload: new Uint8Array(3000) }],
      ...(seq === 1 && { state: '{}' }),
      monotonicMs: 0,
    });
    if (before !== undefined && changed() !== before) changes += 1;
    const after = engine.stats();
    if (seq > 1) forced += after.fsyncs - fsyncs - 1 - 3 * (after.checkpoints - checkpoints);
    before = changed();
    while (engine.runMaintenanceStep()) if (changed() !== before) {
      changes += 1;
      before = changed();
    }
  }
  // The last one is counted by the next commit.
  engine.commit({ chain: 'log', file, groups: [{ seq: 301, count: 1, payload: new Uint8Array(10) }], monotonicMs: 0 });
  assert.ok(changes > 1, `${changes}`);
  assert.deepEqual([engine.stats().checkpoints, forced], [changes, 0]);
  engine.close();
});

const [first, second, third, fourth] = [1, 2, 3, 4].map((seq) => logFileName('log', 9, seq)) as [Name, Name, Name, Name];
type Name = ReturnType<typeof logFileName>;
const failure = (errcode: number) => Object.assign(new Error('refused'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'refused' });

async function bench(t: TestContext, { maxFileBytes = 1 << 30, leftOver = false, commitMs = 0 } = {}) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  if (leftOver) for (const name of ['next.db', 'next.db-wal', `${first.name}-wal`]) writeFileSync(join(dir, name), 'x');
  const unsealed = new Set<string>();
  const stats = { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 };
  let nowMs = 0;
  const writers = new LogFileWriters(dir, { origins: false, checkpointPages: 8 }, maxFileBytes, unsealed, stats, () => (nowMs += commitMs));
  t.after(() => writers.close());
  let seq = 0;
  const write = (bytes = 10, chain = 'log') =>
    writers.write(chain, [{ seq: (seq += 1), count: 1, payload: Buffer.alloc(bytes) }], { state: '{}' }, []);
  const counted = (run: () => unknown) => {
    const before = { ...stats };
    run();
    return (['commits', 'fsyncs', 'checkpoints', 'filesCreated'] as const).map((name) => stats[name] - before[name]);
  };
  const size = (name: string) => statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
  return { dir, unsealed, stats, writers, write, counted, size };
}

test('what each step forces is counted: a start three times, one of them ahead, a commit once, a seal three times', async (t) => {
  const { writers, write, counted, dir } = await bench(t, { maxFileBytes: 1 });
  assert.deepEqual(counted(() => writers.start('log', first)), [0, 3, 0, 1]);
  assert.deepEqual(counted(() => write()), [1, 1, 0, 0]);
  assert.deepEqual(counted(() => writers.runMaintenanceStep()), [0, 0, 0, 0], 'written back, as the next commit sees');
  assert.deepEqual(counted(() => writers.runMaintenanceStep()), [0, 1, 0, 0], 'the next file');
  assert.ok(existsSync(join(dir, 'next.db')));
  assert.deepEqual(counted(() => write()), [1, 4, 1, 0]);
  assert.deepEqual(counted(() => writers.start('log', second)), [0, 2, 0, 1]);
  assert.deepEqual(counted(() => writers.seal(first.name)), [0, 3, 0, 0]);
  assert.deepEqual(counted(() => writers.seal(first.name)), [0, 0, 0, 0]);
});

test('what a killed process left of the next file, or of the one that takes its name, is gone', async (t) => {
  const { writers, write, dir } = await bench(t, { leftOver: true });
  assert.deepEqual(readdirSync(dir), [`${first.name}-wal`]);
  writers.start('log', first);
  write();
  assert.equal(writers.open(first.name)?.groupAt(1)?.seq, 1);
});

test('a commit says how large its file is, once with those that were closed since, and only those of its chain', async (t) => {
  const { writers, write, size, unsealed } = await bench(t);
  writers.start('log', first);
  const state = logFileName('state', 9, 1);
  writers.start('state', state);
  write(10, 'state');
  const whole = (name: string) => size(name) + size(`${name}-wal`);
  assert.deepEqual(write(), { [first.name]: whole(first.name) });
  writers.start('log', second);
  const written = [['log', first], ['log', second], ['state', state]] as const;
  assert.deepEqual(written.map(([chain, { name }]) => writers.writesTo(chain, name)), [false, true, true]);
  const atStart = write();
  assert.deepEqual(Object.keys(atStart), [first.name, second.name]);
  assert.equal(atStart[first.name], size(first.name), 'as it will be when it is at rest');
  assert.deepEqual(Object.keys(write()), [second.name]);
  assert.equal(writers.open(first.name)?.groupAt(2)?.seq, 2);
  writers.seal(first.name);
  assert.deepEqual([writers.open(first.name), [...unsealed]], [null, []]);
  assert.deepEqual(write(), { [first.name]: size(first.name), [second.name]: whole(second.name) });
  assert.deepEqual(Object.keys(write()), [second.name]);
  assert.deepEqual(Object.keys(write(10, 'state')), [state.name]);
});

test('maintenance writes back, then puts full files to rest, then makes the next one, and then has nothing to do', async (t) => {
  const { writers, write, dir } = await bench(t, { maxFileBytes: 40_000 });
  for (const file of [first, second, third, fourth]) {
    writers.start('log', file);
    write(100);
  }
  const atRest = () => [first, second, third].map(({ name }) => isSealedFile(join(dir, name)));
  assert.deepEqual(atRest(), [true, false, false], 'no more than two wait');
  const steps = [];
  for (let step = 0; step < 4; step += 1) steps.push([writers.runMaintenanceStep(), ...atRest()]);
  assert.deepEqual(steps, [[true, true, false, false], [true, true, true, false], [true, true, true, true], [false, true, true, true]]);
  assert.equal(existsSync(join(dir, 'next.db')), false);
});

test('the next file is made when three quarters of one are written', async (t) => {
  for (const [share, isMade] of [[0.75, true], [0.7499, false]] as const) {
    const probe = await bench(t);
    probe.writers.start('log', first);
    const bytes = probe.write()[first.name] as number;
    const { writers, write, dir } = await bench(t, { maxFileBytes: bytes / share });
    writers.start('log', first);
    write();
    while (writers.runMaintenanceStep());
    assert.equal(existsSync(join(dir, 'next.db')), isMade);
    writers.close();
    assert.equal(existsSync(join(dir, 'next.db')), false, 'it goes with the end');
  }
});

test('a disk that refuses the next file ahead of time is not asked again before it is needed; a mistake is no disk', async (t) => {
  const { writers, write } = await bench(t, { maxFileBytes: 1 });
  writers.start('log', first);
  write();
  writers.runMaintenanceStep();
  const create = t.mock.method(LogFile, 'create', () => { throw failure(13); });
  assert.deepEqual([writers.runMaintenanceStep(), writers.runMaintenanceStep(), create.mock.callCount()], [true, false, 1]);
  create.mock.restore();
  writers.start('log', second);
  write();
  writers.runMaintenanceStep();
  writers.runMaintenanceStep();
  t.mock.method(LogFile, 'create', () => { throw new TypeError('a mistake'); });
  assert.throws(() => writers.runMaintenanceStep(), TypeError);
});

test('a file whose write failed is closed, unless the disk was full; one that is removed is written no more', async (t) => {
  const { writers, write, dir } = await bench(t);
  writers.start('log', first);
  write();
  const { write: real } = LogFile.prototype;
  let code: number | null = 13;
  t.mock.method(LogFile.prototype, 'write', function run(this: LogFile, ...args: Parameters<typeof real>) {
    if (code !== null) throw failure(code);
    real.apply(this, args);
  });
  assert.throws(() => write(), { errcode: 13 });
  assert.equal(writers.writesTo('log', first.name), true);
  code = 10;
  assert.throws(() => write(), { errcode: 10 });
  assert.deepEqual([writers.writesTo('log', first.name), writers.open(first.name)], [false, null]);
  assert.equal(isSealedFile(join(dir, first.name)), true);
  code = null;
  writers.start('log', second);
  write();
  rmSync(join(dir, second.name));
  assert.throws(() => write(), (error) => {
    assert.ok(error instanceof StorageError);
    const { detail, ...flags } = error.failure;
    assert.deepEqual([detail, flags], [
      `${join(dir, second.name)} was removed`, { code: 'FILE_GONE', needsNewFile: true, locked: false, retryable: true },
    ]);
    return true;
  });
});

test('a file that a disk does not let come to rest is read as it is; a mistake is no disk', async (t) => {
  const { writers, write, unsealed, counted } = await bench(t);
  for (const file of [first, second]) {
    writers.start('log', file);
    write();
  }
  const close = t.mock.method(LogFile.prototype, 'seal', () => { throw failure(10); });
  assert.deepEqual(counted(() => writers.seal(first.name)), [0, 0, 0, 0]);
  assert.deepEqual([...unsealed], [first.name]);
  close.mock.mockImplementation(() => {});
  writers.seal(second.name);
  assert.deepEqual([...unsealed], [first.name, second.name], 'it says so, and is not');
  writers.start('log', third);
  write();
  close.mock.mockImplementation(() => { throw new TypeError('a mistake'); });
  assert.throws(() => writers.seal(third.name), TypeError);
});

test('a write-ahead log that cannot be written back now is written back after the next commit; a mistake is no disk', async (t) => {
  const { writers, write } = await bench(t);
  writers.start('log', first);
  assert.equal(writers.runMaintenanceStep(), false, 'nothing was written');
  write();
  const checkpoint = t.mock.method(LogFile.prototype, 'checkpoint', () => { throw failure(10); });
  assert.deepEqual([writers.runMaintenanceStep(), writers.runMaintenanceStep(), checkpoint.mock.callCount()], [true, false, 1]);
  write();
  assert.deepEqual([writers.runMaintenanceStep(), writers.runMaintenanceStep(), checkpoint.mock.callCount()], [true, false, 2]);
  checkpoint.mock.mockImplementation(() => { throw new TypeError('a mistake'); });
  write();
  assert.throws(() => writers.runMaintenanceStep(), TypeError);
  checkpoint.mock.restore();
});

test('a removed file is closed', async (t) => {
  const { writers, write } = await bench(t);
  writers.start('log', first);
  write();
  const close = t.mock.method(LogFile.prototype, 'close');
  writers.closeRemoved(first.name);
  writers.closeRemoved(first.name);
  assert.deepEqual([close.mock.callCount(), writers.open(first.name)], [1, null]);
});
