import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { CommittedGroup } from '../../log/types.ts';
import { openMemoryEdgeLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { LOG_START } from '../../log/types.ts';
import { keep } from './keep.ts';

const draft = (value: number): Draft => ({
  device: 'plc',
  point: 'level',
  indicator: 'A-1',
  centre: '500112001',
  kind: 'measurement',
  value,
  unit: 'm',
  occurredAt: value,
  clock: 'edge',
  observedAt: value,
  quality: 'good',
  origin: 'live',
});

async function start(maxWaiting = 10) {
  const world = testWorld();
  const log = await openMemoryEdgeLog({ edge: 'e', centre: '500112001' }, world);
  const disk = { broken: false, held: null as Promise<void> | null };
  const append = log.append.bind(log);
  log.append = async (drafts) => {
    await disk.held;
    if (disk.broken) throw new FaultError('CV_LOG_FAILED', { detail: 'no space' });
    await append(drafts);
  };
  const station = keep(log, '500112001', world, { maxWaiting });
  const kept: CommittedGroup[] = [];
  await station.open?.((groups) => { kept.push(...groups); });
  const put = (...values: number[]) => station.take?.(values.map(draft), () => {});
  const events = async () =>
    (await log.read('measurement', LOG_START, { maxGroups: 99, maxBytes: 1e9 })).flatMap((group) => decodeBatch(group.payload).events);
  const onDisk = async () => (await events()).flatMap((event) => (event.gap ? [] : [event.value]));
  const gaps = async () => (await events()).flatMap((event) => (event.gap ? [event.gap] : []));
  const lost = () => world.told.reduce((sum, event) => sum + (event.kind === 'samples_lost' ? event.count : 0), 0);
  return { world, disk, station, kept, put, onDisk, gaps, lost, tick: () => station.tick?.(0, () => {}) };
}

test('what is on disk is handed on', async () => {
  const { put, kept, station } = await start();
  put(1, 2);
  await station.close?.();
  assert.deepEqual(kept.flatMap((group) => group.drafts.map((one) => one.value)), [1, 2]);
});

test('a log that cannot write is tried again, in order, and what does not fit meanwhile is counted', async () => {
  const { world, disk, station, put, onDisk, gaps, lost, tick } = await start(6);
  disk.broken = true;
  put(1, 2);
  put(3);
  await settle();
  put(4, 6);
  await world.clock.advanceMs(1000);
  tick();
  await settle();
  assert.deepEqual([await onDisk(), lost(), station.isKeeping()], [[], 0, false]);
  disk.broken = false;
  put(5, 7);
  await settle();
  assert.deepEqual(await onDisk(), [], 'nothing passes what waits');
  await world.clock.advanceMs(1000);
  tick();
  await settle();
  assert.equal(station.isKeeping(), true);
  put(8);
  await station.close?.();
  assert.deepEqual([await onDisk(), lost()], [[1, 2, 3, 4, 6, 5, 8], 1]);
  assert.equal(
    world.told.reduce((sum, event) => sum + (event.kind === 'events_kept' ? event.count : 0), 0),
    8,
  );
  assert.deepEqual(
    (await gaps()).map(({ count, fromSeq, fromAt, toAt, reason }) => ({ count, fromSeq, fromAt, toAt, reason })),
    [{ count: 1, fromSeq: 0, fromAt: 7, toAt: 7, reason: 'log_failed' }],
  );
});

test('closing waits for what the log still has in hand', async () => {
  const { disk, station, put, onDisk } = await start();
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.held = promise;
  put(1);
  let closed = false;
  const closing = Promise.resolve(station.close?.()).then(() => { closed = true; });
  await settle();
  assert.equal(closed, false);
  resolve();
  await closing;
  assert.deepEqual(await onDisk(), [1]);
});

test('closing over a broken log tries once more, then counts what ends with the program', async () => {
  const { disk, station, put, lost, world } = await start();
  disk.broken = true;
  put(1, 2, 3);
  await settle();
  await station.close?.();
  assert.equal(lost(), 3);
  assert.ok(world.told.some((event) => event.kind === 'samples_lost' && event.reason === 'shutdown'));
});
