/** The reserved file: how large, when it is made, and what goes when the disk is full. */
import assert from 'node:assert/strict';
import fs, { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { Ballast, defaultBallastBytes, diskCapacityBytes } from './ballast.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';

const BYTES = 100_000;

/** A disk with so many free blocks of 10 bytes, of a thousand blocks. */
async function bench(t: TestContext, freeBlocks: number) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const disk = { bavail: freeBlocks, bsize: 10, blocks: 1000 };
  mockFs(t, 'statfsSync', () => disk);
  return { dir, disk, path: join(dir, 'ballast') };
}

test('it is as large as one write-ahead log, or the share of a small log or disk', () => {
  const [large, huge] = [256 << 20, 1e15];
  assert.deepEqual(
    [
      [large, huge], [huge, huge], [large - 64, huge], [6400, huge], [huge, 16 << 20], [huge, 4000], [6500, huge],
    ].map(([maxBytes, diskBytes]) => defaultBallastBytes(maxBytes as number, diskBytes as number)),
    [4 << 20, 4 << 20, (4 << 20) - 1, 100, 4 << 20, 1000, 101],
  );
});

test('a disk holds its blocks', async (t) => {
  const { dir } = await bench(t, 3);
  assert.equal(diskCapacityBytes(dir), 10_000);
});

test('it is made where twice its size is free, of that size and on disk, and the space is what is left', async (t) => {
  const { dir, disk, path } = await bench(t, 19_999);
  const ballast = new Ballast(dir, BYTES);
  assert.deepEqual(ballast.report(), { freeBytes: 199_990, ballast: false, wantedBytes: 200_000 });
  assert.equal(existsSync(path), false);
  disk.bavail = 20_000;
  const steps = recordForcedWrites(t);
  assert.deepEqual(ballast.report(), { freeBytes: 200_000, ballast: true, wantedBytes: 0 });
  assert.equal(steps.length, 1);
  assert.equal(statSync(path).size, BYTES);
  assert.ok(new Set(fs.readFileSync(path).subarray(0, 1000)).size > 100, 'nothing that a file system would compress');
  disk.bavail = 0;
  assert.deepEqual(ballast.report(), { freeBytes: 0, ballast: true, wantedBytes: 0 });
});

test('one that lies there from before counts when it is whole; a log without one never misses it', async (t) => {
  const { dir, path } = await bench(t, 0);
  const isThere = (bytes: number) => new Ballast(dir, bytes).report().ballast;
  assert.deepEqual([isThere(0), isThere(1)], [true, false]);
  writeFileSync(path, 'x'.repeat(10));
  assert.deepEqual([isThere(9), isThere(10), isThere(11)], [true, true, false]);
});

test('on a full disk it goes, with the damaged files that were kept; what is left then frees nothing more', async (t) => {
  const { dir, path } = await bench(t, 0);
  writeFileSync(path, 'x'.repeat(10));
  const ballast = new Ballast(dir, 10);
  writeFileSync(join(dir, 'log-1-1.db'), 'x');
  assert.deepEqual([ballast.release(), ballast.report().ballast, ballast.release()], [true, false, false]);
  writeFileSync(join(dir, 'log-1-1.db.damaged-1'), 'x');
  writeFileSync(join(dir, 'log-1-1.db.damaged-1-wal'), 'x');
  assert.deepEqual([ballast.release(), ballast.release(), readdirSync(dir)], [true, false, ['log-1-1.db']]);
});

test('a disk that refuses it leaves nothing half made and is asked again a hundred reports later; a mistake is no disk', async (t) => {
  const { dir, path } = await bench(t, 1e9);
  const ballast = new Ballast(dir, BYTES);
  let refusals = 0;
  let leavesHalf = true;
  const { writeFileSync: write } = fs;
  let error: Error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  const restore = mockFs(t, 'writeFileSync', (...args: Parameters<typeof write>) => {
    refusals += 1;
    if (leavesHalf) write(args[0], 'half');
    throw error;
  });
  assert.deepEqual([ballast.report().ballast, existsSync(path)], [false, false]);
  for (let report = 0; report < 100; report += 1) ballast.report();
  assert.equal(refusals, 1);
  leavesHalf = false;
  assert.equal(ballast.report().ballast, false);
  for (let report = 0; report < 100; report += 1) ballast.report();
  error = new TypeError('a mistake');
  assert.throws(() => ballast.report(), TypeError);
  restore();
  assert.equal(ballast.report().ballast, true);
});
