/** One file of a log, read whole: what it holds, and what is wrong with it. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { LogFile, type LogMetadataKind } from './log-file.ts';
import type { LogGroup } from './storage.ts';
import { readLogFile } from './verify-file.ts';

const EPOCH = 7;
const NOTES = { state: '{"s":1}', trimmed: '{"t":1}' };
type Notes = Partial<Record<LogMetadataKind, string>>;

interface Given {
  groups?: [seq: number, count: number][];
  notes?: Notes;
  origins?: boolean;
  settled?: string[];
  /** Left by a killed process. */
  isKilled?: boolean;
}

const originOf = (seq: number, span: number) => ({ sender: 'a', stream: 'state', epoch: 1, seq, span, receivedAt: 5 }) as const;

async function fileOf(t: TestContext, given: Given = {}) {
  const { groups = [[1, 2], [3, 1], [4, 3]], notes = NOTES, origins = false, settled = [], isKilled = false } = given;
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const [live, path] = [join(dir, 'live.db'), join(dir, 'a.db')];
  LogFile.create(live, { origins, checkpointPages: 100 });
  const writer = LogFile.openForWriting(live, EPOCH, { origins, checkpointPages: 100 });
  writer.write(groups.map(([seq, count]): LogGroup => ({
    seq, count, payload: Buffer.alloc(40, seq), ...(origins && { origin: originOf(seq, count) }),
  })), notes, settled);
  const copy = () => {
    for (const side of ['', '-wal']) if (existsSync(live + side)) copyFileSync(live + side, path + side);
  };
  if (isKilled) copy();
  writer.seal();
  if (!isKilled) copy();
  const change = (sql: string) => {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
  };
  const flip = (offset: number, of = path) => {
    const bytes = readFileSync(of);
    bytes[offset] = (bytes[offset] as number) ^ 0x55;
    writeFileSync(of, bytes);
  };
  return { path, change, flip, read: () => readLogFile(path, { epoch: EPOCH, origins }) };
}

const WHOLE = {
  groups: 3, present: [[1, 6]], origins: [], state: NOTES.state, settled: [], trimmed: NOTES.trimmed, isSalvaged: false, damage: null,
};

test('a file that is at rest is what was written', async (t) => {
  assert.deepEqual((await fileOf(t)).read(), WHOLE);
  const gateway = await fileOf(t, { origins: true, settled: ['[1]', '[2]'], notes: { ...NOTES, salvaged: '{}' } });
  assert.deepEqual(gateway.read(), {
    ...WHOLE, origins: [originOf(1, 2), originOf(3, 1), originOf(4, 3)], settled: ['[1]', '[2]'], isSalvaged: true,
  });
  const bare = await fileOf(t, { groups: [], notes: {} });
  assert.deepEqual(bare.read(), { ...WHOLE, groups: 0, present: [], state: null, trimmed: null });
});

test('rows that lie apart, or over each other, are the numbers that they have', async (t) => {
  const { read } = await fileOf(t, { groups: [[1, 2], [5, 3], [6, 1], [8, 1], [10, 1]] });
  assert.deepEqual(read().present, [[1, 2], [5, 8], [10, 10]]);
});

test('what a killed process left is read with its write-ahead log, and not changed', async (t) => {
  const { path, read, flip } = await fileOf(t, { isKilled: true });
  const before = [path, `${path}-wal`].map((one) => readFileSync(one));
  assert.deepEqual(read(), WHOLE);
  assert.ok([path, `${path}-wal`].every((one, index) => readFileSync(one).equals(before[index] as Buffer)));
  flip(3, `${path}-wal`);
  assert.deepEqual(read(), { ...WHOLE, damage: 'write-ahead log is damaged' });
  flip(3, `${path}-wal`);
  for (const offset of [0, 14, 15]) {
    flip(offset);
    assert.deepEqual(read(), { ...WHOLE, damage: 'file is not a database' }, `byte ${offset}`);
    flip(offset);
  }
});

test('a file without a write-ahead log whose header says that it is written is whole', async (t) => {
  const { path, read, flip } = await fileOf(t);
  const bytes = readFileSync(path);
  bytes.set([2, 2], 18);
  writeFileSync(path, bytes);
  assert.deepEqual(read(), WHOLE);
  flip(0);
  assert.equal(read().damage, 'file is not a database');
});

for (const [what, sql, expected] of [
  ['a row', 'UPDATE g SET crc = crc + 1 WHERE seq = 3', { groups: 2, present: [[1, 2], [4, 6]] }],
  ['the state', 'UPDATE m SET crc = crc + 1 WHERE id = 1', { state: null }],
  ['what was let go', 'UPDATE m SET crc = crc + 1 WHERE id = 2', { trimmed: null }],
] as const) {
  test(`a wrong checksum of ${what} is damage, and the rest is there`, async (t) => {
    const { read, change } = await fileOf(t);
    change(sql);
    assert.deepEqual(read(), { ...WHOLE, damage: 'wrong checksum', ...expected });
  });
}

test('pages that SQLite cannot read are damage in its words, and the rows of the others are there', async (t) => {
  const { path, read } = await fileOf(t, { origins: true, settled: ['[1]'] });
  const bytes = readFileSync(path);
  bytes.fill(0, 4096, 4096 + 8);
  writeFileSync(path, bytes);
  const { damage, state, settled } = read();
  assert.match(String(damage), /^database disk image is malformed \(SQLite \d+\)$/);
  assert.deepEqual([state, settled], [NOTES.state, ['[1]']]);
});

test('a number beyond what JavaScript holds is damage; a mistake is none, and leaves nothing open', async (t) => {
  const { read, change } = await fileOf(t);
  change(`UPDATE g SET n = ${2n ** 53n + 1n} WHERE seq = 3`);
  assert.deepEqual([read().present, read().damage !== null], [[[1, 2], [4, 6]], true]);
  const sound = await fileOf(t);
  const close = t.mock.method(LogFile.prototype, 'close');
  t.mock.method(LogFile.prototype, 'metadata', () => { throw new TypeError('a mistake'); });
  assert.throws(() => sound.read(), TypeError);
  assert.equal(close.mock.callCount(), 1);
});
