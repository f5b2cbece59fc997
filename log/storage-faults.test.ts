/** Disks that are slow, full or broken; folders in use, copied or rewound. */
import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bulkyDraft, TEST_CENTRE, testDraft, testDrafts, testWarning } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { failingStorage, type FailingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { settle as turns, testWorld } from '../core/testing/virtual-clock.ts';
import { openEdgeLog } from './edge-log.ts';
import { listLogFiles } from './log-folder.ts';
import type { EdgeLog, CommittedGroup } from './types.ts';
import { directStorage, workerStorage } from './worker-storage.ts';

const OPTIONS = { edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 };
type World = ReturnType<typeof testWorld>;

interface Bench {
  log: EdgeLog;
  world: World;
  disk: FailingStorage;
  dir: string;
  open(dir?: string, world?: World): Promise<EdgeLog>;
}

async function withLog(run: (bench: Bench) => Promise<void>): Promise<void> {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const disk = failingStorage(directStorage());
  const log = await openEdgeLog({ ...OPTIONS, dir: join(dir, 'log') }, world, disk);
  try {
    await run({
      log,
      world,
      disk,
      dir,
      open: (place = join(dir, 'log'), other = world) => openEdgeLog({ ...OPTIONS, dir: place }, other, directStorage()),
    });
  } finally {
    disk.failWith = null;
    disk.beforeCommit = null;
    await log.close();
    await remove();
  }
}

const faults = (world: World) => world.told.flatMap((told) => (told.kind === 'fault' ? told.fault : []));
const valuesOf = async (log: EdgeLog, stream: 'state' | 'measurement' | 'warning') =>
  (await readAll(log, stream)).map(({ value }) => value);

for (const [what, code, fault] of [
  ['full', 13, 'CV_LOG_DISK_FULL'],
  ['broken', 1034, 'CV_LOG_FAILED'],
  ['read-only', 3850, 'CV_LOG_READ_ONLY'],
  ['vanished', 14, 'CV_LOG_READ_ONLY'],
] as const) {
  test(`a ${what} disk gives the producer a fault and takes no number; work goes on when the disk does`, () =>
    withLog(async ({ log, world, disk }) => {
      await log.append([testDraft(1, { kind: 'state' })]);
      disk.failWith = code;
      await assert.rejects(log.append([testDraft(2, { kind: 'state' })]), { name: fault });
      await assert.rejects(log.append([testDraft(3, { kind: 'state' })]), { name: fault });
      assert.deepEqual(faults(world).map((told) => told.code), [fault], 'said once');
      disk.failWith = null;
      await log.append([testDraft(4, { kind: 'state' })]);
      assert.deepEqual((await readAll(log, 'state')).map(({ seq, value }) => [seq, value]), [[1, 1], [2, 4]]);
      assert.ok(world.told.some((told) => told.kind === 'fault_cleared' && told.code === fault));
    }));
}

test('a call that is on disk in part is finished when the disk is well, never rejected', () =>
  withLog(async ({ log, world, disk }) => {
    const mixed = log.append([testWarning(1), ...testDrafts(1, 3)]);
    let outcome = 'open';
    mixed.then(() => { outcome = 'kept'; }, () => { outcome = 'rejected'; });
    await turns();
    assert.deepEqual(await valuesOf(log, 'warning'), [1]);
    disk.failWith = 13;
    await world.clock.advanceMs(5000);
    assert.equal(outcome, 'open');
    disk.failWith = null;
    await world.clock.advanceMs(2000);
    assert.equal(outcome, 'kept');
    assert.deepEqual(await valuesOf(log, 'measurement'), [1, 2, 3]);
  }));

test('a call of which nothing is on disk is rejected whole: none of it turns up later', () =>
  withLog(async ({ log, world, disk }) => {
    disk.failWith = 13;
    await assert.rejects(log.append([testWarning(1), ...testDrafts(1, 3)]), { name: 'CV_LOG_DISK_FULL' });
    disk.failWith = null;
    const later = log.append(testDrafts(9, 1));
    await world.clock.advanceMs(2000);
    await later;
    assert.deepEqual([await valuesOf(log, 'warning'), await valuesOf(log, 'measurement')], [[], [9]]);
  }));

test('what comes while a commit is under way shares the next one, in order', () =>
  withLog(async ({ log, disk }) => {
    let release = () => {};
    disk.beforeCommit = () => new Promise((resolve) => { release = resolve; });
    const first = log.append([testDraft(1, { kind: 'state' })]);
    await turns();
    const rest = Array.from({ length: 30 }, (_, index) => log.append([testDraft(index + 2, { kind: 'state' })]));
    await turns();
    assert.equal(disk.commits, 1);
    disk.beforeCommit = null;
    release();
    await Promise.all([first, ...rest]);
    assert.equal(disk.commits, 2);
    assert.deepEqual(await valuesOf(log, 'state'), Array.from({ length: 31 }, (_, index) => index + 1));
  }));

test('an append is answered after its commit, not before', () =>
  withLog(async ({ log, disk }) => {
    let release = () => {};
    disk.beforeCommit = () => new Promise((resolve) => { release = resolve; });
    let done = false;
    const append = log.append([testDraft(1, { kind: 'state' })]).then(() => { done = true; });
    const heard: CommittedGroup[] = [];
    log.onCommitted((kept) => heard.push(kept));
    await turns();
    assert.deepEqual([done, heard.length, log.size('state').events], [false, 0, 0]);
    release();
    await append;
    assert.deepEqual([done, heard.length, log.size('state').events], [true, 1, 1]);
  }));

test('groups of measurements close after 250 ms, after a second while they are small, at once when full', () =>
  withLog(async ({ log, world, disk }) => {
    const start = async (drafts: number) => {
      const before = disk.commits;
      const append = log.append(testDrafts(1, drafts));
      await world.clock.advanceMs(1);
      return { after: async (ms: number) => { await world.clock.advanceMs(ms); return disk.commits - before; }, append };
    };
    const small = await start(20);
    assert.equal(await small.after(900), 0);
    assert.equal(await small.after(100), 1);
    await small.append;
    const middling = await start(60);
    assert.equal(await middling.after(200), 0);
    assert.equal(await middling.after(50), 1);
    await middling.append;
    const full = await start(500);
    assert.equal(await full.after(1), 1);
    await full.append;
    const growing = await start(30);
    assert.equal(await growing.after(400), 0);
    const more = log.append(testDrafts(1, 30));
    assert.equal(await growing.after(1), 1, 'it has its fifty after more than 250 ms');
    await Promise.all([growing.append, more]);
  }));

test('what comes in one turn shares a commit, also beyond a full group', () =>
  withLog(async ({ log, disk }) => {
    const appends: Promise<void>[] = [];
    for (let device = 0; device < 10; device += 1) {
      appends.push(log.append(testDrafts(device * 100, 100)));
      await Promise.resolve();
    }
    await Promise.all(appends);
    assert.equal(disk.commits, 1);
    assert.deepEqual(await valuesOf(log, 'measurement'), Array.from({ length: 1000 }, (_, index) => index));
  }));

test('closing commits what waits, and answers it', () =>
  withLog(async ({ log, open }) => {
    const waiting = log.append(testDrafts(1, 3));
    await log.close();
    await waiting;
    const again = await open();
    assert.deepEqual(await valuesOf(again, 'measurement'), [1, 2, 3]);
    await again.close();
  }));

test('a draft that cannot be encoded is lost alone, named, and counted; what came with it is kept', () =>
  withLog(async ({ log, world }) => {
    const state = (value: number) => testDraft(value, { kind: 'state' });
    const poison = testDraft(2, { kind: 'state', value: 2n as unknown as number });
    await Promise.all([log.append([state(1)]), log.append([state(2), poison, state(3)]), log.append([state(4)])]);
    const events = await readAll(log, 'state');
    assert.deepEqual(
      events.flatMap(({ value, gap }) => (gap ? [] : [value])),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      events.flatMap(({ gap }) => (gap ? [[gap.reason, gap.count]] : [])),
      [['unwritable', 1]],
    );
    assert.deepEqual(
      world.told.flatMap((event) =>
        event.kind === 'fault'
          ? [[event.fault.code, event.fault.params['device']]]
          : event.kind === 'samples_lost'
            ? [[event.reason, event.count]]
            : [],
      ),
      [
        ['CV_DRIVER_FAILED', poison.device],
        ['unwritable', 1],
      ],
    );
  }));

test('a second process is refused, and told the folder', () =>
  withLog(async ({ dir }) => {
    const held = openEdgeLog({ ...OPTIONS, dir: join(dir, 'held') }, testWorld(), workerStorage());
    const first = await held;
    await first.append([testDraft(1, { kind: 'state' })]);
    // Reading the live folder as a backup would must not open the door.
    await readFile(join(dir, 'held', 'head'));
    await assert.rejects(
      openEdgeLog({ ...OPTIONS, dir: join(dir, 'held') }, testWorld(), workerStorage()),
      (error: Error & { fault: { params: { dir: string } } }) =>
        error.name === 'CV_LOG_LOCKED' && error.fault.params.dir === join(dir, 'held'),
    );
    await first.close();
    const next = await openEdgeLog({ ...OPTIONS, dir: join(dir, 'held') }, testWorld(), workerStorage());
    await next.close();
  }));

test('a folder that cannot be used is said with its reason', async () => {
  const { dir, remove } = await memoryDir();
  await assert.rejects(openEdgeLog({ ...OPTIONS, dir: join('/proc', 'version', 'log') }, testWorld(), directStorage()), {
    name: 'CV_LOG_UNUSABLE',
  });
  await (await openEdgeLog({ ...OPTIONS, dir }, testWorld(), directStorage())).close();
  await remove();
});

test('a restored copy of the folder never reuses a number, even while the clock stands still', () =>
  withLog(async ({ log, dir, open }) => {
    await log.append([testDraft(1, { kind: 'state' })]);
    await log.close();
    await cp(join(dir, 'log'), join(dir, 'backup'), { recursive: true });
    const names = new Set<string>([`${log.epoch}:1`]);
    const use = async (place: string) => {
      const one = await open(place, testWorld());
      await one.append([testDraft(7, { kind: 'state' })]);
      for (const { epoch, seq } of await readAll(one, 'state'))
        if (epoch === one.epoch) {
          assert.ok(!names.has(`${epoch}:${seq}`));
          names.add(`${epoch}:${seq}`);
        }
      await one.close();
    };
    for (let round = 0; round < 3; round += 1) {
      await use(join(dir, 'log'));
      await cp(join(dir, 'backup'), join(dir, `restored-${round}`), { recursive: true });
      await use(join(dir, `restored-${round}`));
    }
    assert.equal(names.size, 7);
  }));

test('a mark beyond what is there is rewound: what the gateway lacks of it is named lost', () =>
  withLog(async ({ log, world, open }) => {
    await log.append(testDrafts(1, 5, { kind: 'state' }));
    await log.close();
    const next = await open();
    try {
      await next.settle('state', log.epoch, {
        upTo: 3,
        have: [
          [7, 8],
          [12, 12],
        ],
      });
      assert.deepEqual(
        faults(world).map(({ code, params }) => [code, params.epoch, params.fromSeq, params.toSeq]),
        [['CV_LOG_REWOUND', log.epoch, 6, 12]],
      );
      const gaps = (await readAll(next, 'state')).flatMap(({ gap }) =>
        gap ? [[gap.epoch, gap.fromSeq, gap.toSeq, gap.count, gap.reason]] : [],
      );
      assert.deepEqual(gaps, [
        [log.epoch, 6, 6, 1, 'log_rewound'],
        [log.epoch, 9, 11, 3, 'log_rewound'],
      ]);
      assert.deepEqual(
        next.unsettled('state').filter(({ epoch }) => epoch === log.epoch),
        [{ epoch: log.epoch, from: 4, to: 5 }],
      );
      await next.settle('state', log.epoch, { upTo: 12, have: [] });
      await next.settle('state', log.epoch - 1000, { upTo: 12, have: [] });
      assert.equal(faults(world).length, 1, 'an older mark, and one of an epoch long drained, are nothing new');
      await next.settle('state', next.epoch - 1, { upTo: 4, have: [] });
      assert.deepEqual(
        faults(world)
          .slice(1)
          .map(({ params }) => [params.epoch, params.fromSeq, params.toSeq]),
        [[next.epoch - 1, 1, 4]],
        'an epoch this folder never had',
      );
      const before = JSON.stringify(next.unsettled('state'));
      await next.settle('state', next.epoch + 9, { upTo: 4, have: [] });
      await next.settle('state', next.epoch + 9, { upTo: 4, have: [] });
      assert.equal(faults(world).length, 3, 'an epoch to come is told once');
      assert.equal(JSON.stringify(next.unsettled('state')), before);
    } finally {
      await next.close();
    }
  }));

test('an event that cannot be read can be set aside all the same: that is told, and only its time is unknown', () =>
  withLog(async ({ log, world, disk }) => {
    const done = log.append(testDrafts(1, 1));
    await world.clock.advanceMs(2000);
    await done;
    const { read } = disk;
    disk.read = async (request) => {
      const reply = await read(request);
      return { ...reply, groups: reply.groups.map((group) => ({ ...group, payload: Uint8Array.of(0x7b) })) };
    };
    const aside = log.setAside('measurement', log.epoch, 1, 'CV_WIRE_NOT_JSON');
    await world.clock.advanceMs(2000);
    await aside;
    assert.ok(world.told.some((told) => told.kind === 'fault' && told.fault.code === 'CV_WIRE_NOT_JSON' && told.edge === 'pump-07'));
    disk.read = read;
    const nowMs = world.clock.nowMs();
    const { gap } = (await readAll(log, 'measurement')).at(-1) ?? {};
    assert.deepEqual([gap?.fromSeq, gap?.toSeq, gap?.reason, nowMs - (gap?.fromAt ?? 0) <= 2000], [1, 1, 'refused', true]);
  }));

test('files of which all is settled that cannot be removed are told of, and go with the next commit', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const disk = failingStorage(directStorage());
  const log = await openEdgeLog({ ...OPTIONS, dir: join(dir, 'log'), maxBytes: 4 << 20, maxFileBytes: 64 << 10 }, world, disk);
  const append = async (value: number) => {
    const done = log.append(Array.from({ length: 20 }, (_, index) => bulkyDraft(value + index, 4000, () => world.random.next())));
    await world.clock.advanceMs(1000);
    await done;
  };
  for (let turn = 0; turn < 12; turn += 1) await append(turn * 20);
  const removing = disk.remove;
  disk.remove = () => Promise.reject(Object.assign(new Error('EIO: i/o error, unlink'), { code: 'EIO' }));
  await log.settle('measurement', log.epoch, { upTo: 240, have: [] });
  await append(300);
  await world.clock.advanceMs(60_000);
  assert.deepEqual([...new Set(faults(world).map(({ code }) => code))], ['CV_LOG_FAILED']);
  const files = () => listLogFiles(join(dir, 'log')).filter(({ chain }) => chain === 'measurement').length;
  const before = files();
  disk.remove = removing;
  await append(400);
  await log.settle('measurement', log.epoch, { upTo: 261, have: [] });
  await world.clock.advanceMs(60_000);
  await append(500);
  assert.ok(before > 4 && files() <= 3, `${files()} of ${before} files`);
  await log.close();
  await remove();
});
