/** A write-ahead log whose header is damaged, read as SQLite would not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { LogFile } from './log-file.ts';
import { readWal } from './wal.ts';

const FORM = { origins: false, checkpointPages: 100 };
const HEADER_BYTES = 32;

const FRAME_BYTES = 24 + 4096;

/** The write-ahead log of so many commits; each writes a page that it overflows into. */
async function walOf(t: TestContext, commits: number, bytes = 5000): Promise<Buffer> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 7, FORM);
  for (let seq = 1; seq <= commits; seq += 1) file.write([{ seq, count: 1, payload: Buffer.alloc(bytes, seq) }], {});
  const log = readFileSync(`${path}-wal`);
  file.close();
  return log;
}

const frameAt = (index: number) => HEADER_BYTES + index * FRAME_BYTES;
const frameCount = (log: Buffer) => (log.length - HEADER_BYTES) / FRAME_BYTES;
/** Numbers of frames, from 0, that end a commit. */
const commitsIn = (log: Buffer) =>
  Array.from({ length: frameCount(log) }, (_, index) => index).filter((index) => log.readUInt32BE(frameAt(index) + 4) > 0);
const flip = (log: Buffer, ...offsets: number[]) => {
  const flipped = Buffer.from(log);
  for (const offset of offsets) flipped[offset] = (flipped[offset] as number) ^ 0x10;
  return flipped;
};

test('a log is read up to its last whole commit, and what is torn behind that is no damage', async (t) => {
  const log = await walOf(t, 3);
  const commits = commitsIn(log);
  assert.ok(commits.length === 3 && commits.some((index) => index > 0 && !commits.includes(index - 1)), 'a commit of several frames');
  for (const length of [0, 10, HEADER_BYTES, frameAt(1) - 1])
    assert.deepEqual(readWal(log.subarray(0, length)), { frames: [], damaged: false });
  for (let index = 0; index < frameCount(log); index += 1)
    for (const length of [frameAt(index + 1), frameAt(index + 2) - 1]) {
      const { frames, damaged } = readWal(log.subarray(0, length));
      const whole = commits.findLast((end) => end <= index) ?? -1;
      assert.deepEqual([frames.length, damaged], [whole + 1, false], `${length} bytes`);
    }
  const pages = Array.from({ length: frameCount(log) }, (_, index) => log.readUInt32BE(frameAt(index)));
  assert.deepEqual(readWal(log).frames.map(({ page }) => page), pages);
  assert.deepEqual(readWal(flip(log.subarray(0, frameAt(1)), 16)), { frames: [], damaged: false }, 'nothing was lost with the header');
  assert.ok(readWal(log).frames[0]?.image.equals(log.subarray(HEADER_BYTES + 24, frameAt(1))));
});

test('a frame that is damaged is named, and those behind it are sound by their own checksums', async (t) => {
  const log = await walOf(t, 3);
  const last = commitsIn(log)[1] as number;
  for (let index = 0; index <= last; index += 1)
    for (const offset of [0, 16, 23, 24, FRAME_BYTES - 1].map((within) => frameAt(index) + within)) {
      const { frames, damaged } = readWal(flip(log, offset));
      assert.equal(damaged, true);
      // A wrong checksum is where the next one starts from as well.
      const isSum = offset - frameAt(index) >= 16 && offset - frameAt(index) < 24;
      assert.deepEqual(
        frames.flatMap(({ sound }, at) => (sound ? [] : [at])),
        isSum ? [index, index + 1] : [index],
        `byte ${offset - frameAt(index)} of ${index}`,
      );
    }
});

test('frames of an earlier round behind the newest ones are not read', async (t) => {
  const [earlier, log] = [await walOf(t, 5), await walOf(t, 2)];
  const both = Buffer.concat([log, earlier.subarray(log.length)]);
  assert.deepEqual(readWal(both), readWal(log));
});

test('where the header does not say which round it is, two of the first three frames do', async (t) => {
  const [earlier, log] = [await walOf(t, 5), await walOf(t, 2)];
  const both = flip(Buffer.concat([log, earlier.subarray(log.length)]), 16);
  const pages = (of: Buffer) => readWal(of).frames.map(({ page }) => page);
  assert.deepEqual(pages(both), pages(log));
  for (const index of [0, 1, 2]) assert.deepEqual(pages(flip(both, frameAt(index) + 8)), pages(log), `that of frame ${index} is wrong too`);
});

test('without a header a single frame is taken at its word, and of two that differ the first', async (t) => {
  const log = await walOf(t, 3, 10);
  assert.deepEqual(commitsIn(log), [0, 1, 2]);
  const soundIn = (frames: number, ...wrong: number[]) =>
    readWal(flip(log.subarray(0, frameAt(frames)), 16, ...wrong.map((index) => frameAt(index) + 8))).frames.map(({ sound }) => sound);
  assert.deepEqual([soundIn(1), soundIn(2), soundIn(2, 1), soundIn(3, 1), soundIn(3, 0)], [
    [true], [true, true], [true], [true, false, true], [false, true, true],
  ]);
  assert.equal(readWal(flip(log.subarray(0, frameAt(1)), 16)).damaged, true);
});

test('without a header no more than three frames are asked', async (t) => {
  const log = await walOf(t, 4, 10);
  assert.equal(commitsIn(log).length, 4);
  const read = readWal(flip(log, 16, frameAt(0) + 8, frameAt(1) + 9));
  assert.deepEqual(read.frames.map(({ sound }) => sound), [true]);
});

test('whatever byte of the header is wrong, that is damage, and no frame is missed', async (t) => {
  const log = await walOf(t, 3);
  const whole = readWal(log);
  assert.deepEqual([whole.damaged, whole.frames.length > 3, whole.frames.every(({ sound }) => sound)], [false, true, true]);
  for (let index = 0; index < HEADER_BYTES; index += 1) {
    const read = readWal(flip(log, index));
    assert.deepEqual([read.damaged, read.frames.map(({ page }) => page)], [true, whole.frames.map(({ page }) => page)], `byte ${index}`);
  }
});
