/** The files beside those of a log: its lock, the number of each opening, and the ends of its chains. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs, { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { ChainHeadFile, claimEpoch, listLogFiles, lockLogFolder, readChainHeads } from './log-folder.ts';
import { StorageError } from './storage.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';
import { openFiles } from './testing/open-files.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return dir;
}

test('one holds a folder at a time, and makes it; who is refused leaves nothing open', async (t) => {
  const dir = join(await folder(t), 'log');
  const lock = lockLogFolder(dir);
  const close = t.mock.method(DatabaseSync.prototype, 'close');
  assert.throws(() => lockLogFolder(dir), (error) => error instanceof StorageError && error.failure.locked && error.cause instanceof Error);
  assert.equal(close.mock.callCount(), 1);
  lock.release();
  lockLogFolder(dir).release();
});

test('a lock that something has overwritten is made again, and a folder that cannot be used is said', async (t) => {
  const dir = await folder(t);
  writeFileSync(join(dir, 'lock.db'), 'x'.repeat(5000));
  const lock = lockLogFolder(dir);
  assert.throws(() => lockLogFolder(dir), { name: 'StorageError' });
  lock.release();
  const other = join(dir, 'other');
  mkdirSync(join(other, 'lock.db'), { recursive: true });
  assert.throws(() => lockLogFolder(other), (error) => error instanceof StorageError && !error.failure.locked);
});

/** Openings of a folder; a random step is 5, and the list holds what was asked for. */
async function openings(t: TestContext) {
  const dir = await folder(t);
  const jumps: number[] = [];
  mockFs(t, 'randomInt', (max: number) => {
    jumps.push(max);
    return 5;
  }, crypto);
  const claim = (nowMs: number, of = dir) => {
    const { epoch, previousEpoch } = claimEpoch(of, nowMs);
    return [epoch, previousEpoch, ...jumps.splice(0)];
  };
  return { dir, path: join(dir, 'epoch'), claim };
}

const JUMP = 2 ** 20;

test('an opening is numbered by the clock, or after the last one and a random step where the clock has not moved on', async (t) => {
  const { dir, path, claim } = await openings(t);
  assert.deepEqual(claim(1000), [1000, 0]);
  assert.deepEqual(claim(2000), [2000, 1000]);
  assert.deepEqual(claim(2000), [2006, 2000, JUMP]);
  assert.deepEqual(claim(2007), [2007, 2006]);
  assert.deepEqual(claim(1), [2013, 2007, JUMP]);
  writeFileSync(join(dir, 'state-5000-1.db'), '');
  assert.deepEqual(claim(3000), [5006, 5000, JUMP]);
  assert.equal(readFileSync(path, 'utf8').length, 256);
  // An opening at the beginning of time, which no clock of today writes.
  const { place } = JSON.parse(readFileSync(path, 'utf8')) as { place: string };
  writeFileSync(path, JSON.stringify({ epoch: 0, place }));
  assert.deepEqual(claim(6000), [6000, 5000]);
});

test('a copy of a folder, and one whose number cannot be read, make a random step whatever the clock says', async (t) => {
  const { dir, path, claim } = await openings(t);
  claim(1000);
  const copy = join(dir, '..', `${basename(dir)}-copy`);
  cpSync(dir, copy, { recursive: true });
  t.after(() => fs.rmSync(copy, { recursive: true }));
  assert.deepEqual(claim(2000, copy), [2005, 1000, JUMP]);
  assert.deepEqual(claim(3000, copy), [3000, 2005]);
  for (const text of ['{"epo', '{"epoch":-1,"place":"x"}', `{"epoch":${2 ** 54},"place":"x"}`, '']) {
    writeFileSync(path, text);
    assert.deepEqual(claim(4000), [4005, 0, JUMP], text);
  }
  mockFs(t, 'readFileSync', () => { throw new TypeError('a mistake'); });
  assert.throws(() => claim(5000), TypeError);
});

test('the number of an opening is on disk before it is used: the first time with its name, then in place', async (t) => {
  const { dir, path, claim } = await openings(t);
  const open = openFiles(t);
  const steps = recordForcedWrites(t);
  claim(1000);
  assert.deepEqual(steps.splice(0), ['force epoch', `force ${basename(dir)}`]);
  writeFileSync(path, 'x'.repeat(300));
  claim(2000);
  assert.deepEqual([steps, readFileSync(path, 'utf8').slice(250), open()], [['force epoch'], `${' '.repeat(6)}${'x'.repeat(44)}`, []]);
});

test('files are listed by epoch and first number; what is none of them is not', async (t) => {
  const dir = await folder(t);
  for (const name of ['log-9-1.db', 'state-10-1.db', 'log-9-20.db', 'log-9-3.db', 'log-9-3.db-wal', 'next.db', 'head'])
    writeFileSync(join(dir, name), '');
  assert.deepEqual(listLogFiles(dir).map(({ name }) => name), ['log-9-1.db', 'log-9-3.db', 'log-9-20.db', 'state-10-1.db']);
});

test('ends of chains are written in place after a checksum, and forced at most every five seconds', async (t) => {
  const dir = await folder(t);
  const path = join(dir, 'head');
  const open = openFiles(t);
  const steps = recordForcedWrites(t);
  const given = { log: { epoch: 1, seq: 2 } };
  const head = new ChainHeadFile(dir, given);
  assert.deepEqual([existsSync(path), readChainHeads(dir), head.failure], [true, {}, null]);
  const forced = (monotonicMs: number) => {
    head.write('state', 7, monotonicMs, monotonicMs);
    return steps.splice(0).length;
  };
  assert.deepEqual([100, 5099, 5100, 10_099, 10_100].map(forced), [1, 0, 1, 0, 1]);
  assert.deepEqual(readChainHeads(dir), { ...given, state: { epoch: 7, seq: 10_100 } });
  assert.deepEqual(given, { log: { epoch: 1, seq: 2 } });
  assert.deepEqual([fs.statSync(path).size, head.fsyncs], [512, 3]);
  head.close();
  assert.deepEqual([steps, head.fsyncs, open()], [['force head'], 4, []]);
  new ChainHeadFile(dir, {}).close();
  assert.equal(readChainHeads(dir)['state']?.seq, 10_100, 'the next opening changes nothing before its first commit');
});

test('ends that are damaged or not there are none', async (t) => {
  const dir = await folder(t);
  assert.deepEqual(readChainHeads(dir), {});
  const head = new ChainHeadFile(dir, {});
  head.write('log', 1, 2, 0);
  head.close();
  const whole = readFileSync(join(dir, 'head'), 'utf8');
  for (const text of ['', whole.split('\n')[0] as string, whole.replace('"seq":2', '"seq":3'), `1${whole}`]) {
    writeFileSync(join(dir, 'head'), text);
    assert.deepEqual(readChainHeads(dir), {});
  }
});

test('a head file that cannot be written says why and fails nothing; it is opened again with the next commit', async (t) => {
  const dir = await folder(t);
  const open = openFiles(t);
  const restore = mockFs(t, 'writeSync', () => { throw new Error('EIO'); });
  const head = new ChainHeadFile(dir, {});
  head.write('log', 1, 2, 0);
  assert.deepEqual([head.failure, open()], ['EIO', []]);
  restore();
  head.write('log', 1, 3, 0);
  assert.deepEqual([head.failure, readChainHeads(dir)], [null, { log: { epoch: 1, seq: 3 } }]);
  head.close();
  assert.deepEqual([open(), readdirSync(dir)], [[], ['head']]);
  const refused = new ChainHeadFile(join(dir, 'head', 'none'), {});
  assert.match(String(refused.failure), /ENOTDIR/);
  refused.close();
});
