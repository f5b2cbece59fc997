/** A disk without room: what gives way, in which order, and how it ends. The disk is a stand-in; the rig log-damage has a real one. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Stream } from '../core/event.ts';
import { bulkyDraft, TEST_CENTRE, testDraft, testWarning } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { acceptedGroup } from './testing/gateway-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import { StorageEngine } from './storage-engine.ts';
import { isSealedFile } from './database-file.ts';
import { openGatewayLog } from './gateway-log.ts';
import { StorageError, type DiskReport, type LogStorage } from './storage.ts';
import { directStorage } from './worker-storage.ts';

/** A disk that holds so many bytes of log files; the ballast comes and goes by what is free. */
function smallDisk(dir: string, capacity: { bytes: number }): LogStorage {
  const real = directStorage();
  const freeBytes = () => capacity.bytes - readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  const report = (): DiskReport => ({
    freeBytes: Math.max(0, freeBytes()),
    ballast: freeBytes() > 400_000,
    wantedBytes: freeBytes() > 400_000 ? 0 : 400_000,
  });
  const full = () => new StorageError({ code: 13, detail: 'database or disk is full', needsNewFile: false, locked: false });
  return {
    ...real,
    async commit(request) {
      if (freeBytes() < 20_000) throw full();
      return { ...(await real.commit(request)), disk: report() };
    },
    async remove(request) {
      await real.remove(request);
      return report();
    },
    disk: () => Promise.resolve(report()),
  };
}

test('the least important give way first, each loss named; warnings stay; it is over when there is room', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const capacity = { bytes: 3_200_000 };
  const log = await openEdgeLog(
    { dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0 },
    world,
    smallDisk(dir, capacity),
  );
  try {
    const random = seededRandom(2);
    const kept: Record<string, number> = { diagnostic: 0, measurement: 0, state: 0, warning: 0 };
    for (let round = 0; round < 120; round += 1) {
      const drafts = (['diagnostic', 'measurement', 'state'] as const).flatMap((kind) => [
        bulkyDraft(round * 10, 3000, () => random.next(), kind),
        bulkyDraft(round * 10 + 1, 3000, () => random.next(), kind),
      ]);
      const done = log.append([...drafts, testWarning(round * 10 + 2)]);
      await world.clock.advanceMs(1000);
      await done;
      for (const stream of ['diagnostic', 'measurement', 'state']) kept[stream] = (kept[stream] ?? 0) + 2;
      kept.warning = (kept.warning ?? 0) + 1;
    }
    const lost: Record<string, number> = {};
    for (const stream of Object.keys(kept) as Stream[]) {
      const events = await readAll(log, stream);
      const there = events.filter(({ gap }) => !gap).length;
      lost[stream] = events.reduce((sum, { gap }) => sum + (gap?.count ?? 0), 0);
      assert.equal(there + lost[stream], kept[stream], stream);
    }
    assert.equal(lost.warning, 0);
    assert.equal(lost.state, 0);
    assert.ok((lost.diagnostic ?? 0) > 100 && (lost.measurement ?? 0) > 0, JSON.stringify(lost));
    const told = () =>
      world.told.flatMap((event) =>
        event.kind === 'fault' ? [event.fault.code] : event.kind === 'fault_cleared' ? [`${event.code} over`] : [],
      );
    assert.equal(told().at(-1), 'CV_LOG_DISK_FULL');
    const before = told().length;
    capacity.bytes = 10_000_000;
    await log.append([testDraft(1, { kind: 'state' })]);
    await world.clock.advanceMs(1);
    assert.deepEqual(told().slice(before), ['CV_LOG_DISK_FULL over']);
  } finally {
    capacity.bytes = 10_000_000;
    await log.close();
    await remove();
  }
});

test('a disk that stays full whatever is let go is not given the whole log', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const real = directStorage();
  let full = false;
  const log = await openEdgeLog(
    { dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0 },
    world,
    {
      ...real,
      commit: (request) =>
        full ? Promise.reject(new StorageError({ code: 13, detail: 'full', needsNewFile: false, locked: false })) : real.commit(request),
    },
  );
  try {
    const random = seededRandom(2);
    for (let group = 0; group < 200; group += 1) await log.append([bulkyDraft(group, 5000, () => random.next(), 'state')]);
    const files = () => readdirSync(dir).filter((name) => name.startsWith('state-')).length;
    const before = files();
    assert.ok(before > 10);
    full = true;
    for (let index = 0; index < 50; index += 1)
      await assert.rejects(log.append([testDraft(index, { kind: 'state' })]), { name: 'CV_LOG_DISK_FULL' });
    assert.ok(before - files() <= 4, `${before - files()} files went`);
    full = false;
    await log.append([testDraft(1, { kind: 'state' })]);
    const events = await readAll(log, 'state');
    const lost = events.reduce((sum, { gap }) => sum + (gap?.count ?? 0), 0);
    assert.equal(events.filter(({ gap }) => !gap).length + lost, 201);
    assert.ok(lost > 0);
  } finally {
    full = false;
    await log.close();
    await remove();
  }
});

test('a disk that stays short although it takes what comes is not given the whole log for room either', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const real = directStorage();
  let isShort = false;
  const report = (disk: DiskReport): DiskReport => (isShort ? { freeBytes: 0, ballast: false, wantedBytes: 1 << 20 } : disk);
  const log = await openEdgeLog(
    { dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0 },
    world,
    {
      ...real,
      async commit(request) {
        const reply = await real.commit(request);
        return { ...reply, disk: report(reply.disk) };
      },
      remove: async (request) => report(await real.remove(request)),
      disk: async () => report(await real.disk()),
    },
  );
  try {
    const random = seededRandom(2);
    for (let group = 0; group < 200; group += 1) await log.append([bulkyDraft(group, 5000, () => random.next(), 'state')]);
    const before = readdirSync(dir).filter((name) => /^state-.*\.db$/.test(name));
    assert.ok(before.length > 6);
    const gone = () => before.filter((name) => !existsSync(join(dir, name))).length;
    isShort = true;
    for (let index = 0; index < 20; index += 1) await log.append([testDraft(index, { kind: 'state' })]);
    assert.equal(gone(), 1, 'it is tried, and made no room');
    await world.clock.advanceMs(60_000);
    for (let index = 0; index < 20; index += 1) await log.append([testDraft(index, { kind: 'state' })]);
    assert.equal(gone(), 2, 'and again after a minute');
  } finally {
    await log.close();
    await remove();
  }
});

test('an opening on a full disk gives up the ballast, and brings to rest what a killed process left', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const open = (name: string) =>
    openEdgeLog(
      { dir: join(dir, name), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, ballastBytes: 100_000 },
      testWorld(),
      directStorage(),
    );
  const first = await open('log');
  await first.append([testDraft(1, { kind: 'state' })]);
  cpSync(join(dir, 'log'), join(dir, 'dead'), { recursive: true });
  await first.close();
  const name = readdirSync(join(dir, 'dead')).find((one) => /^state-.*\.db$/.test(one)) ?? '';
  const file = join(dir, 'dead', name);
  const ballast = join(dir, 'dead', 'ballast');
  assert.deepEqual([isSealedFile(file), existsSync(ballast)], [false, true]);
  const { exec } = DatabaseSync.prototype;
  let refused = 0;
  t.mock.method(DatabaseSync.prototype, 'exec', function run(this: DatabaseSync, sql: string) {
    if (sql.includes('journal_mode=DELETE') && existsSync(ballast)) {
      refused += 1;
      throw Object.assign(new Error('database or disk is full'), {
        code: 'ERR_SQLITE_ERROR',
        errcode: 13,
        errstr: 'database or disk is full',
      });
    }
    exec.call(this, sql);
  });
  const log = await open('dead');
  assert.deepEqual([refused, isSealedFile(file)], [1, true]);
  assert.deepEqual(
    (await readAll(log, 'state')).map(({ value }) => value),
    [1],
  );
  await log.close();
});

test('a gateway lets go of what all have passed whatever its age, never of what a required consumer has not', async () => {
  const { dir, remove } = await memoryDir();
  const capacity = { bytes: 900_000 };
  const log = await openGatewayLog(
    { dir, gateway: 'town-1', maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0, keepMs: 3600_000 },
    testWorld(),
    smallDisk(dir, capacity),
  );
  try {
    let next = 1;
    const accept = async () => {
      await log.accept([acceptedGroup('a', next, 60)]);
      next += 60;
    };
    log.setConsumer('rules', { epoch: 0, seq: 0 }, true);
    await assert.rejects(
      async () => {
        for (;;) await accept();
      },
      { name: 'CV_LOG_DISK_FULL' },
    );
    assert.equal(log.tail().seq, 0);
    const held = next;
    log.setConsumer('rules', log.head(), true);
    await accept();
    assert.ok(log.tail().seq > 0 && log.tail().seq < held);
    assert.deepEqual(log.mark('a', 'measurement', 7), { upTo: next - 1, have: [] });
  } finally {
    capacity.bytes = 10_000_000;
    await log.close();
    await remove();
  }
});

test('a gateway whose disk is full all of a sudden lets go of what all have passed, and keeps what came', async () => {
  const { dir, remove } = await memoryDir();
  const real = directStorage();
  const log = await openGatewayLog(
    { dir, gateway: 'town-1', maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0, keepMs: 3600_000 },
    testWorld(),
    {
      ...real,
      commit(request) {
        const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
        // What is let go is written down on any disk.
        return bytes > 600_000 && request.groups.length > 0
          ? Promise.reject(new StorageError({ code: 13, detail: 'full', needsNewFile: false, locked: false }))
          : real.commit(request);
      },
    },
  );
  try {
    for (let next = 1; next < 60_000; next += 60) {
      await log.accept([acceptedGroup('a', next, 60)]);
      log.setConsumer('rules', log.head(), true);
    }
    assert.ok(log.tail().seq > 0);
  } finally {
    await log.close();
    await remove();
  }
});

test('a ballast that could not be made is tried again a hundred commits later', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  // Nothing can be made behind it, and it goes with the first try.
  symlinkSync(join(dir, 'nowhere', 'ballast'), join(dir, 'ballast'));
  const engine = new StorageEngine();
  const { disk } = engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, ballastBytes: 100_000, nowMs: 1 });
  t.after(() => engine.close());
  assert.deepEqual([disk.ballast, disk.wantedBytes], [false, 200_000]);
  let reports = 1;
  while (!engine.disk().ballast && reports < 1000) reports += 1;
  assert.equal(reports, 101);
});

test('the ballast is made where there is room, is full of data, and the next opening keeps it', async () => {
  const { dir, remove } = await memoryDir();
  const open = () => openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 32 << 20 }, testWorld(), directStorage());
  await (await open()).close();
  const first = statSync(join(dir, 'ballast'));
  assert.equal(first.size, (32 << 20) / 64);
  assert.ok(first.blocks * 512 >= first.size, 'no hole');
  await (await open()).close();
  assert.equal(statSync(join(dir, 'ballast')).mtimeMs, first.mtimeMs);
  await remove();
});
