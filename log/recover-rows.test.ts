/** The raw walk over a damaged file, held against SQLite: what that still reads is found as well, and nothing else than what was written. */
import assert from 'node:assert/strict';
import fs, { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { seededRandom } from '../core/world.ts';
import { LogFile, type LogFileFormat } from './log-file.ts';
import { findLeafCells, PAGE_BYTES } from './sqlite-page.ts';
import { recoverRows, readRawFile } from './recover-rows.ts';
import { isCorruption, type LogGroup } from './storage.ts';
import { readWal } from './wal.ts';

const EPOCH = 7;
const GROUPS = 60;
/** Written last: no older copy of it lies anywhere. */
const LAST = 2 * GROUPS - 1;
const LEAF_OF_A_TABLE = 13;
const FORMS: Record<string, LogFileFormat> = {
  edge: { origins: false, checkpointPages: 100 },
  gateway: { origins: true, checkpointPages: 100 },
};

interface Bench {
  form: { epoch: number; origins: boolean };
  whole: Buffer;
  groups: readonly LogGroup[];
  /** What SQLite reads of such bytes before it gives up, as far as checksums are right. */
  bySql(bytes: Buffer): LogGroup[];
}

async function withFile(of: LogFileFormat, run: (bench: Bench) => void): Promise<void> {
  const { dir, remove } = await memoryDir();
  try {
    const [path, copy] = [join(dir, 'whole.db'), join(dir, 'copy.db')];
    const random = seededRandom(5);
    const groups = Array.from({ length: GROUPS }, (_, index): LogGroup => ({
      seq: index * 2 + 1,
      count: 2,
      payload: Buffer.from(Array.from({ length: index % 7 === 0 ? 9000 : 30 + index * 9 }, () => Math.floor(random.next() * 256))),
      ...(of.origins && {
        origin: { sender: 'pump-07', stream: 'state', epoch: 5, seq: index * 2 + 1, span: 2, receivedAt: 1_767_225_600_000 + index },
      }),
    }));
    LogFile.create(path, of);
    const file = LogFile.openForWriting(path, EPOCH, of);
    file.write(groups, { state: '{}' });
    file.seal();
    const form = { epoch: EPOCH, origins: of.origins };
    run({ form, whole: readRawFile(path), groups, bySql: (bytes) => (writeFileSync(copy, bytes), readBySql(copy, of.origins)) });
  } finally {
    await remove();
  }
}

function readBySql(path: string, origins: boolean): LogGroup[] {
  const found: LogGroup[] = [];
  const file = LogFile.openForReading(path, EPOCH, origins, true);
  try {
    for (const group of file.groups(0, Number.MAX_SAFE_INTEGER)) if (group) found.push(group);
  } catch (error) {
    if (!isCorruption(error)) throw error;
  } finally {
    file.close();
  }
  return found;
}

const plain = (groups: readonly LogGroup[]) =>
  new Map(groups.map(({ seq, count, payload, origin }) => [seq, JSON.stringify([count, payload.length, crc32(payload), origin])]));

for (const [name, of] of Object.entries(FORMS)) {
  test(`${name}: of files with bytes flipped in their pages no row is missed that SQLite reads`, () =>
    withFile(of, ({ form, whole, groups, bySql }) => {
      const random = seededRandom(11);
      const below = (bound: number) => Math.floor(random.next() * bound);
      const written = plain(groups);
      for (let trial = 0; trial < 150; trial += 1) {
        const bytes = Buffer.from(whole);
        for (let flips = 1 + below(6); flips > 0; flips -= 1) {
          const page = PAGE_BYTES * (1 + below(bytes.length / PAGE_BYTES - 1));
          const cell = bytes.readUInt16BE(page + 8 + 2 * below(8)) % PAGE_BYTES;
          const offset = page + ([below(32), Math.min(PAGE_BYTES - 1, cell + below(16)), below(PAGE_BYTES)][below(3)] ?? 0);
          bytes[offset] = (bytes[offset] as number) ^ (1 + below(255));
        }
        const found = plain(recoverRows(bytes, Buffer.alloc(0), form).groups);
        for (const [seq, text] of plain(bySql(bytes))) assert.equal(found.get(seq), text, `trial ${trial}: ${seq}`);
        for (const [seq, text] of found) assert.equal(text, written.get(seq), `trial ${trial}: ${seq} is as it was written`);
      }
    }));
}

/** The row of one group: where its page points to it, and its cell. A short one: its length takes one byte or two, its number one. */
function placeOf(bytes: Buffer, seq: number): { pointer: Buffer; cell: Buffer } {
  for (let page = PAGE_BYTES; page < bytes.length; page += PAGE_BYTES) {
    if (bytes[page] !== LEAF_OF_A_TABLE) continue;
    for (let cell = 0; cell < bytes.readUInt16BE(page + 3); cell += 1) {
      const pointer = bytes.subarray(page + 8 + 2 * cell, page + 10 + 2 * cell);
      const found = bytes.subarray(page + pointer.readUInt16BE(0), page + PAGE_BYTES);
      if (found[typesAt(found) - 2] === seq) return { pointer, cell: found };
    }
  }
  throw new Error(`no row of ${seq}`);
}

/** Behind the row's length and number, and the length of its header: the types of its columns. */
const typesAt = (cell: Buffer): number => ((cell[0] as number) & 0x80 ? 2 : 1) + 2;

/** What SQLite overlooks in a row. */
const OVERLOOKED: Record<string, (cell: Buffer, pointer: Buffer) => void> = {
  'a place of a row that lies beyond the page': (_cell, pointer) => { pointer[0] = (pointer[0] as number) | 0x80; },
  'a type that nobody uses, for the row\'s number': (cell) => { cell[typesAt(cell)] = 10; },
};

for (const [what, overlook] of Object.entries(OVERLOOKED)) {
  test(`found all the same: ${what}`, () =>
    withFile(FORMS.edge as LogFileFormat, ({ form, whole, groups, bySql }) => {
      const bytes = Buffer.from(whole);
      const { cell, pointer } = placeOf(bytes, LAST);
      overlook(cell, pointer);
      assert.ok(!bytes.equals(whole));
      assert.deepEqual(plain(bySql(bytes)), plain(groups), 'SQLite reads all');
      assert.deepEqual(plain(recoverRows(bytes, Buffer.alloc(0), form).groups), plain(groups));
    }));
}

test('a count that has become bytes is no group, though they are written like the number in its checksum', () =>
  withFile(FORMS.edge as LogFileFormat, ({ form, whole, groups, bySql }) => {
    const bytes = Buffer.from(whole);
    const { cell } = placeOf(bytes, LAST);
    const types = typesAt(cell);
    assert.equal(cell[types + 1], 1, 'a number of one byte');
    cell[types + 1] = 14;
    const others = plain(groups.filter(({ seq }) => seq !== LAST));
    assert.deepEqual(plain(recoverRows(bytes, Buffer.alloc(0), form).groups), others);
    assert.deepEqual(plain(bySql(bytes)), others);
  }));

test('what a file says of its streams and of what was let go is told apart, and from what is settled', async () => {
  const { dir, remove } = await memoryDir();
  const path = join(dir, 'a.db');
  LogFile.create(path, FORMS.gateway as LogFileFormat);
  const file = LogFile.openForWriting(path, EPOCH, FORMS.gateway as LogFileFormat);
  const notes = { state: '{"a":1}', trimmed: '{"b":2}' };
  file.write([], notes, ['[{"c":3}]']);
  file.seal();
  const read = recoverRows(readRawFile(path), Buffer.alloc(0), { epoch: EPOCH, origins: true });
  assert.deepEqual([read.metadata, read.groups, read.settled], [notes, [], ['[{"c":3}]']]);
  await remove();
});

test('of a page that the disk cannot read the bytes are zeros, and of no other', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  const whole = Buffer.alloc(80 * PAGE_BYTES + 100, 0x33);
  writeFileSync(path, whole);
  const bad = new Set([3, 70, 80]);
  const { readSync } = fs;
  const mock = t.mock.method(fs, 'readSync', (fd: number, bytes: Buffer, offset: number, length: number, from: number) => {
    if ([...bad].some((page) => from < (page + 1) * PAGE_BYTES && page * PAGE_BYTES < from + length))
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
    return readSync(fd, bytes, offset, length, from);
  });
  syncBuiltinESMExports();
  t.after(() => {
    mock.mock.restore();
    syncBuiltinESMExports();
  });
  for (const page of bad) whole.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).fill(0);
  assert.ok(readRawFile(path).equals(whole));
});

test('a row of which a damaged frame claims a page is read from the file, and the rows of that frame are found', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.create(path, FORMS.edge as LogFileFormat);
  const file = LogFile.openForWriting(path, EPOCH, FORMS.edge as LogFileFormat);
  file.write([{ seq: 1, count: 1, payload: Buffer.alloc(20_000, 7) }], { state: '{}' });
  file.checkpoint();
  for (const seq of [2, 3, 4]) file.write([{ seq, count: 1, payload: Buffer.alloc(30, seq) }], {});
  const [whole, log] = [readRawFile(path), readRawFile(`${path}-wal`)];
  file.close();
  // Each of its frames is a commit.
  assert.equal(readWal(log).frames.length, 3);
  const chain = findLeafCells(whole.subarray(PAGE_BYTES, 2 * PAGE_BYTES)).find(({ overflowPage }) => overflowPage > 0)?.overflowPage;
  assert.ok(chain !== undefined);
  log.writeUInt32BE(chain, 32 + 24 + PAGE_BYTES);
  const { groups, metadata } = recoverRows(whole, log, { epoch: EPOCH, origins: false });
  assert.deepEqual([groups.map(({ seq }) => seq), metadata], [[1, 2, 3, 4], { state: '{}' }]);
});
