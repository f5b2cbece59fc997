/** One file after the other: what a process leaves that dies at any step of it, and a disk that refuses a step. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { bulkyDraft } from '../core/testing/drafts.ts';
import { acceptedGroup } from './testing/gateway-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import { seededRandom } from '../core/world.ts';
import { StorageEngine } from './storage-engine.ts';
import { isSealedFile } from './database-file.ts';
import { openGatewayLog } from './gateway-log.ts';
import { GradualRemoval } from './gradual-removal.ts';
import { LogFile } from './log-file.ts';
import { LOG_START, type AcceptedGroup, type GatewayLog } from './types.ts';
import { verifyLog } from './verify.ts';
import { directStorage } from './worker-storage.ts';

const OPTIONS = { gateway: 'town-1', maxBytes: 64 << 20, keepMs: 3_600_000, maxFileBytes: 64 << 10, ballastBytes: 0 };
const ALL = { maxGroups: 10_000, maxBytes: 1 << 30 };
const EVENTS = 6;

/** What a file needs beside its commits is done when the test says so. */
class SteppedEngine extends StorageEngine {
  override runMaintenanceStep(): boolean {
    return false;
  }

  step(): boolean {
    return super.runMaintenanceStep();
  }
}

interface Bench {
  log: GatewayLog;
  engine: SteppedEngine;
  dir: string;
  /** The number that comes next. */
  next: number;
  accept(): Promise<void>;
  world: ReturnType<typeof testWorld>;
}

async function bench(t: TestContext, { maxFileBytes = OPTIONS.maxFileBytes, monotonicMs = (): number => 0 } = {}): Promise<Bench> {
  const { dir, remove } = await memoryDir();
  const random = seededRandom(5);
  const world = testWorld();
  const engine = new SteppedEngine(monotonicMs);
  const log = await openGatewayLog({ ...OPTIONS, maxFileBytes, dir: join(dir, 'log') }, world, directStorage(engine));
  t.after(async () => {
    await log.close();
    await remove();
  });
  const one: Bench = {
    log, engine, dir: join(dir, 'log'), next: 1, world,
    async accept() {
      const drafts = Array.from({ length: EVENTS }, (_, index) => bulkyDraft(one.next + index, 1500, () => random.next()));
      const payload = encodeBatch({ from: 'a', stream: 'measurement', epoch: 7, seq: one.next }, drafts);
      const group: AcceptedGroup = {
        origin: { sender: 'a', stream: 'measurement', epoch: 7, seq: one.next, span: EVENTS, receivedAt: 1 },
        count: EVENTS,
        payload,
      };
      await log.accept([group]);
      one.next += EVENTS;
    },
  };
  return one;
}

const filesOf = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => /^log-.*\.db$/.test(name))
    .toSorted((a, b) => Number(a.split('-')[2]?.slice(0, -3)) - Number(b.split('-')[2]?.slice(0, -3)));

/** The folder as it lies at this moment is what the next process finds. */
function copyOf(dir: string, change: (copy: string) => void = () => {}): string {
  const copy = `${dir}-copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(dir, copy, { recursive: true });
  change(copy);
  return copy;
}

/** `verify` and an opening both find the numbers up to `last`, with their marks, and nothing to say. */
async function check(copy: string, last: number, what: string): Promise<void> {
  const steps = verifyLog(copy, { chains: ['log'], origins: true }, false);
  let step = steps.next();
  while (!step.done) step = steps.next();
  assert.deepEqual([step.value.faults, step.value.events, step.value.live], [[], last, []], `${what}: verify`);
  const world = testWorld();
  const log = await openGatewayLog({ ...OPTIONS, dir: copy }, world, directStorage());
  const seen = (await log.read(LOG_START, ALL)).flatMap(({ seq, count }) => Array.from({ length: count }, (_, index) => seq + index));
  assert.deepEqual(seen, Array.from({ length: last }, (_, index) => index + 1), what);
  assert.deepEqual(log.mark('a', 'measurement', 7), { upTo: last, have: [] }, what);
  await log.accept([acceptedGroup('b', 1, 3)]);
  assert.equal((await log.read(log.tail(), ALL)).length, last / EVENTS + 1, what);
  await log.close();
  assert.deepEqual(world.told.filter(({ kind }) => kind === 'fault'), [], what);
  assert.ok(filesOf(copy).every((name) => isSealedFile(join(copy, name))), what);
  assert.ok(!existsSync(join(copy, 'next.db')), what);
}

test('a process that dies between any two steps leaves all that it acknowledged', async (t) => {
  const one = await bench(t);
  const random = seededRandom(11);
  let steps = 0;
  while (filesOf(one.dir).length < 6) {
    await one.accept();
    await check(copyOf(one.dir), one.next - 1, `after ${one.next - 1}`);
    // Under load the steps come late, and one by one.
    for (let left = Math.floor(random.next() * 3); left > 0 && one.engine.step(); left -= 1) {
      steps += 1;
      await check(copyOf(one.dir), one.next - 1, `after ${one.next - 1} and ${steps} steps`);
      assert.equal((await one.log.read(LOG_START, ALL)).length, (one.next - 1) / EVENTS, 'what is being put to rest can be read');
    }
  }
  while (one.engine.step());
  assert.ok(steps > 10);
  assert.deepEqual(
    filesOf(one.dir).map((name) => isSealedFile(join(one.dir, name))),
    [true, true, true, true, true, false],
  );
  assert.equal(
    one.log.size().bytes,
    filesOf(one.dir).reduce(
      (sum, name) => sum + readFileSync(join(one.dir, name)).length,
      readFileSync(join(one.dir, `${filesOf(one.dir).at(-1) as string}-wal`)).length,
    ),
  );
});

test('a process that dies within a step leaves all that it acknowledged', async (t) => {
  const one = await bench(t);
  while (!existsSync(join(one.dir, 'next.db'))) {
    await one.accept();
    while (one.engine.step());
  }
  const acknowledged = one.next - 1;
  const wholeNext = readFileSync(join(one.dir, 'next.db'));
  for (const bytes of [0, 100, 4096, 8000, wholeNext.length]) {
    const copy = copyOf(one.dir, (dir) => {
      writeFileSync(join(dir, 'next.db'), wholeNext.subarray(0, bytes));
      if (bytes < wholeNext.length)
        for (const side of ['journal', 'wal']) writeFileSync(join(dir, `next.db-${side}`), wholeNext.subarray(0, bytes));
    });
    await check(copy, acknowledged, `the next file half made, ${bytes} bytes`);
  }

  // Named, and the first commit not on disk yet: its write-ahead log is not there, or cut.
  const head = readFileSync(join(one.dir, 'head'));
  for (const count = filesOf(one.dir).length; filesOf(one.dir).length === count;) await one.accept();
  assert.equal(filesOf(one.dir).length, 2);
  const name = filesOf(one.dir).at(-1) as string;
  const lastBefore = Number(name.split('-')[2]?.slice(0, -3)) - 1;
  const log = readFileSync(join(one.dir, `${name}-wal`));
  const random = seededRandom(3);
  for (const bytes of [
    -1,
    0,
    20,
    32,
    32 + 4120,
    log.length - 1,
    ...Array.from({ length: 6 }, () => Math.floor(random.next() * log.length)),
  ]) {
    const copy = copyOf(one.dir, (dir) => {
      rmSync(join(dir, `${name}-wal`));
      if (bytes >= 0) writeFileSync(join(dir, `${name}-wal`), log.subarray(0, bytes));
      // It is written after the commit.
      writeFileSync(join(dir, 'head'), head);
    });
    await check(copy, lastBefore, `the first commit cut at ${bytes}`);
  }

  // At rest but for its header.
  while (one.engine.step());
  const [full] = filesOf(one.dir) as [string];
  assert.ok(isSealedFile(join(one.dir, full)));
  await check(copyOf(one.dir, (dir) => {
    const bytes = readFileSync(join(dir, full));
    bytes.set([2, 2], 18);
    writeFileSync(join(dir, full), bytes);
  }), one.next - 1, 'the header still says WAL');
});

test('a disk that refuses the next file ahead of time is asked again when it is needed', async (t) => {
  const one = await bench(t);
  const create = t.mock.method(LogFile, 'create');
  await one.accept();
  const refuse = (code: string) =>
    create.mock.mockImplementationOnce(() => {
      throw Object.assign(new Error(code), { code, syscall: 'fsync' });
    });
  refuse('ENOSPC');
  const grow = async (files: number) => {
    while (filesOf(one.dir).length < files) {
      await one.accept();
      while (one.engine.step());
    }
  };
  await grow(2);
  assert.equal(create.mock.callCount(), 3, 'the first file, a try, and the second file');
  assert.equal(one.world.told.length, 0, 'nobody was kept waiting, so nobody hears of it');

  // Both ahead of time and when it is needed: then a third time, under another roof, at once.
  refuse('EIO');
  create.mock.mockImplementationOnce(() => {
    throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' });
  }, create.mock.callCount() + 1);
  await grow(3);
  while (!existsSync(join(one.dir, 'next.db'))) {
    await one.accept();
    while (one.engine.step());
  }
  rmSync(join(one.dir, 'next.db'));
  await grow(4);
  assert.deepEqual(
    one.world.told.flatMap((event) =>
      event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' ? `${event.code} over` : [],
    ),
    ['CV_LOG_FAILED', 'CV_LOG_FAILED over'],
  );
  await check(copyOf(one.dir), one.next - 1, 'after all');
});

test('each file is made once, ahead of time, and takes its name when it is needed', async (t) => {
  const one = await bench(t);
  const create = t.mock.method(LogFile, 'create');
  while (filesOf(one.dir).length < 4) {
    await one.accept();
    while (one.engine.step());
  }
  assert.equal(create.mock.callCount(), 4);
});

test('a slow disk is written back in larger portions: what it costs there are forced writes, not pages', async (t) => {
  const sizesOf = async (commitMs: number) => {
    let ms = 0;
    // It is asked when a commit begins, and when it is over.
    const one = await bench(t, { maxFileBytes: 4 << 20, monotonicMs: () => (ms += commitMs) });
    const sizes = new Set<number>();
    for (let commit = 0; commit < 240; commit += 1) {
      await one.accept();
      while (one.engine.step());
      sizes.add(statSync(join(one.dir, filesOf(one.dir)[0] as string)).size);
    }
    return sizes.size;
  };
  const [quick, slow] = [await sizesOf(1), await sizesOf(20)];
  assert.ok(slow >= 1 && quick >= slow + 2, `${quick} portions, ${slow} where commits take long`);
});

test('a large file goes in portions, and what a killed process left of it at the next opening', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const leaving = new GradualRemoval(dir);
  for (const name of ['a.db', 'b.db']) {
    writeFileSync(join(dir, name), '');
    truncateSync(join(dir, name), 20 << 20);
    writeFileSync(join(dir, `${name}-wal`), 'x');
    leaving.add(name);
  }
  const left = () => readdirSync(dir).toSorted().map((name) => [name, statSync(join(dir, name)).size >> 20]);
  assert.ok(leaving.removePortion());
  assert.deepEqual(left(), [['a.db.gone', 12], ['a.db.gone-wal', 0], ['b.db.gone', 20], ['b.db.gone-wal', 0]]);
  assert.ok(leaving.removePortion() && leaving.removePortion());
  assert.deepEqual(left(), [['b.db.gone', 20], ['b.db.gone-wal', 0]]);
  const next = new GradualRemoval(dir);
  assert.deepEqual([left(), next.removePortion()], [[], false]);
});

test('where nobody finds the time, full files do not pile up; one that goes before it is at rest is gone', async (t) => {
  const one = await bench(t);
  while (filesOf(one.dir).length < 6) await one.accept();
  assert.deepEqual(filesOf(one.dir).map((name) => isSealedFile(join(one.dir, name))), [true, true, true, false, false, false]);
  one.log.setConsumer('store', one.log.head(), true);
  await one.world.clock.advanceMs(2 * OPTIONS.keepMs);
  assert.equal(filesOf(one.dir).length, 1);
  assert.ok(one.log.tail().seq > 0);
  const gone = (dir: string) => readdirSync(dir).filter((name) => name.includes('.gone')).length;
  assert.ok(gone(one.dir) >= 5, 'they have lost their names, and their bytes go when there is time');
  const killed = copyOf(one.dir);
  const again = await openGatewayLog({ ...OPTIONS, dir: killed }, testWorld(), directStorage());
  assert.deepEqual([again.tail(), gone(killed)], [one.log.tail(), 0]);
  await again.close();
  while (one.engine.step());
  assert.equal(gone(one.dir), 0);
  await one.accept();
  assert.equal(readdirSync(one.dir).filter((name) => name.startsWith('log-')).length, 2, 'one file and its write-ahead log');
});
