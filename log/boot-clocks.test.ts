/** An edge's log on a machine whose clock nobody has set: over several boots, with its memory and without. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { BootClock, SavedClockTimes } from './boot.ts';
import { TEST_CENTRE, testDraft } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { failingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import type { Draft, Event } from '../core/event.ts';
import { BootClocks } from './boot-clocks.ts';
import { EARLIEST_CLOCK_MS, formatBootHistory, type BootRecord } from './boot-history.ts';
import { writeClockFile } from './clock-file.ts';
import { openEdgeLog } from './edge-log.ts';
import { logFileName } from './file-name.ts';
import { StorageError, type LogStorage } from './storage.ts';
import { directStorage } from './worker-storage.ts';

const HOUR = 3_600_000;
const UNSET = EARLIEST_CLOCK_MS;
const eventAt = (time: number, clock: 'unsynced' | 'edge' = 'unsynced') => ({ clock, occurredAt: time, observedAt: time });

async function bench(t: TestContext) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const world = testWorld();
  const boot = async (id: string, assumedAt = UNSET) => {
    const recalled: SavedClockTimes[] = [];
    const clock: BootClock = { boot: { id, uptimeMs: () => 0 }, assumedAt, begin: (found) => { recalled.push(found); } };
    const log = await openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, clock }, world, directStorage());
    return {
      log, recalled: recalled[0] as SavedClockTimes,
      async write(value: number, more: ReturnType<typeof eventAt>) {
        const written = log.append([testDraft(value, more)]);
        await world.clock.advanceMs(1000);
        await written;
      },
      times: async () => (await readAll(log, 'measurement')).map(({ value, occurredAt, clock: by }) => [value, occurredAt, by]),
    };
  };
  return { dir, boot };
}

test('a clock that is known moves what this boot wrote, and bounds what the boots before it wrote', async (t) => {
  const { boot } = await bench(t);
  const first = await boot('a');
  assert.deepEqual(first.recalled, { newestAt: EARLIEST_CLOCK_MS, assumedAt: null, trueAt: null });
  await first.write(1, eventAt(UNSET + 1000));
  await first.write(2, eventAt(UNSET + HOUR));
  await first.log.close();

  const second = await boot('b', UNSET + HOUR);
  assert.deepEqual(second.recalled, { newestAt: UNSET + HOUR, assumedAt: null, trueAt: null });
  await second.write(3, eventAt(UNSET + HOUR + 5));
  assert.deepEqual(await second.times(), [[1, UNSET + 1000, 'unsynced'], [2, UNSET + HOUR, 'unsynced'], [3, UNSET + HOUR + 5, 'unsynced']]);
  const trueAt = UNSET + 100 * HOUR;
  assert.deepEqual(second.log.correctClock(trueAt).map(({ id, decided }) => [id, decided?.shiftMs]), [['a', 0], ['b', 99 * HOUR]]);
  assert.deepEqual(second.log.correctClock(trueAt + HOUR), [], 'once');
  await second.log.saveClockCorrection();
  // What is written after it needs no moving, and what was still in hand does.
  await second.write(4, eventAt(trueAt + 10, 'edge'));
  await second.write(5, eventAt(UNSET + HOUR + 7));
  const after = [
    [1, UNSET + 1000, 'unsynced'],
    [2, UNSET + HOUR, 'unsynced'],
    [3, trueAt + 5, 'edge'],
    [4, trueAt + 10, 'edge'],
    [5, trueAt + 7, 'edge'],
  ];
  assert.deepEqual(await second.times(), after);
  await second.log.close();

  const again = await boot('b', UNSET + HOUR);
  assert.deepEqual(again.recalled, { newestAt: trueAt + 7, assumedAt: UNSET + HOUR, trueAt });
  assert.deepEqual(await again.times(), after);
  await again.log.close();
});

test('a memory that is lost is put together from the rows: what they say of their boot', async (t) => {
  const { dir, boot } = await bench(t);
  const first = await boot('a');
  await first.write(1, eventAt(UNSET + 2000));
  await first.log.close();
  rmSync(join(dir, 'clock'));
  const again = await boot('a');
  assert.deepEqual(again.recalled, { newestAt: UNSET + 2000, assumedAt: UNSET, trueAt: null });
  assert.deepEqual(again.log.correctClock(UNSET + HOUR).map(({ id, decided }) => [id, decided?.shiftMs]), [['a', HOUR]]);
  assert.deepEqual(await again.times(), [[1, UNSET + HOUR + 2000, 'edge']]);
  await again.log.close();
});

test('where every time was known there is no file, and the clock begins after the newest of them', async (t) => {
  const { dir, boot } = await bench(t);
  const first = await boot('a');
  await first.write(1, eventAt(UNSET + 9 * HOUR, 'edge'));
  assert.deepEqual(first.log.correctClock(UNSET), []);
  await first.log.saveClockCorrection();
  await first.log.close();
  assert.equal(existsSync(join(dir, 'clock')), false);
  const second = await boot('b');
  assert.equal(second.recalled.newestAt, UNSET + 9 * HOUR);
  await second.log.close();
});

test('a boot that ran on after its last word on disk is taken to have lasted as long as its rows say', async (t) => {
  const { boot } = await bench(t);
  const first = await boot('a');
  await first.write(1, eventAt(UNSET));
  await first.write(2, eventAt(UNSET + 3 * HOUR));
  await first.log.close();
  const second = await boot('b');
  await second.write(3, eventAt(UNSET));
  // It lasted three hours, so it began at least so long before this one.
  assert.deepEqual(second.log.correctClock(UNSET + 2 * HOUR).map(({ id, toMs }) => [id, toMs]), [['a', 3 * HOUR], ['b', 0]]);
  await second.log.close();
});

test('an opening that came to know the time, and ended before that was saved, lasted to its newest unsynced row', async (t) => {
  const { dir, boot } = await bench(t);
  const first = await boot('a');
  for (const value of [1, 2, 3]) await first.write(value, eventAt(UNSET + value * HOUR));
  first.log.correctClock(UNSET + 50 * HOUR);
  for (const value of [4, 5, 6, 7, 8]) await first.write(value, eventAt(UNSET + 60 * HOUR, 'edge'));
  await first.log.close();
  const second = await boot('b');
  assert.deepEqual(second.log.correctClock(UNSET + 100 * HOUR).map(({ id, toMs }) => [id, toMs]), [['a', 3 * HOUR]]);
  await second.log.close();

  rmSync(join(dir, 'clock'));
  const third = await boot('c');
  assert.deepEqual(third.log.correctClock(UNSET + 100 * HOUR).map(({ id, toMs }) => [id, toMs]), [['a', 3 * HOUR]]);
  await third.log.close();
});

test('no other write puts a correction on disk before what names it is there', async (t) => {
  const { dir, boot } = await bench(t);
  const first = await boot('a');
  await first.write(1, eventAt(UNSET + HOUR));
  await first.log.close();
  const second = await boot('b');
  const decided = async () => {
    const { boots } = JSON.parse(await readClock(dir)) as { boots: BootRecord[] };
    return boots.map(({ id, decided: correction }) => [id, correction !== null]);
  };
  second.log.correctClock(UNSET + 100 * HOUR);
  await second.write(2, eventAt(UNSET + 5));
  assert.deepEqual(await decided(), [['a', false], ['b', true]], 'what was read before the time was known, written after');
  await second.log.saveClockCorrection();
  assert.deepEqual(await decided(), [['a', true], ['b', true]]);
  await second.log.close();
});

test('what says that a time stays unknown is on disk before the decision is, and a disk that refuses it holds up nothing', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const clock: BootClock = { boot: { id: 'a', uptimeMs: () => 0 }, assumedAt: UNSET, begin: () => {} };
  const disk = failingStorage(directStorage());
  const log = await openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, clock }, testWorld(), disk);
  t.after(() => log.close());
  await log.append([testDraft(1, { kind: 'state', ...eventAt(UNSET + 1000) })]);
  log.correctClock(UNSET + HOUR);
  const order: string[] = [];
  const said = (value: number) =>
    log.append([testDraft(value, { kind: 'diagnostic' })]).then(
      () => order.push('named'),
      () => order.push('refused'),
    );
  // Nothing moves the clock on: a group of this stream would wait for others to come.
  const first = said(2);
  await log.saveClockCorrection();
  assert.deepEqual([...order.splice(0), existsSync(join(dir, 'clock'))], ['named', true]);
  await first;
  disk.failWith = 1034;
  const second = said(3);
  await log.saveClockCorrection();
  await second;
  assert.deepEqual(order, ['refused']);
  disk.failWith = null;
});

interface Written {
  epoch: number;
  seq: number;
  drafts: Draft[];
  boot?: { id: string; startMs: number };
}

/** A log of which the newest groups of some openings are these, and what was remembered of its boots. */
async function loaded(
  t: TestContext,
  written: Written[],
  remembered: BootRecord[] | null,
  { present = 'z', error = null as Error | null } = {},
) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  if (remembered) await writeClockFile(dir, formatBootHistory({ believedAt: UNSET, boots: remembered }));
  const begun: SavedClockTimes[] = [];
  const asked: number[] = [];
  const storage = {
    read({ parts: [part], maxGroups }) {
      if (error) return Promise.reject(error);
      asked.push(maxGroups);
      const own = written.filter(({ epoch, seq, drafts }) => epoch === part?.epoch && seq + drafts.length - 1 === part.to);
      const groups = own.map((one) => ({
        epoch: one.epoch, seq: one.seq, count: one.drafts.length,
        payload: encodeBatch(
          { from: 'e1', stream: 'state', epoch: one.epoch, seq: one.seq, ...(one.boot && { boot: one.boot }) },
          one.drafts,
        ),
      }));
      return Promise.resolve({ groups, missing: [], complete: true, salvages: [] });
    },
  } as Pick<LogStorage, 'read'> as LogStorage;
  const files = written.map(({ epoch, seq, drafts }) =>
    ({ ...logFileName('state', epoch, 1), last: seq + drafts.length - 1, lastAt: 0, bytes: 1, damaged: false }));
  const boots = await BootClocks.load(
    {
      epoch: 99, previousEpoch: 0, maxFileBytes: 1, disk: { freeBytes: 1, ballast: true, wantedBytes: 0 },
      chains: { state: { files, state: null, stateFile: null, trimmed: null, stateDamaged: false, head: null, salvages: [] } },
    },
    {
      edge: 'e1', dir, storage,
      clock: { boot: { id: present, uptimeMs: () => 0 }, assumedAt: UNSET, begin: (times) => { begun.push(times); } },
    },
  );
  return { boots, begun: begun[0] as SavedClockTimes, dir, asked };
}

const stateAt = (time: number, clock: 'unsynced' | 'edge' = 'unsynced') => testDraft(1, { kind: 'state', ...eventAt(time, clock) });
const bootOf = (id: string, epoch: number, more: Partial<BootRecord> = {}): BootRecord =>
  ({ id, epochs: [epoch], assumedAt: UNSET, toMs: 0, decided: null, ...more });
const exact = (shiftMs: number, laterMs = 0) => ({ decided: { shiftMs, earlierMs: 0, laterMs, inEpoch: 99 } });

test('the clock begins after the newest time that was shown, moved where its boot is known', async (t) => {
  const newest = async (...args: [Written[], BootRecord[] | null]) => (await loaded(t, ...args)).begun.newestAt - UNSET;
  const row = (time: number, clock?: 'edge') => [{ epoch: 3, seq: 1, drafts: [stateAt(UNSET + time, clock)] }];
  assert.equal(await newest([], null), 0);
  assert.equal(await newest(row(HOUR), null), HOUR);
  assert.equal(await newest(row(HOUR, 'edge'), [bootOf('a', 3, exact(5 * HOUR))]), HOUR);
  assert.equal(await newest(row(HOUR), [bootOf('a', 3, exact(5 * HOUR))]), 6 * HOUR);
  assert.equal(await newest([{ epoch: 3, seq: 4, drafts: [stateAt(UNSET + HOUR), stateAt(UNSET)] }], []), HOUR);
});

test('boots before are bounded by the newest time that is sure: by a clock that was set, or a boot that is known', async (t) => {
  // What of a boot that began after it is known later shows what was believed: it began no earlier.
  const believed = async (drafts: Draft[], of: BootRecord[]) => {
    const { boots, dir } = await loaded(t, [{ epoch: 3, seq: 1, drafts }], of);
    await boots.recordUnsynced('state', 1, [stateAt(UNSET)]);
    return (JSON.parse(await readClock(dir)) as { believedAt: number }).believedAt - UNSET;
  };
  const first = [stateAt(UNSET + HOUR)];
  assert.equal(await believed([stateAt(UNSET + HOUR, 'edge')], []), HOUR);
  assert.equal(await believed(first, [bootOf('a', 3, exact(5 * HOUR))]), 6 * HOUR);
  assert.equal(await believed(first, [bootOf('a', 3, exact(5 * HOUR, 2000))]), 0, 'it is only bounded');
  assert.equal(await believed(first, [bootOf('a', 3)]), 0);
  assert.equal(await believed([stateAt(UNSET + HOUR, 'edge')], [bootOf('a', 3)]), 0, 'it predates the first that is open');
});

async function readClock(dir: string): Promise<string> {
  return (await readFile(join(dir, 'clock'), 'utf8')).split('\n')[1] as string;
}

test('a boot that is open lasted as long as its newest row says, of those that go by its clock', async (t) => {
  const lasted = async (drafts: Draft[], of: BootRecord) => {
    const { boots, asked } = await loaded(t, [{ epoch: 3, seq: 1, drafts }], [of]);
    assert.ok(asked.every((maxGroups) => maxGroups === 1));
    return boots.correct(UNSET + 100 * HOUR).find(({ id }) => id === 'a')?.toMs;
  };
  assert.equal(await lasted([stateAt(UNSET + HOUR), stateAt(UNSET + 9 * HOUR, 'edge')], bootOf('a', 3)), HOUR);
  assert.equal(await lasted([stateAt(UNSET + HOUR)], bootOf('a', 3, { toMs: 2 * HOUR })), 2 * HOUR);
  assert.equal(await lasted([stateAt(UNSET + HOUR)], bootOf('a', 3, { assumedAt: UNSET + HOUR })), 0);
  assert.equal(await lasted([], bootOf('a', 3)), 0);
});

test('what is put together from rows goes by openings in their order, and by rows that name their boot', async (t) => {
  const boot = (id: string, startMs: number) => ({ boot: { id, startMs } });
  const { boots } = await loaded(t, [
    { epoch: 10, seq: 1, drafts: [stateAt(UNSET + 900)], ...boot('b', 100) },
    { epoch: 9, seq: 1, drafts: [stateAt(UNSET + 50, 'edge'), stateAt(UNSET + 700)], ...boot('a', 200) },
    { epoch: 8, seq: 1, drafts: [stateAt(UNSET + 5)] },
    { epoch: 7, seq: 1, drafts: [stateAt(UNSET + 5, 'edge')], ...boot('c', 1) },
    { epoch: 11, seq: 1, drafts: [stateAt(UNSET + 950)], ...boot('b', 150) },
  ], null);
  assert.deepEqual(boots.correct(UNSET + 100 * HOUR).map(({ id, epochs, assumedAt }) => [id, epochs, assumedAt - UNSET]), [
    ['a', [9], 500], ['b', [10, 11], 800],
  ]);
});

test('rows that cannot be read are none, and a mistake is no disk', async (t) => {
  const row = [{ epoch: 3, seq: 1, drafts: [stateAt(UNSET + HOUR)] }];
  const failure = new StorageError({ code: 10, detail: '', needsNewFile: true, locked: false });
  assert.equal((await loaded(t, row, null, { error: failure })).begun.newestAt, UNSET);
  await assert.rejects(loaded(t, row, null, { error: new TypeError('a mistake') }), TypeError);
});

test('a clock that goes on is told what was assumed, and what is true if that is known', async (t) => {
  const begun = async (of: BootRecord[]) => (await loaded(t, [{ epoch: 3, seq: 1, drafts: [stateAt(UNSET)] }], of, { present: 'a' })).begun;
  assert.deepEqual(await begun([]), { newestAt: UNSET, assumedAt: null, trueAt: null });
  assert.deepEqual(await begun([bootOf('a', 3, { assumedAt: UNSET + 7 })]), { newestAt: UNSET, assumedAt: UNSET + 7, trueAt: null });
  assert.deepEqual(await begun([bootOf('a', 3, { assumedAt: UNSET + 7, ...exact(50) })]), {
    newestAt: UNSET + 50, assumedAt: UNSET + 7, trueAt: UNSET + 57,
  });
});

test('an event is dated by what is known of its boot, and only where it went by that clock', async (t) => {
  const { boots } = await loaded(t, [{ epoch: 3, seq: 1, drafts: [stateAt(UNSET)] }], [bootOf('a', 3, exact(50))]);
  const at = (epoch: number, clock: 'unsynced' | 'edge') => boots.timeOf({ ...stateAt(UNSET, clock), epoch } as unknown as Event) - UNSET;
  assert.deepEqual([at(3, 'unsynced'), at(3, 'edge'), at(4, 'unsynced')], [50, 0, 0]);
});

test('of its own opening what an unset clock wrote is moved, up to the last such event, also when it is known by then', async (t) => {
  const { boots, dir } = await loaded(t, [], []);
  assert.deepEqual(boots.correct(UNSET + HOUR), []);
  await boots.recordUnsynced('state', 5, [stateAt(UNSET), stateAt(UNSET), stateAt(UNSET, 'edge')]);
  const { boots: [record] } = JSON.parse(await readClock(dir)) as { boots: BootRecord[] };
  assert.deepEqual(record, bootOf('z', 99, exact(HOUR)));
  const moved = (seq: number, stream: 'state' | 'warning' = 'state') => {
    const group = { epoch: 99, seq, count: 1, payload: encodeBatch({ from: 'e1', stream, epoch: 99, seq }, [stateAt(UNSET)]) };
    return boots.restamp(stream, group) !== group;
  };
  assert.deepEqual([moved(5), moved(6), moved(7), moved(1, 'warning')], [true, true, false, false]);
});
