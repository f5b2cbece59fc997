/** What `verify` says of a folder, held against what an opening of it then finds. */
import assert from 'node:assert/strict';
import fs, { statSync, writeFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { bulkyDraft, TEST_CENTRE, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { acceptedGroup } from './testing/gateway-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { STREAMS } from '../core/event.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import { openGatewayLog } from './gateway-log.ts';
import { LogFile } from './log-file.ts';
import { addRange, countNumbers, missingRanges, type SeqRange } from './ranges.ts';
import { EMPTY_STREAM_STATE, extendEpoch, formatStreamState, settleRanges } from './stream-state.ts';
import { mockFs } from './testing/mock-fs.ts';
import { verifyLog, type LogCheck, type VerifyProgress } from './verify.ts';
import { directStorage } from './worker-storage.ts';

const EDGE = { edge: 'e1', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0 };
const GATEWAY = { gateway: 'g1', maxBytes: 64 << 20, keepMs: 86_400_000, maxFileBytes: 64 << 10, ballastBytes: 0 };
const EDGE_FORM = { chains: STREAMS, origins: false };
const GATEWAY_FORM = { chains: ['log'], origins: true };

function verified(dir: string, form: typeof EDGE_FORM | typeof GATEWAY_FORM, isHeld = false): LogCheck {
  const steps = verifyLog(dir, form, isHeld);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

const missingIn = ({ faults }: LogCheck): SeqRange[] =>
  faults
    .filter(({ code }) => code === 'CV_VERIFY_LOG_MISSING')
    .reduce<SeqRange[]>((sum, { params }) => addRange(sum, Number(params.fromSeq), Number(params.toSeq)), []);

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return join(dir, 'log');
}

/** Some files of one stream, closed or as a killed process leaves them. */
async function edgeFolder(t: TestContext, events: number, isKilled = false): Promise<{ dir: string; epoch: number }> {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  for (let index = 1; index <= events; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  if (isKilled) await cp(dir, `${dir}-dead`, { recursive: true, filter: (path) => !path.endsWith('lock.db') });
  await log.close();
  return { dir: isKilled ? `${dir}-dead` : dir, epoch: log.epoch };
}

const dataFiles = async (dir: string): Promise<string[]> =>
  (await readdir(dir))
    .filter((name) => /^state-.*\.db$/.test(name))
    .toSorted((a, b) => Number(a.split('-')[2]?.slice(0, -3)) - Number(b.split('-')[2]?.slice(0, -3)));

async function content(dir: string): Promise<Record<string, string>> {
  return Object.fromEntries(
    await Promise.all((await readdir(dir)).map(async (name) => [name, (await readFile(join(dir, name))).toString('base64')] as const)),
  );
}

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] as number) ^ 0x55;
  await writeFile(path, bytes);
}

test('a sound folder has no faults, closed or left by a killed process, and is not changed by it', async (t) => {
  for (const isKilled of [false, true]) {
    const { dir } = await edgeFolder(t, 400, isKilled);
    assert.ok((await dataFiles(dir)).length > 2);
    const before = await content(dir);
    const check = verified(dir, EDGE_FORM);
    assert.deepEqual([check.faults, check.events, check.named, check.live], [[], 400, 0, []]);
    assert.deepEqual(await content(dir), before);
  }
});

test('flipped bytes: what it names as missing is what an opening cannot read, to the last number', async (t) => {
  const { dir } = await edgeFolder(t, 400);
  const random = seededRandom(11);
  const files = await dataFiles(dir);
  let damaged = 0;
  for (let round = 0; round < 30; round += 1) {
    const copy = `${dir}-${round}`;
    await cp(dir, copy, { recursive: true });
    for (let flips = 0; flips <= round % 4; flips += 1) {
      const path = join(copy, files[Math.floor(random.next() * files.length)] as string);
      await flip(path, Math.floor(random.next() * (await readFile(path)).length));
    }
    const check = verified(copy, EDGE_FORM);
    const log = await openEdgeLog({ ...EDGE, dir: copy }, testWorld(), directStorage());
    const present = (await readAll(log, 'state'))
      .filter(({ kind }) => kind !== 'gap')
      .reduce<SeqRange[]>((sum, { seq }) => addRange(sum, seq, seq), []);
    await log.close();
    assert.deepEqual(missingIn(check), missingRanges(present, 1, 400), `round ${round}`);
    assert.equal(check.events, countNumbers(present));
    damaged += Number(check.faults.length > 0);
    // What the opening has named is no fault any more. How far the old epoch went only the head knew, which has moved on.
    const again = verified(copy, EDGE_FORM);
    assert.deepEqual([again.faults, again.named], [[], (present.at(-1)?.[1] ?? 0) - countNumbers(present)], `round ${round}, once more`);
    await rm(copy, { recursive: true });
  }
  assert.ok(damaged > 10);
});

test('a file that is gone, one that is cut short, and an end before the head file are named', async (t) => {
  const { dir } = await edgeFolder(t, 400);
  const files = await dataFiles(dir);
  const firsts = files.map((name) => Number(name.split('-')[2]?.slice(0, -3)));
  const without = async (name: string) => {
    const copy = `${dir}-without`;
    await rm(copy, { recursive: true, force: true });
    await cp(dir, copy, { recursive: true });
    await rm(join(copy, name));
    return missingIn(verified(copy, EDGE_FORM));
  };
  assert.deepEqual(await without(files[0] as string), [[1, (firsts[1] as number) - 1]]);
  assert.deepEqual(await without(files[1] as string), [[firsts[1], (firsts[2] as number) - 1]]);
  assert.deepEqual(await without(files.at(-1) as string), [[firsts.at(-1), 400]]);
  await truncate(join(dir, files[1] as string), 12 << 10);
  const [from, to] = missingIn(verified(dir, EDGE_FORM))[0] ?? [];
  assert.ok((from as number) >= (firsts[1] as number) && to === (firsts[2] as number) - 1);
});

test('beside the process that writes: its open files are left out, closed ones are read', async (t) => {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  t.after(() => log.close());
  for (let index = 1; index <= 400; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  const files = await dataFiles(dir);
  const check = verified(dir, EDGE_FORM, true);
  assert.deepEqual([check.faults, check.live], [[], [files.at(-1)]]);
  assert.equal(check.files, files.length - 1);
  for (let offset = 4096 * 2; offset < 4096 * 12; offset += 512) await flip(join(dir, files[1] as string), offset);
  assert.ok(verified(dir, EDGE_FORM, true).faults.length > 0);
  // Nothing of this has taken the writer's lock away.
  await log.append(testDrafts(401, 1, { kind: 'state' }));
});

test('beside the process that writes: a closed file that is cut short lacks its last rows, up to where the next one begins', async (t) => {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  t.after(() => log.close());
  for (let index = 1; index <= 400; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  const files = await dataFiles(dir);
  const [first, next] = files.slice(1, 3).map((name) => Number(name.split('-')[2]?.slice(0, -3))) as [number, number];
  const path = join(dir, files[1] as string);
  await truncate(path, Math.floor((await stat(path)).size * 0.8 / 4096) * 4096);
  const [[from, to] = [], ...others] = missingIn(verified(dir, EDGE_FORM, true));
  assert.ok(from !== undefined && from > first && from < next, `from ${from}`);
  assert.deepEqual([to, others], [next - 1, []]);
});

test('one row that is missing among others is named, and only its numbers', async (t) => {
  const dir = await folder(t);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  for (let index = 1; index <= 9; index += 1) await log.append(testDrafts(index, 1, { kind: 'state' }));
  await log.close();
  const db = new DatabaseSync(join(dir, (await dataFiles(dir))[0] as string));
  db.exec('DELETE FROM g WHERE seq = 5');
  db.close();
  const check = verified(dir, EDGE_FORM);
  assert.deepEqual([check.events, missingIn(check)], [8, [[5, 5]]]);
});

test('a gateway: numbers, marks of each sender, and what was let go or named', async (t) => {
  const dir = await folder(t);
  const world = testWorld();
  const log = await openGatewayLog({ ...GATEWAY, dir }, world, directStorage());
  for (let seq = 1; seq <= 4000; seq += 20)
    await log.accept(
      [acceptedGroup('e1', seq, 20), acceptedGroup('e2', seq, 20)],
      [{ sender: 'e3', stream: 'state', epoch: 1, from: seq, to: seq + 19 }],
    );
  await log.close();
  const sound = verified(dir, GATEWAY_FORM);
  assert.deepEqual([sound.faults, sound.events], [[], 8000]);
  assert.ok(sound.files > 2);
  const files = (await readdir(dir))
    .filter((name) => /^log-.*\.db$/.test(name))
    .toSorted((a, b) => Number(a.split('-')[2]?.slice(0, -3)) - Number(b.split('-')[2]?.slice(0, -3)));
  const headless = `${dir}-headless`;
  await cp(dir, headless, { recursive: true });
  await rm(join(headless, files[0] as string));
  assert.deepEqual(missingIn(verified(headless, GATEWAY_FORM)), [[1, Number(files[1]?.split('-')[2]?.slice(0, -3)) - 1]]);
  const copy = `${dir}-copy`;
  await cp(dir, copy, { recursive: true });
  await rm(join(copy, files[1] as string));
  const missing = missingIn(verified(copy, GATEWAY_FORM));
  assert.deepEqual(missing, [[Number(files[1]?.split('-')[2]?.slice(0, -3)), Number(files[2]?.split('-')[2]?.slice(0, -3)) - 1]]);
  const again = await openGatewayLog({ ...GATEWAY, dir: copy }, world, directStorage());
  await again.close();
  const named = verified(copy, GATEWAY_FORM);
  assert.deepEqual([named.faults, named.named], [[], countNumbers(missing)]);
});

test('a gateway: what it let go for its age is no fault, in a folder that is closed or held', async (t) => {
  const dir = await folder(t);
  const world = testWorld();
  const log = await openGatewayLog({ ...GATEWAY, dir }, world, directStorage());
  for (let seq = 1; seq <= 4000; seq += 20) await log.accept([acceptedGroup('e1', seq, 20, 7, world.clock.nowMs())]);
  await world.clock.advanceMs(2 * GATEWAY.keepMs);
  const { seq } = log.tail();
  assert.ok(seq > 0);
  const held = verified(dir, GATEWAY_FORM, true);
  await log.close();
  const closed = verified(dir, GATEWAY_FORM);
  assert.deepEqual([held.faults, closed.faults, closed.events, closed.named], [[], [], 4000 - seq, seq]);
});

test('a folder that holds nothing, or garbage under the names of files', async (t) => {
  const dir = await folder(t);
  await mkdir(dir, { recursive: true });
  assert.deepEqual(verified(dir, EDGE_FORM), { files: 0, groups: 0, events: 0, bytes: 0, live: [], named: 0, faults: [] });
  const random = seededRandom(5);
  await writeFile(join(dir, 'state-7-1.db'), Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(random.next() * 256))));
  await writeFile(join(dir, 'state-7-11.db'), 'x');
  assert.deepEqual(verified(dir, EDGE_FORM).faults.map(({ code }) => code), ['CV_VERIFY_LOG_STATE', 'CV_VERIFY_LOG_PAGES']);
});

interface MadeFile {
  name: string;
  epoch: number;
  groups: [seq: number, count: number][];
  /** Its last row has a wrong checksum. */
  damaged?: true;
  salvaged?: true;
  /** As a process that writes has it. */
  open?: true;
}

const FORM = { origins: false, checkpointPages: 100 };

/** Files made by hand, of which all or some is owed; and the end that the head file knows. */
async function made(t: TestContext, files: MadeFile[], { head = 0, settled = [] as SeqRange[] } = {}): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  for (const { name, epoch, groups, damaged, salvaged, open } of files) {
    const path = join(dir, name);
    LogFile.create(path, FORM);
    const state = formatStreamState(settleRanges(extendEpoch(EMPTY_STREAM_STATE, epoch, 100), epoch, settled));
    const file = LogFile.openForWriting(path, epoch, FORM);
    file.write(groups.map(([seq, count]) => ({ seq, count, payload: Buffer.alloc(40) })), { state, ...(salvaged && { salvaged: '{}' }) });
    if (open) t.after(() => file.close());
    else file.seal();
    if (!damaged) continue;
    const db = new DatabaseSync(path);
    db.exec('UPDATE g SET crc = crc + 1 WHERE seq = (SELECT max(seq) FROM g)');
    db.close();
  }
  const text = JSON.stringify({ state: { epoch: 7, seq: head } });
  if (head > 0) writeFileSync(join(dir, 'head'), `${crc32(text)}\n${text}\n`);
  return dir;
}

const A: MadeFile = { name: 'state-7-1.db', epoch: 7, groups: [[1, 2], [3, 2]] };
const B: MadeFile = { name: 'state-7-7.db', epoch: 7, groups: [[7, 2]] };
const LATER: MadeFile = { name: 'state-8-1.db', epoch: 8, groups: [[1, 2]] };

for (const [what, files, head, closed, held] of [
  ['all that there is', [A], 4, [], []],
  ['an end before that in the head file', [A], 6,
    [[A.name, 5, 6, 'ends before the end in the head file', '末尾早于 head 文件的记录']], []],
  ['a file that is gone before the first', [B], 8, [[B.name, 1, 6, 'preceding file is missing', '此前的文件缺失']], []],
  ['an end before the next file begins', [A, B], 8, [[A.name, 5, 6, 'ends before the next file starts', '末尾与下一个文件不衔接']], []],
  ['an opening after which another came', [A, LATER], 0, [], []],
  ['rows missing between others', [{ ...A, groups: [[1, 2], [4, 2]] }], 5,
    [[A.name, 3, 3, 'rows are missing', '缺少数据行']], [[A.name, 3, 3, 'rows are missing', '缺少数据行']]],
  ['rows missing at the beginning', [{ ...A, groups: [[3, 2]] }], 4,
    [[A.name, 1, 2, 'rows are missing', '缺少数据行']], [[A.name, 1, 2, 'rows are missing', '缺少数据行']]],
  ['a damaged row before the next file', [{ ...A, damaged: true }, B], 8,
    [[A.name, 3, 6, 'wrong checksum', 'wrong checksum']], [[A.name, 3, 6, 'wrong checksum', 'wrong checksum']]],
  ['a damaged row at the end', [{ ...A, damaged: true }], 4, [[A.name, 3, 4, 'wrong checksum', 'wrong checksum']], 'pages'],
  ['a file that was salvaged', [{ ...A, groups: [[3, 2]], salvaged: true }], 4, [[A.name, 1, 2, 'rows are missing', '缺少数据行']], []],
] as const) {
  test(`found where it is, in a folder that is closed and in one that is held: ${what}`, async (t) => {
    const dir = await made(t, files as unknown as MadeFile[], { head });
    for (const [isHeld, expected] of [[false, closed], [true, held]] as const) {
      const { faults } = verified(dir, EDGE_FORM, isHeld);
      if (expected === 'pages') {
        assert.deepEqual(faults, [{ code: 'CV_VERIFY_LOG_PAGES', params: { file: A.name, detail: 'wrong checksum', count: 2 } }]);
        continue;
      }
      assert.deepEqual(faults, expected.map(([file, fromSeq, toSeq, detail, detailZh]) => ({
        code: 'CV_VERIFY_LOG_MISSING',
        params: { file, epoch: 7, fromSeq, toSeq, count: toSeq - fromSeq + 1, detail, detailZh },
      })));
    }
  });
}

test('what is missing and settled is counted, and the rest of it named', async (t) => {
  const dir = await made(t, [{ ...A, groups: [[1, 2], [8, 2]] }], { head: 9, settled: [[3, 4], [6, 6]] });
  const { faults, named } = verified(dir, EDGE_FORM);
  assert.deepEqual([faults.map(({ params }) => [params['fromSeq'], params['toSeq'], params['count']]), named], [[[5, 5, 1], [7, 7, 1]], 3]);
  const all = await made(t, [{ ...A, damaged: true }], { settled: [[3, 4]], head: 4 });
  assert.deepEqual(verified(all, EDGE_FORM).faults, [
    { code: 'CV_VERIFY_LOG_PAGES', params: { file: A.name, detail: 'wrong checksum', count: 2 } },
  ]);
});

test('it goes file by file and says how far it is; other chains, and files without a commit, are none', async (t) => {
  const dir = await made(t, [A, B, { ...LATER, name: 'warning-8-1.db' }, { ...LATER, name: 'other-8-1.db' }]);
  LogFile.create(join(dir, 'state-9-1.db'), FORM);
  writeFileSync(join(dir, 'state-9-2.db'), 'x'.repeat(8191));
  const size = (name: string) => statSync(join(dir, name)).size;
  const ofBytes = [A.name, B.name, 'warning-8-1.db', 'state-9-1.db', 'state-9-2.db'].reduce((sum, name) => sum + size(name), 0);
  const progress: VerifyProgress[] = [];
  const steps = verifyLog(dir, { chains: ['warning', 'state'], origins: false }, false);
  let step = steps.next();
  for (; !step.done; step = steps.next()) progress.push(step.value);
  const [warning, a, b] = ['warning-8-1.db', A.name, B.name].map(size) as [number, number, number];
  assert.deepEqual(progress, [
    { doneBytes: 0, ofBytes, file: 'warning-8-1.db' },
    { doneBytes: warning, ofBytes, file: A.name },
    { doneBytes: warning + a, ofBytes, file: B.name },
    { doneBytes: warning + a + b, ofBytes, file: 'state-9-1.db' },
    { doneBytes: warning + a + b, ofBytes, file: 'state-9-2.db' },
    { doneBytes: ofBytes, ofBytes, file: '' },
  ]);
  const { files, groups, events, bytes, live } = step.value;
  assert.deepEqual({ files, groups, events, bytes, live }, { files: 3, groups: 4, events: 8, bytes: warning + a + b, live: [] });
});

test('files of a process that writes are left out; one that goes meanwhile is none', async (t) => {
  const dir = await made(t, [A, { ...B, open: true }]);
  const { live, faults, files } = verified(dir, EDGE_FORM, true);
  assert.deepEqual([live, faults, files], [[B.name], [], 1]);
  const { openSync } = fs;
  mockFs(t, 'openSync', (path: string, ...more: [string]) => {
    if (path.endsWith(A.name)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return openSync(path, ...more);
  });
  assert.deepEqual([verified(dir, EDGE_FORM, true).files, verified(dir, EDGE_FORM, true).faults], [0, []]);
  assert.throws(() => verified(dir, EDGE_FORM, false), { code: 'ENOENT' });
});
