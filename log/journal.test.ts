import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { appendFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { openJournal, verifyJournal } from './journal.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { mockFs } from './testing/mock-fs.ts';
import { openFiles } from './testing/open-files.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

test('lines come back in order over restarts and files, and every chain verifies', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.string({ maxLength: 80 }), { maxLength: 8 }), { minLength: 1, maxLength: 4 }), async (runs) => {
      const dir = await folder(t);
      const written: string[] = [];
      for (const run of runs) {
        const journal = await openJournal(dir, { maxFileBytes: 100_000 });
        assert.deepEqual(
          journal.lines.map(({ text }) => text),
          written,
        );
        await Promise.all(run.map((text, index) => journal.append({ at: index, text })));
        written.push(...run);
        await journal.close();
      }
      const { faults, lines } = await verifyJournal(dir);
      assert.deepEqual([faults, lines.map(({ text }) => text)], [[], written]);
    }),
    { numRuns: 20 },
  );
});

test('files roll; the chain goes on over them, and a file that is taken away shows', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir, { maxFileBytes: 600 });
  for (let index = 0; index < 20; index += 1) await journal.append({ at: index, text: 'x'.repeat(100) });
  await journal.close();
  const files = (await readdir(dir)).toSorted();
  assert.ok(files.length > 3);
  assert.deepEqual((await verifyJournal(dir)).faults, []);
  const again = await openJournal(dir, { maxFileBytes: 600 });
  assert.deepEqual(again.faults, []);
  assert.equal(again.lines.at(-1)?.at, 19);
  await again.append({ at: 20 });
  await again.close();
  assert.deepEqual((await verifyJournal(dir)).faults, []);
  await rm(join(dir, files[1] as string));
  assert.ok((await verifyJournal(dir)).faults.length > 0);
});

test('a last line that was cut short is cut off in silence: it was never confirmed', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir);
  await journal.append({ at: 1 });
  await journal.close();
  await appendFile(join(dir, 'commands-000001.jsonl'), '{"at":2,"text":"never confir');
  const again = await openJournal(dir);
  assert.deepEqual([again.lines.length, again.faults], [1, []]);
  await again.append({ at: 3 });
  await again.close();
  const { faults, lines } = await verifyJournal(dir);
  assert.deepEqual([faults, lines.map(({ at: atMs }) => atMs)], [[], [1, 3]]);
});

test('any byte that is changed is found, and so is a line that is taken out or put in', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir);
  for (let index = 0; index < 5; index += 1) await journal.append({ at: index, by: 'duty-1', value: true });
  await journal.close();
  const path = join(dir, 'commands-000001.jsonl');
  const whole = await readFile(path, 'utf8');
  const lines = whole.split('\n').slice(0, -1);
  for (const [from, to] of [['"value":true', '"value":false'], ['duty-1', 'duty-2'], ['"at":0', '"at":9']] as const) {
    await writeFile(path, whole.replace(from, to));
    assert.equal((await verifyJournal(dir)).faults[0]?.code, 'CV_AUDIT_BROKEN');
  }
  for (const changed of [
    [...lines.slice(0, 2), ...lines.slice(3)],
    [...lines.slice(0, 2), lines[0], ...lines.slice(2)],
    lines.slice(1),
    lines.toReversed(),
  ]) {
    await writeFile(path, `${changed.join('\n')}\n`);
    assert.ok((await verifyJournal(dir)).faults.length > 0);
  }
  await fc.assert(fc.asyncProperty(fc.nat(Buffer.byteLength(whole) - 2), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
    const bytes = Buffer.from(whole);
    bytes[offset] = (bytes[offset] as number) ^ mask;
    await writeFile(path, bytes);
    assert.ok((await verifyJournal(dir)).faults.length > 0, `byte ${offset} ^ ${mask}`);
  }), { numRuns: 200 });
});

const fileOf = (number: number) => `commands-00000${number}.jsonl`;
/** A line as it is written, and its hash. */
function lineOf(body: object, before: string): [line: string, hash: string] {
  const text = JSON.stringify({ ...body, before });
  const hash = createHash('sha256').update(text).digest('hex');
  return [`${text.slice(0, -1)},"hash":"${hash}"}\n`, hash];
}
const START = '0'.repeat(64);
const [FIRST_LINE, FIRST_HASH] = lineOf({ at: 1 }, START);
const [SECOND_LINE, SECOND_HASH] = lineOf({ at: 2 }, FIRST_HASH);
const [THIRD_LINE] = lineOf({ at: 3 }, SECOND_HASH);

test('a line is on disk before it is confirmed, and so are the names of its file and folder; its file is for this user alone', async (t) => {
  const dir = join(await folder(t), 'a', 'b');
  const open = openFiles(t);
  const steps = recordForcedWrites(t);
  const journal = await openJournal(dir, { maxFileBytes: FIRST_LINE.length });
  assert.equal(steps.splice(0).at(-1), `force ${basename(dir)}`);
  await journal.append({ at: 1 });
  assert.deepEqual(steps.splice(0), [`force ${fileOf(1)}`]);
  await journal.append({ at: 2 });
  assert.deepEqual(steps.splice(0), [`force ${basename(dir)}`, `force ${fileOf(2)}`]);
  assert.deepEqual(open(), [fileOf(2)]);
  assert.equal((await stat(join(dir, fileOf(1)))).mode & 0o777, 0o600);
  assert.deepEqual(await Promise.all([1, 2].map((number) => readFile(join(dir, fileOf(number)), 'utf8'))), [FIRST_LINE, SECOND_LINE]);
  await journal.close();
  assert.deepEqual(open(), []);
  await assert.rejects(journal.append({ at: 3 }), /closed/);
  await journal.close();
});

test('a file takes lines until it is as large as it may be, which is 16 MB', async (t) => {
  for (const [maxFileBytes, files] of [[FIRST_LINE.length, 3], [FIRST_LINE.length + 1, 2], [2 * FIRST_LINE.length + 1, 1]] as const) {
    const dir = await folder(t);
    const journal = await openJournal(dir, { maxFileBytes });
    for (const atMs of [1, 2, 3]) await journal.append({ at: atMs });
    await journal.close();
    assert.equal((await readdir(dir)).length, files);
  }
  for (const [bytes, files] of [[(16 << 20) - 1, 1], [16 << 20, 2]] as const) {
    const dir = await folder(t);
    const text = Buffer.alloc(bytes, 'x');
    for (let offset = 99; offset < bytes; offset += 1 << 16) text[offset] = 10;
    text[bytes - 1] = 10;
    await writeFile(join(dir, fileOf(1)), text);
    const journal = await openJournal(dir);
    await journal.append({ at: 1 });
    await journal.close();
    assert.equal((await readdir(dir)).length, files);
  }
});

test('the lines of the two newest files are there after an opening, whatever the system lists first', async (t) => {
  const dir = await folder(t);
  const lines: string[] = [];
  let before = START;
  for (const atMs of [1, 2, 3, 4]) {
    const [line, hash] = lineOf({ at: atMs }, before);
    before = hash;
    lines.push(line);
    await writeFile(join(dir, fileOf(atMs)), line);
  }
  await writeFile(join(dir, 'commands-1.jsonl'), 'x');
  const { readdir: list } = fs.promises;
  mockFs(t, 'readdir', async (path: string) => (await list(path)).toSorted().toReversed(), fs.promises);
  const journal = await openJournal(dir);
  assert.deepEqual([journal.lines.map(({ at: atMs }) => atMs), journal.faults], [[3, 4], []]);
  await journal.append({ at: 5 });
  await journal.close();
  const { lines: all, faults } = await verifyJournal(dir);
  assert.deepEqual([all.map(({ at: atMs }) => atMs), faults], [[1, 2, 3, 4, 5], []]);
  await rm(join(dir, fileOf(1)));
  assert.deepEqual((await verifyJournal(dir)).faults, [], 'what comes before the first file that there is, is not known');
});

test('a line that the disk refuses is not written, and the next one goes on where the last whole one ended', async (t) => {
  const dir = await folder(t);
  const open = openFiles(t);
  const journal = await openJournal(dir);
  await journal.append({ at: 1 });
  const { open: real } = fs.promises;
  const probe = await real(join(dir, 'probe'), 'w');
  const refuse = t.mock.method(Object.getPrototypeOf(probe) as typeof probe, 'datasync', () => Promise.reject(new Error('EIO')));
  await probe.close();
  await rm(join(dir, 'probe'));
  await assert.rejects(journal.append({ at: 9 }), /EIO/);
  assert.deepEqual(open(), []);
  refuse.mock.restore();
  await journal.append({ at: 2 });
  await journal.close();
  assert.equal(await readFile(join(dir, fileOf(1)), 'utf8'), FIRST_LINE + SECOND_LINE);
});

const fault = (file: number, line: number, detail: string, detailZh: string) =>
  ({ code: 'CV_AUDIT_BROKEN', params: { file: fileOf(file), line, detail, detailZh } });
const CHANGED = ['content does not match its hash', '内容与其哈希不符'] as const;
const APART = ['does not follow the previous line', '与上一行不连续'] as const;
const [NO_TIME] = lineOf({ at: '2' }, FIRST_HASH);

for (const [what, files, times, faults] of [
  ['a line that was changed', [FIRST_LINE + SECOND_LINE.replace('2', '7') + THIRD_LINE], [1, 7, 3], [fault(1, 2, ...CHANGED)]],
  ['a line that was taken out', [FIRST_LINE + THIRD_LINE], [1, 3], [fault(1, 2, ...APART)]],
  ['a first line that was taken out', [SECOND_LINE], [2], [fault(1, 1, ...APART)]],
  ['a file that was taken out', [FIRST_LINE, null, THIRD_LINE], [1, 3],
    [fault(3, 1, 'preceding files are missing', '此前的文件缺失'), fault(3, 1, ...APART)]],
  ['a file that was cut short', [`${FIRST_LINE}{"at`, SECOND_LINE], [1, 2], [fault(1, 0, 'last line is truncated', '最后一行不完整')]],
  ['a last file that was cut short', [FIRST_LINE, `${SECOND_LINE}{"at`], [1, 2], []],
  ['a line without a hash', [`${FIRST_LINE}{"at":5}\n`], [1, 5], [fault(1, 2, ...CHANGED)]],
  ['lines that are no object with a time', [`${FIRST_LINE}null\n{}\n5\n${NO_TIME}`], [1],
    [2, 3, 4, 5].map((line) => fault(1, line, ...CHANGED))],
] as const) {
  test(`found, and said where: ${what}`, async (t) => {
    const dir = await folder(t);
    for (const [index, text] of files.entries()) if (text !== null) await writeFile(join(dir, fileOf(index + 1)), text);
    const check = await verifyJournal(dir);
    assert.deepEqual([check.lines.map(({ at: atMs }) => atMs), check.faults], [times, faults]);
  });
}
