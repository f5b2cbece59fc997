/** Values that a device had and that never come: from the driver's word to the gap record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventProblem } from '../../core/event-check.ts';
import { streamOf, type Draft } from '../../core/event.ts';
import { fakeDriver } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample } from '../item.ts';
import { qualify } from '../qualify/qualify.ts';
import { reduce } from '../reduce/reduce.ts';
import { read } from './read.ts';

const FROM = Date.UTC(2026, 0, 1);
const missed = { point: 'level', fromAt: FROM, toAt: FROM + 5000, count: 4, reason: 'device_overflow' as const };

test('what a driver says is missing is counted by its reason and goes up as a gap record of its point', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens', () => ({ ok: true, values: [{ point: 'level', value: 3 }], missed: [missed] }));
  bus.speaks = async (take) => take('frame');
  const setup: DeviceSetup = {
    id: 'plc',
    driver: 'fake',
    subject: 'pump-07',
    settings: {},
    everyMs: 1000,
    timeoutMs: 2000,
    points: [
      {
        id: 'level',
        indicator: 'YJ-FLD-001',
        unit: 'm',
        scale: 1,
        offset: 0,
        faultCodes: [],
        limits: [],
        deadband: 1,
        kind: 'measurement',
        own: { id: 'level' },
      },
    ],
  };
  const drafts: Draft[] = [];
  const qualifying = qualify({ centre: '500112001', devices: [setup] }, { polled: () => false }, world);
  const reducing = reduce({ devices: [setup] }, {}, world);
  const host = read([{ setup, driver }], world);
  void host.open?.((items) => qualifying.take?.(items.filter(isSample), (made) => reducing.take?.(made, (sent) => drafts.push(...sent))));
  await world.clock.advanceMs(100);
  const [gap, value] = drafts as [Draft, Draft];
  assert.deepEqual(gap.gap, {
    stream: 'measurement',
    epoch: 0,
    fromSeq: 0,
    toSeq: 0,
    fromAt: FROM,
    toAt: FROM + 5000,
    count: 4,
    reason: 'device_overflow',
  });
  assert.deepEqual(
    [gap.device, gap.point, gap.indicator, gap.kind, gap.value, streamOf(gap)],
    ['plc', 'level', 'YJ-FLD-001', 'gap', 4, 'measurement'],
  );
  assert.equal(eventProblem({ ...gap, edge: 'e', stream: 'measurement', epoch: 1, seq: 1 }), null);
  assert.equal(value.value, 3, 'and the value that came with it comes after');
  assert.deepEqual(world.told.filter(({ kind }) => kind === 'samples_lost').slice(0, 1), [
    { kind: 'samples_lost', count: 4, reason: 'device_overflow', intended: false, device: 'plc' },
  ]);
  const closed = host.close?.();
  await world.clock.advanceMs(1000);
  await closed;
});
