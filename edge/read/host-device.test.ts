/** What a device is taken for, to the ms: when its points are stale, what ends that, and what is left out of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PointValue } from '../../core/driver.ts';
import { fakeDriver } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample, type DecodedItem } from '../item.ts';
import { HostDevice } from './host-device.ts';

const point = (id: string, kind: 'measurement' | 'occurrence' = 'measurement') => ({
  id,
  indicator: 'T',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind,
  own: { id },
});
const picture = { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) };

function bench(trait: 'polled' | 'listens', points = [point('level'), point('flow')]) {
  const world = testWorld();
  const { driver } = fakeDriver(world, trait);
  const setup: DeviceSetup = {
    id: 'plc',
    driver: 'fake',
    subject: 'plc',
    settings: { device: 'plc' },
    everyMs: 1000,
    timeoutMs: 500,
    points,
  };
  const items: DecodedItem[] = [];
  const device = new HostDevice({ setup, driver }, world, (given) => { items.push(...given); });
  const took = (...values: PointValue[]) => device.accept({ ok: true, values }, 'frames');
  const staleAfter = async (ms: number) => {
    await world.clock.advanceMs(ms);
    items.splice(0);
    device.tick();
    return items.filter(isSample).map(({ point: of, value, quality, flags }) => [of, value, quality, flags]);
  };
  const told = () =>
    world.told
      .splice(0)
      .flatMap((event) =>
        event.kind === 'fault'
          ? [event.fault.code]
          : event.kind === 'fault_cleared'
            ? [`cleared ${event.code}`]
            : event.kind === 'device_state'
              ? [`${event.online} ${event.reason}`]
              : [],
      );
  return { world, device, took, staleAfter, told };
}

test('a point is stale when three periods and the neighbours\' patience have passed, and is said once', async () => {
  const { device, took, staleAfter, told, world } = bench('listens');
  device.neighbourTimeoutMs = 250;
  took({ point: 'level', value: 3 }, { point: 'flow', value: 4, quality: 'bad', flags: ['sensor'] });
  assert.deepEqual(told(), ['true ok']);
  assert.deepEqual(await staleAfter(3250), []);
  // What is bad already is not said again.
  assert.deepEqual(await staleAfter(1), [['level', 3, 'uncertain', ['stale']]]);
  assert.deepEqual(
    world.told.filter(({ kind }) => kind === 'fault'),
    [{ kind: 'fault', device: 'plc', fault: { code: 'CV_DEVICE_STALE', params: { device: 'plc', ageMs: 3250 } } }],
  );
  assert.deepEqual(told(), ['CV_DEVICE_STALE', 'false CV_DEVICE_STALE']);
  assert.deepEqual(await staleAfter(10_000), []);
  took({ point: 'level', value: 5 });
  assert.deepEqual(told(), ['cleared CV_DEVICE_STALE', 'true ok']);
});

test('a device that is asked stays online while its points are stale; one point that goes on keeps one that speaks online', async () => {
  const polled = bench('polled');
  polled.took({ point: 'level', value: 3 }, { point: 'flow', value: 4 });
  polled.told();
  assert.deepEqual((await polled.staleAfter(3001)).map(([of]) => of), ['level', 'flow']);
  assert.deepEqual(polled.told(), ['CV_DEVICE_STALE']);
  const speaking = bench('listens');
  speaking.took({ point: 'level', value: 3 }, { point: 'flow', value: 4 });
  await speaking.world.clock.advanceMs(2000);
  speaking.took({ point: 'flow', value: 5 });
  speaking.told();
  assert.deepEqual((await speaking.staleAfter(1001)).map(([of]) => of), ['level']);
  assert.deepEqual([speaking.told(), speaking.device.state().online], [['CV_DEVICE_STALE'], true]);
  // Flow alone does not end it.
  speaking.took({ point: 'flow', value: 6 });
  assert.deepEqual(speaking.told(), []);
});

test('that something does not happen is no news', async () => {
  const { took, staleAfter } = bench('listens', [point('passage', 'occurrence')]);
  took({ point: 'passage', value: true });
  assert.deepEqual(await staleAfter(100_000), []);
});

test('a picture ends the staleness of a camera\'s points', async () => {
  const { device, staleAfter, told } = bench('listens');
  device.accept({ ok: true, picture }, 'frames');
  told();
  assert.equal((await staleAfter(3001)).length, 2);
  assert.deepEqual(told(), ['CV_DEVICE_STALE', 'false CV_DEVICE_STALE']);
  device.accept({ ok: true, picture }, 'frames');
  assert.deepEqual(told(), ['cleared CV_DEVICE_STALE', 'true ok']);
  assert.deepEqual([device.state().online, device.state().reason], [true, 'ok']);
});

test('polls that are left out are counted for each of its points; none are no word', () => {
  const { device, world } = bench('polled');
  device.countSkippedPolls(0);
  assert.deepEqual(world.told, []);
  device.countSkippedPolls(3);
  device.markSkipped(1234.6);
  assert.deepEqual(world.told, [
    { kind: 'samples_lost', count: 6, reason: 'device_fault', intended: false, device: 'plc' },
    { kind: 'fault', device: 'plc', fault: { code: 'CV_BUS_SKIPPED', params: { device: 'plc', waitMs: 1235, failures: 0 } } },
  ]);
});

test('a device counts as offline after two failed polls in a row, and at once without a link', () => {
  const fault = { code: 'CV_LINK_TIMEOUT', params: { address: 'plc', timeoutMs: 500 } } as const;
  const { device, took, told } = bench('polled');
  took({ point: 'level', value: 3 });
  told();
  device.pollFailed(fault, 'request 0');
  assert.deepEqual([told(), device.state().online, device.failures], [['CV_LINK_TIMEOUT'], true, 1]);
  device.pollFailed(fault, 'request 0');
  assert.deepEqual([told(), device.state().online, device.failures], [['false CV_LINK_TIMEOUT'], false, 2]);
  took({ point: 'level', value: 4 });
  assert.deepEqual([device.state().online, device.failures], [true, 0]);
  device.linkFailed({ code: 'CV_LINK_REFUSED', params: { address: 'plc', detail: '' } });
  assert.deepEqual([device.state().online, device.state().reason], [false, 'CV_LINK_REFUSED']);
});

const samplesOf = (items: DecodedItem[]) => items.splice(0).filter(isSample);

function spoken(points = [point('level'), point('flow')], reportsChanges = true) {
  const world = testWorld();
  const { driver } = fakeDriver(world, 'listens');
  const setup: DeviceSetup = {
    id: 'plc',
    driver: 'fake',
    subject: 'plc',
    settings: { device: 'plc' },
    everyMs: 1000,
    timeoutMs: 500,
    points,
  };
  const items: DecodedItem[] = [];
  const device = new HostDevice({ setup, driver: { ...driver, reportsChanges } }, world, (given) => { items.push(...given); });
  return { world, device, items };
}

test('a sign of life says again what still holds, once in three quarters of a period; what happened once, is over or bad is not said again', async () => {
  const { world, device, items } = spoken([point('level'), point('passage', 'occurrence'), point('mean'), point('flow')]);
  const window = { fromAt: 0, toAt: 1, count: 2 };
  device.accept(
    {
      ok: true,
      values: [
        { point: 'level', value: 3 },
        { point: 'passage', value: true },
        { point: 'mean', value: 4, window },
        { point: 'flow', value: null, quality: 'bad', flags: ['sensor'] },
      ],
    },
    'frames',
  );
  items.splice(0);
  const alive = () => {
    device.accept({ ok: true, values: [] }, 'frames');
    return samplesOf(items).map(({ point: of, value, observedAt }) => [of, value, observedAt - world.clock.nowMs()]);
  };
  await world.clock.advanceMs(749);
  assert.deepEqual(alive(), []);
  await world.clock.advanceMs(1);
  assert.deepEqual(alive(), [['level', 3, 0]]);
  assert.deepEqual(alive(), [], 'it was said just now');
});

test('a picture is a sign of life: its time is the newest, its device online, its points are not stale', async () => {
  const { world, device, items } = spoken();
  await world.clock.advanceMs(2500);
  const at = world.clock.nowMs();
  device.accept({ ok: true, picture: { ...picture, takenAt: at - 40 } }, 'frames', undefined, at);
  assert.deepEqual([device.state().lastAt, device.state().online], [at, true]);
  assert.deepEqual(
    items.map((item) => 'picture' in item && [item.at, item.observedAt, item.points]),
    [[at - 40, at, { level: { unit: 'm' }, flow: { unit: 'm' } }]],
  );
  await world.clock.advanceMs(2000);
  device.tick();
  assert.deepEqual([items.length, world.told.some(({ kind }) => kind === 'fault')], [1, false]);
});

test('what was lost marks its own points bad by its flag, and is the last word only where the device is gone for good', () => {
  const { world, device, items } = spoken();
  device.markLost({ code: 'CV_LINK_TIMEOUT', params: {} }, 'request 0', ['level', 'other'], 5);
  assert.deepEqual(
    samplesOf(items).map((sample) => [sample.point, sample.value, sample.quality, sample.flags, sample.observedAt, 'isLast' in sample]),
    [['level', null, 'bad', ['comm'], 5, false]],
  );
  device.markLost({ code: 'CV_LINK_TIMEOUT', params: {} }, 'request 1', ['other']);
  assert.deepEqual(
    world.told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false, device: 'plc' }],
  );
  device.linkFailed({ code: 'CV_LINK_CLOSED', params: {} });
  assert.deepEqual(samplesOf(items).map((sample) => [sample.point, sample.isLast]), [['level', undefined], ['flow', undefined]]);
});

test('history says nothing about now: it neither ends staleness nor is said again', async () => {
  const { world, device, items } = spoken([point('level')], false);
  device.accept({ ok: true, values: [{ point: 'level', value: 3 }] }, 'frames');
  await world.clock.advanceMs(3001);
  device.tick();
  device.accept({ ok: true, values: [{ point: 'level', value: 9, origin: 'backfill', deviceAt: 7 }] }, 'frames');
  assert.deepEqual(
    samplesOf(items).map(({ value, origin, at, clock }) => [value, origin, at === 7, clock]),
    [
      [3, 'live', false, 'edge'],
      [3, 'live', false, 'edge'],
      [9, 'backfill', true, 'device'],
    ],
  );
  assert.equal(
    world.told.some((event) => event.kind === 'fault_cleared'),
    false,
  );
});
