/** An edge's log on a machine whose clock nobody has set: over several boots, with its memory and without. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { BootClock, SavedClockTimes } from './boot.ts';
import { TEST_CENTRE, testDraft } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { failingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { EARLIEST_CLOCK_MS } from './boot-history.ts';
import { openEdgeLog } from './edge-log.ts';
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
