/** What a device is taken for, to the ms: when its points are stale, what ends that, and what is left out of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PointValue } from '../../core/driver.ts';
import { fakeDriver } from '../../core/testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample, type DecodedItem } from '../stations/item.ts';
import { HostDevice } from './device.ts';

const point = (id: string, kind: 'measurement' | 'occurrence' = 'measurement') => ({ id, indicator: 'T', unit: 'm', scale: 1, offset: 0, faultCodes: [], limits: [], kind, own: { id } });
const picture = { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) };

function bench(trait: 'polled' | 'listens', points = [point('level'), point('flow')]) {
  const world = testWorld();
  const { driver } = fakeDriver(world, trait);
  const setup: DeviceSetup = { id: 'plc', driver: 'fake', subject: 'plc', settings: { device: 'plc' }, everyMs: 1000, timeoutMs: 500, points };
  const items: DecodedItem[] = [];
  const device = new HostDevice({ setup, driver }, world, (given) => { items.push(...given); });
  const took = (...values: PointValue[]) => device.took({ ok: true, values }, 'frames');
  const staleAfter = async (ms: number) => {
    await world.clock.advanceMs(ms);
    items.splice(0);
    device.tick();
    return items.filter(isSample).map(({ point: of, value, quality, flags }) => [of, value, quality, flags]);
  };
  const told = () => world.told.splice(0).flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : event.kind === 'fault_cleared' ? [`cleared ${event.code}`] : event.kind === 'device_state' ? [`${event.online} ${event.reason}`] : []));
  return { world, device, took, staleAfter, told };
}

test('a point is stale when three periods and the neighbours\' patience have passed, and is said once', async () => {
  const { device, took, staleAfter, told, world } = bench('listens');
  device.waitsForOthersMs = 250;
  took({ point: 'level', value: 3 }, { point: 'flow', value: 4, quality: 'bad', flags: ['sensor'] });
  assert.deepEqual(told(), ['true ok']);
  assert.deepEqual(await staleAfter(3250), []);
  // What is bad already is not said again.
  assert.deepEqual(await staleAfter(1), [['level', 3, 'uncertain', ['stale']]]);
  assert.deepEqual(world.told.filter(({ kind }) => kind === 'fault'), [{ kind: 'fault', device: 'plc', fault: { code: 'CV_DEVICE_STALE', params: { device: 'plc', ageMs: 3250 } } }]);
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
  device.took({ ok: true, picture }, 'frames');
  told();
  assert.equal((await staleAfter(3001)).length, 2);
  assert.deepEqual(told(), ['CV_DEVICE_STALE', 'false CV_DEVICE_STALE']);
  device.took({ ok: true, picture }, 'frames');
  assert.deepEqual(told(), ['cleared CV_DEVICE_STALE', 'true ok']);
  assert.deepEqual([device.state().online, device.state().reason], [true, 'ok']);
});

test('polls that are left out are counted for each of its points; none are no word', () => {
  const { device, world } = bench('polled');
  device.leftOut(0);
  assert.deepEqual(world.told, []);
  device.leftOut(3);
  device.skipped(1234.6);
  assert.deepEqual(world.told, [{ kind: 'samples_lost', count: 6, reason: 'device_fault', intended: false, device: 'plc' }, { kind: 'fault', device: 'plc', fault: { code: 'CV_BUS_SKIPPED', params: { device: 'plc', waitMs: 1235, failures: 0 } } }]);
});

test('a device counts as offline after two failed polls in a row, and at once without a link', () => {
  const fault = { code: 'CV_LINK_TIMEOUT', params: { address: 'plc', timeoutMs: 500 } } as const;
  const { device, took, told } = bench('polled');
  took({ point: 'level', value: 3 });
  told();
  device.failed(fault, 'request 0');
  assert.deepEqual([told(), device.state().online, device.failures], [['CV_LINK_TIMEOUT'], true, 1]);
  device.failed(fault, 'request 0');
  assert.deepEqual([told(), device.state().online, device.failures], [['false CV_LINK_TIMEOUT'], false, 2]);
  took({ point: 'level', value: 4 });
  assert.deepEqual([device.state().online, device.failures], [true, 0]);
  device.cutOff({ code: 'CV_LINK_REFUSED', params: { address: 'plc', detail: '' } });
  assert.deepEqual([device.state().online, device.state().reason], [false, 'CV_LINK_REFUSED']);
});
