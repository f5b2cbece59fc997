/** Damage that SQLite does not show, or shows by giving up: what the raw pages still hold, while running and at opening. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import type { Gap } from '../core/event.ts';
import { bulkyDraft, TEST_CENTRE, testDraft, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { commitEnds } from './testing/truncated-wal.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import { logFileName } from './file-name.ts';
import { LogFile } from './log-file.ts';
import { damagedFiles, finishSalvages, recoverFile, replaceDamagedFile } from './salvage.ts';
import { recordForcedWrites } from './testing/forced-writes.ts';
import { LOG_START, type EdgeLog } from './types.ts';
import { directStorage } from './worker-storage.ts';

const OPTIONS = { edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, ballastBytes: 0 };
const GROUPS = 30;
const EVENTS = 20;

type World = ReturnType<typeof testWorld>;

const openLog = (dir: string, world: World) => openEdgeLog({ ...OPTIONS, dir }, world, directStorage());
const codes = (world: World) => world.told.flatMap((told) => (told.kind === 'fault' ? [told.fault.code] : []));
const asides = async (dir: string) => (await readdir(dir)).filter((name) => /\.damaged-\d+$/.test(name));

async function fill(log: EdgeLog): Promise<void> {
  for (let group = 0; group < GROUPS; group += 1) await log.append(testDrafts(group * EVENTS + 1, EVENTS, { kind: 'state' }));
}

async function overwrite(path: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, offset);
  await file.close();
}

/** Values and losses of one epoch. */
async function contents(log: EdgeLog, epoch: number): Promise<{ values: unknown[]; gaps: Gap[] }> {
  const events = await readAll(log, 'state');
  return {
    values: events.filter((event) => event.epoch === epoch).map(({ value }) => value),
    gaps: events.flatMap(({ gap }) => (gap ? [gap] : [])),
  };
}

/** A folder as a killed process leaves it (`killed`), or closed in order. */
async function folder(run: (bench: { dir: string; file: string; epoch: number }) => Promise<void>, killed = false): Promise<void> {
  const { dir, remove } = await memoryDir();
  try {
    const live = join(dir, 'live');
    const log = await openLog(live, testWorld());
    await fill(log);
    const copy = async (to: string) => {
      await mkdir(to);
      for (const name of await readdir(live)) await copyFile(join(live, name), join(to, name));
    };
    if (killed) await copy(join(dir, 'dead'));
    await log.close();
    if (!killed) await copy(join(dir, 'dead'));
    const file = (await readdir(join(dir, 'dead'))).find((name) => name.startsWith('state-') && name.endsWith('.db')) ?? '';
    await run({ dir: join(dir, 'dead'), file, epoch: log.epoch });
  } finally {
    await remove();
  }
}

test('a flipped byte in the middle of the write-ahead log costs its own group, not every later one', () =>
  folder(async ({ dir, file, epoch }) => {
    const path = join(dir, `${file}-wal`);
    const ends = commitEnds(await readFile(path));
    const offset = (ends[GROUPS / 2] as number) - 2000;
    await overwrite(path, offset, Buffer.from([(await readFile(path))[offset] as number ^ 0x10]));
    const world = testWorld();
    const log = await openLog(dir, world);
    try {
      const { values, gaps } = await contents(log, epoch);
      assert.ok(values.length >= (GROUPS - 1) * EVENTS, `${values.length} events`);
      assert.equal(values.at(-1), GROUPS * EVENTS);
      assert.equal(gaps.reduce((sum, { count }) => sum + count, 0), GROUPS * EVENTS - values.length);
      assert.ok(codes(world).includes('CV_LOG_SALVAGED'));
      assert.ok(!codes(world).includes('CV_LOG_REWOUND'));
    } finally {
      await log.close();
    }
  }, true));

test('header, tree and schema destroyed: every row is found, the damaged file lies aside, the next opening has nothing to do', () =>
  folder(async ({ dir, file, epoch }) => {
    const before = await readFile(join(dir, file));
    const damaged = Buffer.from(before);
    damaged.fill(0xa5, 0, 4096);
    // The root of the groups' table, which is no leaf any more.
    assert.equal(damaged[4096], 5);
    damaged.fill(0x5a, 4096, 8192);
    await overwrite(join(dir, file), 0, damaged);
    const world = testWorld();
    const log = await openLog(dir, world);
    assert.deepEqual((await contents(log, epoch)), { values: Array.from({ length: GROUPS * EVENTS }, (_, index) => index + 1), gaps: [] });
    assert.deepEqual(codes(world), ['CV_LOG_SALVAGED']);
    assert.deepEqual(await asides(dir), [`${file}.damaged-1`]);
    assert.ok((await readFile(join(dir, `${file}.damaged-1`))).equals(damaged), 'as it is');
    await log.append([testDraft(9, { kind: 'state' })]);
    await log.close();
    const again = testWorld();
    const next = await openLog(dir, again);
    assert.equal((await contents(next, epoch)).values.length, GROUPS * EVENTS);
    assert.deepEqual(codes(again), []);
    await next.close();
  }));

test('damage met while running is put right, named, and appending goes on in a new file without a call refused', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const log = await openEdgeLog({ ...OPTIONS, maxFileBytes: 32 << 20, dir }, world, directStorage());
  try {
    const random = seededRandom(4);
    // More than SQLite keeps in memory of the file that is being written.
    const [groups, events] = [160, 40];
    for (let group = 0; group < groups; group += 1)
      await log.append(
        Array.from({ length: events }, (_, index) => bulkyDraft(group * events + index + 1, 2000, () => random.next(), 'state')),
      );
    const files = async () => (await readdir(dir)).filter((name) => name.startsWith('state-') && name.endsWith('.db'));
    const [file = ''] = await files();
    await overwrite(join(dir, file), 2 << 20, Buffer.alloc(6000, 0x33));
    const reading = readAll(log, 'state');
    const calls = Array.from({ length: 5 }, (_, index) => log.append([testDraft(10_000 + index, { kind: 'state' })]));
    await reading;
    await Promise.all(calls);
    const found = await readAll(log, 'state');
    const gaps = found.flatMap(({ gap }) => gap ?? []);
    const values = found.flatMap(({ gap, value }) => (gap ? [] : [value as number]));
    assert.equal(new Set(values).size, values.length);
    assert.deepEqual(gaps.map(({ count, reason }) => [count % events, reason]), gaps.map(() => [0, 'log_damaged']), 'whole groups');
    const named = new Set(gaps.flatMap(({ fromSeq, toSeq }) => Array.from({ length: toSeq - fromSeq + 1 }, (_, index) => fromSeq + index)));
    for (let seq = 1; seq <= groups * events; seq += 1)
      assert.equal(Number(values.includes(seq)) + Number(named.has(seq)), 1, `number ${seq}`);
    assert.ok(named.size > 0 && named.size <= 3 * events, `${named.size} lost`);
    assert.deepEqual(values.filter((value) => value >= 10_000), [10_000, 10_001, 10_002, 10_003, 10_004]);
    assert.equal((await files()).length, 2, 'a new file');
    assert.equal(codes(world).filter((code) => code === 'CV_LOG_SALVAGED').length, 1);
    const told = (await readFile(join(dir, 'quarantine.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { code: string });
    assert.deepEqual(
      told.map(({ code }) => code),
      gaps.map(() => 'CV_LOG_DAMAGED'),
    );
  } finally {
    await log.close();
    await remove();
  }
});

test('a call that comes while a read is still to answer that it met damage goes on in a new file, and is kept', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const real = directStorage();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => { answer = resolve; });
  const log = await openEdgeLog({ ...OPTIONS, maxFileBytes: 32 << 20, dir }, world, {
    ...real,
    async read(request) {
      const reply = await real.read(request);
      await answered;
      return reply;
    },
  });
  try {
    const random = seededRandom(4);
    for (let group = 0; group < 160; group += 1)
      await log.append(Array.from({ length: 40 }, (_, index) => bulkyDraft(group * 40 + index + 1, 2000, () => random.next(), 'state')));
    const files = async () => (await readdir(dir)).filter((name) => name.startsWith('state-') && name.endsWith('.db'));
    await overwrite(join(dir, (await files())[0] ?? ''), 2 << 20, Buffer.alloc(6000, 0x33));
    const reading = log.read('state', LOG_START, { maxGroups: 1000, maxBytes: 1 << 30 });
    // The file is put aside now, and who appends does not know it.
    await log.append([testDraft(10_000, { kind: 'state' })]);
    assert.equal((await asides(dir)).length, 1);
    assert.equal((await files()).length, 2);
    assert.deepEqual(
      world.told.map((told) => (told.kind === 'fault' ? told.fault.code : told.kind === 'fault_cleared' ? `${told.code} over` : told.kind)),
      ['CV_LOG_FAILED', 'CV_LOG_FAILED over'],
    );
    answer();
    await reading;
    assert.deepEqual((await readAll(log, 'state')).flatMap(({ value, gap }) => (!gap && Number(value) >= 10_000 ? [value] : [])), [10_000]);
  } finally {
    answer();
    await log.close();
    await remove();
  }
});

test('a number that has become larger than JavaScript holds keeps no log from opening', () =>
  folder(async ({ dir, file, epoch }) => {
    const db = new DatabaseSync(join(dir, file));
    db.exec(`UPDATE g SET seq = ${2n ** 53n + 1n} WHERE seq = 1`);
    db.close();
    const world = testWorld();
    const log = await openLog(dir, world);
    const { values, gaps } = await contents(log, epoch);
    assert.deepEqual(values, Array.from({ length: (GROUPS - 1) * EVENTS }, (_, index) => EVENTS + index + 1));
    assert.deepEqual(gaps.map(({ fromSeq, toSeq, reason }) => [fromSeq, toSeq, reason]), [[1, EVENTS, 'log_damaged']]);
    assert.ok(codes(world).includes('CV_LOG_SALVAGED'));
    await log.close();
  }));

test('a salvage that was cut short is finished or made again', () =>
  folder(async ({ dir, file, epoch }) => {
    const damaged = await readFile(join(dir, file));
    damaged.fill(0, 100, 8192);
    await overwrite(join(dir, file), 0, damaged);
    await copyFile(join(dir, file), join(dir, `${file}.salvage`));
    const log = await openLog(dir, testWorld());
    assert.equal((await contents(log, epoch)).values.length, GROUPS * EVENTS);
    await log.close();
    // Killed between the two renames.
    await copyFile(join(dir, file), join(dir, `${file}.salvage`));
    await rm(join(dir, file));
    const world = testWorld();
    const next = await openLog(dir, world);
    assert.equal((await contents(next, epoch)).values.length, GROUPS * EVENTS);
    assert.deepEqual(codes(world), []);
    await next.close();
  }));

test('of files set aside only the newest few are kept', () =>
  folder(async ({ dir, file, epoch }) => {
    for (let round = 0; round < 5; round += 1) {
      await overwrite(join(dir, file), 0, Buffer.alloc(16, round));
      const log = await openLog(dir, testWorld());
      assert.equal((await contents(log, epoch)).values.length, GROUPS * EVENTS);
      await log.close();
    }
    assert.equal((await asides(dir)).length, 3);
  }));

test('on a disk without room what is found is read all the same, and nothing half made is left', (t) =>
  folder(async ({ dir, file, epoch }) => {
    await overwrite(join(dir, file), 0, Buffer.alloc(16));
    const full = t.mock.method(LogFile, 'openForWriting', () => {
      throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
    });
    const log = await openLog(dir, testWorld());
    assert.equal((await contents(log, epoch)).values.length, GROUPS * EVENTS);
    assert.deepEqual([await asides(dir), (await readdir(dir)).filter((name) => name.includes('.salvage'))], [[], []]);
    full.mock.restore();
    await log.close();
  }));

const FORM = { origins: true, checkpointPages: 8 };
const FILE = logFileName('log', 3, 1);

async function damagedFolder(t: TestContext): Promise<{ dir: string; path: string }> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, FILE.name);
  writeFileSync(path, 'damaged');
  writeFileSync(`${path}-wal`, 'more');
  return { dir, path };
}

const rowsOf = (groups: [seq: number, count: number][], settled: string[] = []) => ({
  groups: groups.map(([seq, count]) => ({
    seq, count, payload: Buffer.from('a'), origin: { sender: 'a', stream: 'state' as const, epoch: 1, seq, span: count, receivedAt: 1 },
  })),
  metadata: { state: '{}' },
  settled,
});

test('what is found takes the place of the damaged file, which lies aside with its write-ahead log', async (t) => {
  const { dir, path } = await damagedFolder(t);
  writeFileSync(join(dir, 'state-1-1.db.damaged-7'), '');
  const steps = recordForcedWrites(t);
  const rows = rowsOf([[1, 2], [3, 1], [4, 3], [5, 1], [9, 2]], ['[1]']);
  const done = replaceDamagedFile(dir, FILE, rows, FORM, 'wrong checksum');
  const aside = `${FILE.name}.damaged-8`;
  assert.deepEqual(done, {
    name: FILE.name, detail: 'wrong checksum', present: [[1, 6], [9, 10]], damagedName: aside, bytes: statSync(path).size, inMemory: null,
  });
  assert.deepEqual(steps.slice(-4), [
    `rename ${FILE.name} ${aside}`,
    `rename ${FILE.name}-wal ${aside}-wal`,
    `rename ${FILE.name}.salvage ${FILE.name}`,
    `force ${basename(dir)}`,
  ]);
  assert.deepEqual(['', '-wal'].map((side) => readFileSync(join(dir, aside + side), 'utf8')), ['damaged', 'more']);
  const file = LogFile.openForReading(path, FILE.epoch, true, true);
  assert.equal(file.metadata('state').text, '{}');
  assert.deepEqual(JSON.parse(String(file.metadata('salvaged').text)), { v: 1, aside, detail: 'wrong checksum' });
  assert.deepEqual([file.settledRanges(), [...file.groups(0, 99)].map((group) => group?.seq)], [['[1]'], [1, 3, 4, 5, 9]]);
  file.close();
});

test('many rows are written two hundred at a time', async (t) => {
  const { dir } = await damagedFolder(t);
  const write = t.mock.method(LogFile.prototype, 'write');
  replaceDamagedFile(dir, FILE, rowsOf(Array.from({ length: 401 }, (_, index) => [index + 1, 1])), FORM, 'x');
  assert.deepEqual(write.mock.calls.map(({ arguments: [groups, notes] }) => [groups.length, Object.keys(notes).length]), [
    [0, 2], [200, 0], [200, 0], [1, 0],
  ]);
});

for (const [what, errcode, isKept] of [['full', 13, true], ['read-only', 8, true], ['failing', 10, false]] as const) {
  test(`on a disk that is ${what} the damaged file stays where it is, and nothing half made`, async (t) => {
    const { dir, path } = await damagedFolder(t);
    const { write } = LogFile.prototype;
    const close = t.mock.method(LogFile.prototype, 'close');
    t.mock.method(LogFile.prototype, 'write', function run(this: LogFile, ...args: Parameters<typeof write>) {
      if (this.path !== ':memory:') throw Object.assign(new Error('refused'), { code: 'ERR_SQLITE_ERROR', errcode });
      write.apply(this, args);
    });
    const replace = () => replaceDamagedFile(dir, FILE, rowsOf([[1, 2]], ['[1]']), FORM, 'x');
    if (isKept) {
      const { inMemory, ...report } = replace();
      assert.deepEqual(report, { name: FILE.name, detail: 'x', present: [[1, 2]], damagedName: null, bytes: 11 });
      assert.deepEqual([inMemory?.groupAt(2)?.seq, inMemory?.metadata('state').text, inMemory?.settledRanges()], [1, '{}', ['[1]']]);
    } else assert.throws(replace, { errcode });
    assert.equal(close.mock.callCount(), 1);
    assert.deepEqual([readdirSync(dir).toSorted(), readFileSync(path, 'utf8')], [[FILE.name, `${FILE.name}-wal`], 'damaged']);
  });
}

test('a salvage that was cut short before the damaged file was put aside is made again; after it, it takes its name', async (t) => {
  const { dir, path } = await damagedFolder(t);
  writeFileSync(`${path}.salvage`, 'half');
  writeFileSync(join(dir, 'log-9-9.db.salvage'), 'whole');
  finishSalvages(dir);
  assert.deepEqual(readdirSync(dir).toSorted(), [FILE.name, `${FILE.name}-wal`, 'log-9-9.db'].toSorted());
  assert.equal(readFileSync(path, 'utf8'), 'damaged');
});

test('files put aside are listed by when that was, the oldest first; others are none', async (t) => {
  const { dir } = await damagedFolder(t);
  assert.deepEqual(damagedFiles(dir), []);
  for (const name of ['b.db.damaged-2', 'c.db.damaged-10', 'a.db.damaged-1']) {
    writeFileSync(join(dir, name), '');
    const before = statSync(join(dir, name)).ctimeMs;
    while (!existsSync(join(dir, 'clock')) || statSync(join(dir, 'clock')).ctimeMs <= before) writeFileSync(join(dir, 'clock'), 'x');
  }
  mkdirSync(join(dir, 'a.db.damaged'));
  writeFileSync(join(dir, 'a.db.damaged-1-wal'), '');
  assert.deepEqual(damagedFiles(dir), ['b.db.damaged-2', 'c.db.damaged-10', 'a.db.damaged-1']);
});

test('of a file that is not there, or has only a write-ahead log, what there is is found', async (t) => {
  const { dir } = await damagedFolder(t);
  const form = { epoch: 3, origins: true };
  assert.deepEqual(recoverFile(join(dir, 'none.db'), form), { groups: [], metadata: {}, settled: [] });
  const path = join(dir, 'b.db');
  LogFile.create(path, FORM);
  const file = LogFile.openForWriting(path, 3, FORM);
  file.write(rowsOf([[1, 2]]).groups, { state: 's' });
  writeFileSync(join(dir, 'c.db-wal'), readFileSync(`${path}-wal`));
  file.close();
  const { groups, metadata } = recoverFile(join(dir, 'c.db'), form);
  assert.deepEqual([groups.map(({ seq, count }) => [seq, count]), metadata], [[[1, 2]], { state: 's' }]);
});
