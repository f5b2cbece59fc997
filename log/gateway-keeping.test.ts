/** A gateway's log over time: marks that outlive everything, files that go and files that must not. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { acceptedGroup } from './testing/gateway-log-contract.ts';
import { failingStorage, type FailingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { decodeBatch } from '../core/wire/batch.ts';
import { openGatewayLog } from './gateway-log.ts';
import { SenderMarks } from './sender-marks.ts';
import { compareCursors, LOG_START, type GatewayLog, type GatewayLogOptions } from './types.ts';
import { directStorage } from './worker-storage.ts';

const ALL = { maxGroups: 10_000, maxBytes: 1 << 30 };
const HOUR_MS = 3600_000;
const SMALL = { maxBytes: 1 << 20, maxFileBytes: 64 << 10 };

type World = ReturnType<typeof testWorld>;
interface Bench {
  log: GatewayLog;
  world: World;
  disk: FailingStorage;
  dir: string;
  reopen(world?: World): Promise<GatewayLog>;
}

async function withLog(options: Partial<GatewayLogOptions>, run: (bench: Bench) => Promise<void>): Promise<void> {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const disk = failingStorage(directStorage());
  const open = (other: World, storage = directStorage()) =>
    openGatewayLog({ dir, gateway: 'town-1', maxBytes: 64 << 20, keepMs: HOUR_MS, ...options }, other, storage);
  const log = await open(world, disk);
  try {
    await run({ log, world, disk, dir, reopen: (other = world) => open(other) });
  } finally {
    disk.failWith = null;
    await log.close();
    await remove();
  }
}

/** Groups of 60 events, each about 1 KB, of one sender; numbers go on from `from`. */
async function fill(log: GatewayLog, world: World, from: number, groups: number): Promise<number> {
  for (let index = 0; index < groups; index += 10) {
    await log.accept(
      Array.from({ length: Math.min(10, groups - index) }, (_, step) =>
        acceptedGroup('a', from + (index + step) * 60, 60, 7, world.clock.nowMs()),
      ),
    );
  }
  return from + groups * 60;
}

const lost = (world: World) =>
  world.told.flatMap((told) => (told.kind === 'samples_lost' ? [[told.reason, told.count, told.intended, told.stream]] : []));
const faults = (world: World) => world.told.flatMap((told) => (told.kind === 'fault' ? [told.fault.code] : []));

test('marks outlive restart, kill and roll, each with the groups it belongs to', () =>
  withLog(SMALL, async ({ log, dir, world, reopen }) => {
    let next = await fill(log, world, 1, 60);
    await log.accept(
      [acceptedGroup('b', 5, 3), acceptedGroup('a', next + 10, 5)],
      [{ sender: 'c', stream: 'state', epoch: 2, from: 1, to: 9 }],
    );
    const marks = () => [log.mark('a', 'measurement', 7), log.mark('b', 'measurement', 7), log.mark('c', 'state', 2)];
    const expected = marks();
    assert.deepEqual(expected, [{ upTo: next - 1, have: [[next + 10, next + 14]] }, { upTo: 0, have: [[5, 7]] }, { upTo: 9, have: [] }]);
    assert.ok((await readdir(dir)).filter((name) => name.startsWith('log-') && name.endsWith('.db')).length > 1, 'it rolled');
    // As if killed here: the folder as it lies, write-ahead log and all.
    const dead = join(dir, 'dead');
    await mkdir(dead);
    for (const name of await readdir(dir)) if (name !== 'dead') await copyFile(join(dir, name), join(dead, name));
    const killed = await openGatewayLog({ dir: dead, gateway: 'town-1', ...SMALL, keepMs: HOUR_MS }, testWorld(), directStorage());
    assert.deepEqual([killed.mark('a', 'measurement', 7), killed.mark('b', 'measurement', 7), killed.mark('c', 'state', 2)], expected);
    assert.deepEqual(
      (await killed.read(LOG_START, ALL)).map(({ origin }) => origin),
      (await log.read(LOG_START, ALL)).map(({ origin }) => origin),
    );
    await killed.close();
    await log.close();
    const again = await reopen();
    assert.deepEqual([again.mark('a', 'measurement', 7), again.mark('b', 'measurement', 7), again.mark('c', 'state', 2)], expected);
    assert.deepEqual(compareCursors(again.head(), { epoch: log.epoch, seq: next + 7 }), 0);
    next = await fill(again, world, next, 1);
    assert.deepEqual(again.head(), { epoch: again.epoch, seq: 60 });
    await again.close();
  }));

test('files go by age when every consumer has passed them, and the tail moves with them', () =>
  withLog(SMALL, async ({ log, world }) => {
    await fill(log, world, 1, 300);
    const middle = { epoch: log.epoch, seq: 9000 };
    log.setConsumer('store', middle, true);
    log.setConsumer('sink', log.head(), false);
    await world.clock.advanceMs(2 * HOUR_MS);
    const tail = log.tail();
    assert.ok(tail.seq > 0 && tail.seq <= middle.seq, `tail at ${tail.seq}`);
    const groups = await log.read(LOG_START, ALL);
    assert.equal(groups[0]?.seq, tail.seq + 1);
    assert.equal((await log.read(tail, { maxGroups: 1, maxBytes: 1 }))[0]?.seq, tail.seq + 1);
    log.setConsumer('store', log.head(), true);
    await world.clock.advanceMs(2 * HOUR_MS);
    assert.ok(log.tail().seq > middle.seq);
    assert.equal(log.mark('a', 'measurement', 7).upTo, 18_000, 'marks stay when groups go');
    assert.deepEqual(faults(world), []);
  }));

test('a file is let go when its newest group is older than what is kept, not when it is as old', () =>
  withLog(SMALL, async ({ log, world }) => {
    await fill(log, world, 1, 300);
    log.setConsumer('store', log.head(), true);
    await world.clock.advanceMs(HOUR_MS);
    assert.equal(log.tail().seq, 0);
    await world.clock.advanceMs(60_000);
    assert.ok(log.tail().seq > 0);
  }));

test('a tail outlives a restart', () =>
  withLog(SMALL, async ({ log, world, reopen }) => {
    await fill(log, world, 1, 60);
    await world.clock.advanceMs(2 * HOUR_MS);
    const tail = log.tail();
    assert.ok(tail.seq > 0);
    await log.close();
    const again = await reopen();
    assert.deepEqual(again.tail(), tail);
    assert.equal(again.countTrimmed({ epoch: log.epoch, seq: 2 }, { epoch: again.epoch, seq: 5 }), tail.seq - 2 + 5);
    assert.deepEqual(again.head(), { epoch: log.epoch, seq: 3600 });
    await again.close();
  }));

test('full of what a required consumer has not taken, it refuses; when that moves on, it takes again', () =>
  withLog(SMALL, async ({ log, world, dir }) => {
    log.setConsumer('rules', LOG_START, true);
    let next = 1;
    await assert.rejects(
      async () => {
        for (;;) next = await fill(log, world, next, 10);
      },
      (error: Error & { fault: { params: { holder: string } } }) => error.name === 'CV_LOG_FULL' && error.fault.params.holder === 'rules',
    );
    const bytes = async () =>
      (await Promise.all((await readdir(dir)).map((name) => stat(join(dir, name))))).reduce((sum, { size }) => sum + size, 0);
    assert.ok((await bytes()) <= SMALL.maxBytes + SMALL.maxFileBytes);
    assert.equal(log.tail().seq, 0);
    await log.accept([], [{ sender: 'a', stream: 'measurement', epoch: 7, from: next, to: next }]);
    log.setConsumer('rules', log.head(), true);
    for (let round = 0; round < 30; round += 1) {
      next = await fill(log, world, next + 1, 10);
      log.setConsumer('rules', log.head(), true);
    }
    assert.ok(log.tail().seq > 0);
    assert.ok((await bytes()) <= SMALL.maxBytes + SMALL.maxFileBytes);
    assert.deepEqual(faults(world), []);
  }));

test('an optional sink is overrun, and told by how much', () =>
  withLog(SMALL, async ({ log, world }) => {
    log.setConsumer('influx', LOG_START, false);
    let next = 1;
    for (let round = 0; round < 180; round += 1) {
      next = await fill(log, world, next, 10);
      log.setConsumer('store', log.head(), true);
    }
    const told = world.told.reduce(
      (sum, event) => sum + (event.kind === 'fault' && event.fault.code === 'CV_LOG_OVERRUN' ? Number(event.fault.params.count) : 0),
      0,
    );
    assert.ok(told > 0);
    assert.deepEqual([told, log.countTrimmed(LOG_START, log.tail())], [log.tail().seq, log.tail().seq]);
  }));

test('a failing disk refuses and marks nothing; the next try is taken', () =>
  withLog({}, async ({ log, world, disk }) => {
    disk.failWith = 13;
    await assert.rejects(log.accept([acceptedGroup('a', 1, 5)]), { name: 'CV_LOG_DISK_FULL' });
    assert.deepEqual([log.mark('a', 'measurement', 7), log.head()], [{ upTo: 0, have: [] }, LOG_START]);
    disk.failWith = null;
    assert.deepEqual(await log.accept([acceptedGroup('a', 1, 5)]), [{ epoch: log.epoch, seq: 1 }]);
    assert.deepEqual(faults(world), ['CV_LOG_DISK_FULL']);
  }));

test('many calls share a commit, in their order', () =>
  withLog({}, async ({ log, disk }) => {
    const places = await Promise.all(Array.from({ length: 50 }, (_, index) => log.accept([acceptedGroup(`edge-${index}`, 1, 2)])));
    assert.equal(disk.commits, 1);
    assert.deepEqual(places.flat().map(({ seq }) => seq), Array.from({ length: 50 }, (_, index) => 1 + index * 2));
  }));

test('damage is stepped over, named, and told to consumers by a gap event of the gateway itself', () =>
  withLog({}, async ({ log, dir, world, reopen }) => {
    await fill(log, world, 1, 30);
    await log.close();
    const name = (await readdir(dir)).find((one) => one.startsWith('log-')) ?? '';
    const size = (await stat(join(dir, name))).size;
    const file = await open(join(dir, name), 'r+');
    await file.write(Buffer.alloc(300, 0x55), 0, 300, Math.floor(size / 2 / 4096) * 4096 + 2000);
    await file.close();
    const again = await reopen();
    const groups = await again.read(LOG_START, ALL);
    await again.accept([]);
    const gaps = (await again.read({ epoch: again.epoch, seq: 0 }, ALL)).flatMap(({ payload }) =>
      decodeBatch(payload).events.map(({ gap, edge }) => ({ edge, gap })),
    );
    assert.ok(
      gaps.length > 0 && gaps.every(({ edge, gap }) => edge === 'town-1' && gap?.reason === 'log_damaged' && gap.epoch === log.epoch),
    );
    const missing = gaps.reduce((sum, { gap }) => sum + (gap?.count ?? 0), 0);
    assert.equal(groups.filter(({ epoch }) => epoch === log.epoch).reduce((sum, { count }) => sum + count, 0) + missing, 1800);
    for (const { payload, origin } of groups) if (origin?.sender === 'a') assert.equal(decodeBatch(payload).events[0]?.seq, origin.seq);
    assert.deepEqual([faults(world)[0], faults(world).includes('CV_LOG_DAMAGED')], ['CV_LOG_SALVAGED', true]);
    assert.deepEqual(lost(world), gaps.map(({ gap }) => ['log_damaged', gap?.count, false, undefined]));
    await again.close();
  }));

test('a head or a consumer beyond the end is rewound, with the range', () =>
  withLog({}, async ({ log, dir, world, reopen }) => {
    await fill(log, world, 1, 5);
    await log.close();
    const name = (await readdir(dir)).find((one) => one.startsWith('log-')) ?? '';
    await rm(join(dir, name));
    const again = await reopen();
    again.setConsumer('store', { epoch: log.epoch, seq: 250 }, true);
    again.setConsumer('store', { epoch: log.epoch, seq: 250 }, true);
    again.setConsumer('ahead', { epoch: again.epoch + 5, seq: 3 }, true);
    const rewound = world.told.flatMap((told) =>
      told.kind === 'fault' && told.fault.code === 'CV_LOG_REWOUND' ? [told.fault.params] : [],
    );
    assert.deepEqual(
      rewound.map(({ epoch, fromSeq, toSeq }) => [epoch, fromSeq, toSeq]),
      [
        [log.epoch, 1, 300],
        [again.epoch + 5, 1, 3],
      ],
    );
    assert.deepEqual(lost(world), [['log_rewound', 300, false, undefined]], 'counted where it was in the log, and once');
    await again.accept([]);
    assert.deepEqual(
      (await again.read(LOG_START, ALL)).flatMap(({ payload }) => decodeBatch(payload).events.map(({ gap }) => gap?.count)),
      [300],
    );
    assert.deepEqual(again.mark('town-1', 'diagnostic', again.epoch), { upTo: 1, have: [] }, 'its own batches are numbered like any other');
    await again.close();
  }));

test('one number that the head file knows, and a log of which all before it was let go has not, is named', () =>
  withLog(SMALL, async ({ log, dir, world, disk }) => {
    const { commit } = disk;
    let bytes = 0;
    disk.commit = async (request) => {
      const reply = await commit(request);
      bytes = reply.bytes[request.file.name] ?? 0;
      return reply;
    };
    let next = await fill(log, world, 1, 60);
    while (bytes < SMALL.maxFileBytes) next = await fill(log, world, next, 1);
    // The newest file is full: the note of what is let go begins the next one, and is all it holds.
    await world.clock.advanceMs(2 * HOUR_MS);
    assert.deepEqual(log.tail(), { epoch: log.epoch, seq: next - 1 });
    const copy = join(dir, 'copy');
    await mkdir(copy);
    for (const name of await readdir(dir)) if (name !== 'copy') await copyFile(join(dir, name), join(copy, name));
    const [place] = await log.accept([acceptedGroup('a', next, 1)]);
    await copyFile(join(dir, 'head'), join(copy, 'head'));
    const other = testWorld();
    const again = await openGatewayLog({ dir: copy, gateway: 'town-1', keepMs: HOUR_MS, ...SMALL }, other, directStorage());
    assert.deepEqual(other.told.flatMap((told) => (told.kind === 'fault' ? [[told.fault.code, told.fault.params]] : [])), [
      ['CV_LOG_REWOUND', { witness: 'its own head file', stream: 'log', epoch: log.epoch, fromSeq: place?.seq, toSeq: place?.seq }],
    ]);
    assert.deepEqual(lost(other), [['log_rewound', 1, false, undefined]]);
    await again.close();
  }));

test('marks say the same after being written and read, and drained epochs are forgotten after 90 days', () => {
  const settled = fc.record({
    sender: fc.constantFrom('a', 'b'),
    stream: fc.constantFrom('state' as const, 'warning' as const),
    epoch: fc.integer({ min: 1, max: 3 }),
    from: fc.integer({ min: 1, max: 30 }),
    length: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(settled, { maxLength: 40 }), (list) => {
      const marks = new SenderMarks();
      for (const { length, ...one } of list) marks.settle({ ...one, to: one.from + length }, 5);
      const back = SenderMarks.parse(marks.format());
      for (const { sender, stream, epoch } of list) assert.deepEqual(back.mark(sender, stream, epoch), marks.mark(sender, stream, epoch));
    }),
  );
  const marks = new SenderMarks();
  for (const epoch of [1, 2, 3]) marks.settle({ sender: 'a', stream: 'state', epoch, from: epoch === 2 ? 2 : 1, to: 9 }, epoch);
  marks.pruneDrained(91 * 24 * HOUR_MS);
  assert.deepEqual(
    [1, 2, 3].map((epoch) => marks.mark('a', 'state', epoch)),
    [
      { upTo: 0, have: [] },
      { upTo: 0, have: [[2, 9]] },
      { upTo: 9, have: [] },
    ],
    'holes and the newest epoch stay',
  );
});

test('a consumer that is ahead of the log is told with the numbers that it alone has', () =>
  withLog({}, async ({ log, world }) => {
    await fill(log, world, 1, 5);
    log.setConsumer('store', { epoch: log.epoch, seq: 303 }, true);
    assert.deepEqual(
      world.told.flatMap((told) => (told.kind === 'fault' && told.fault.code === 'CV_LOG_REWOUND' ? [told.fault.params] : [])),
      [{ witness: 'store', stream: 'log', epoch: log.epoch, fromSeq: 301, toSeq: 303 }],
    );
  }));

test('for a minute after its opening nothing is too old, however long the machine has been up', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  try {
    const open = () => openGatewayLog({ dir, gateway: 'town-1', keepMs: HOUR_MS, ...SMALL }, world, directStorage());
    const first = await open();
    await fill(first, world, 1, 100);
    await first.close();
    await world.clock.advanceMs(5 * HOUR_MS);
    const log = await open();
    log.setConsumer('store', log.head(), true);
    await world.clock.advanceMs(50_000);
    assert.deepEqual(log.tail(), LOG_START);
    await world.clock.advanceMs(HOUR_MS);
    assert.equal(log.tail().seq > 0, true);
    await log.close();
  } finally {
    await remove();
  }
});

test('marks that cannot be read are told: what was taken since may be taken for new', async () => {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const storage = directStorage();
  const log = await openGatewayLog({ dir, gateway: 'town-1', maxBytes: 64 << 20, keepMs: HOUR_MS }, world, {
    ...storage,
    async open(request) {
      const report = await storage.open(request);
      return {
        ...report,
        chains: Object.fromEntries(Object.entries(report.chains).map(([name, chain]) => [name, { ...chain, stateDamaged: true }])),
      };
    },
  });
  assert.deepEqual(
    world.told.flatMap((told) => (told.kind === 'fault' ? [[told.fault.code, told.fault.params]] : [])),
    [
      [
        'CV_LOG_DAMAGED',
        { file: 'marks', epoch: 0, fromSeq: 0, toSeq: 0, detail: 'batches since the last readable file may be accepted again' },
      ],
    ],
  );
  await log.close();
  await remove();
});
