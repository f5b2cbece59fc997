import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { World } from '../../core/world.ts';
import camera from '../../drivers/camera/driver.ts';
import '../../drivers/faults.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample, type DecodedItem } from '../item.ts';
import { HostDevice } from './host-device.ts';
import { BusLink } from './bus-link.ts';

const picture = { ok: true as const, picture: { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) } };

test('a device that works, but not as configured, says so in its state for as long as its link is that way', () => {
  const world = testWorld();
  const setup: DeviceSetup = {
    id: 'gate-cam',
    driver: 'camera',
    subject: 'gate',
    settings: {},
    everyMs: 1000,
    timeoutMs: 2000,
    points: [],
  };
  const device = new HostDevice({ setup, driver: { traits: ['frames'] } as unknown as Driver }, world, () => {});
  const standingFault: Fault = { code: 'CV_CAMERA_SOFTWARE', params: { address: 'rtsp://cam/1', hardware: 'vaapi', detail: 'none' } };
  for (let opening = 0; opening < 2; opening += 1) {
    device.setStandingFault(standingFault);
    device.accept(picture, 'frames');
    assert.deepEqual([device.state().online, device.state().reason], [true, 'CV_CAMERA_SOFTWARE']);
  }
  device.setStandingFault(undefined);
  assert.equal(device.state().reason, 'ok');
  assert.deepEqual(
    world.told.flatMap((event) =>
      event.kind === 'fault' ? [event.fault.code] : event.kind === 'fault_cleared' ? [`${event.code} over`] : [],
    ),
    ['CV_CAMERA_SOFTWARE', 'CV_CAMERA_SOFTWARE over'],
  );
});

test('what the driver of a camera tells by itself bears the name of its device', async () => {
  const world = testWorld();
  const driver = { id: 'camera', traits: ['frames'], async open(_settings: unknown, _points: unknown, { tell }: World) {
    tell({ kind: 'picture_damaged' });
    return { close: async () => {} };
  } } as unknown as Driver;
  const keeper = new BusLink({ name: 'gate-cam', driver, settings: {}, points: [], timeoutMs: 1000 }, world);
  await keeper.open(new AbortController().signal);
  await keeper.close();
  assert.deepEqual(world.told, [{ device: 'gate-cam', kind: 'picture_damaged' }]);
});

test('a camera whose pictures may come seldom is not stale for a short period', async () => {
  const world = testWorld();
  const persons = {
    id: 'persons',
    indicator: 'T',
    unit: '{person}',
    scale: 1,
    offset: 0,
    faultCodes: [],
    limits: [],
    kind: 'measurement' as const,
    own: { id: 'persons' },
  };
  const setup: DeviceSetup = {
    id: 'gate-cam',
    driver: 'camera',
    subject: 'gate',
    settings: camera.settings.parse({ url: 'file:still.mp4', fps: 5 }),
    everyMs: 200,
    timeoutMs: 2000,
    points: [persons],
  };
  const device = new HostDevice({ setup, driver: camera }, world, () => {});
  const reasonAfter = async (ms: number) => {
    await world.clock.advanceMs(ms);
    device.tick();
    return device.state().reason;
  };
  device.accept({ ok: true, picture: picture.picture }, 'frames');
  assert.deepEqual([await reasonAfter(2000), await reasonAfter(8000)], ['ok', 'CV_DEVICE_STALE']);
});

test('a camera that gives no more pictures is told stale, after an outage too', async () => {
  const world = testWorld();
  const persons = {
    id: 'persons',
    indicator: 'T',
    unit: '{person}',
    scale: 1,
    offset: 0,
    faultCodes: [],
    limits: [],
    kind: 'measurement' as const,
    own: { id: 'persons' },
  };
  const setup: DeviceSetup = {
    id: 'gate-cam',
    driver: 'camera',
    subject: 'gate',
    settings: {},
    everyMs: 1000,
    timeoutMs: 2000,
    points: [persons],
  };
  const given: DecodedItem[] = [];
  const device = new HostDevice({ setup, driver: { traits: ['frames'] } as unknown as Driver }, world, (items) => {
    given.push(...items);
  });
  const said = () =>
    given
      .splice(0)
      .filter(isSample)
      .map(({ quality, flags }) => `${quality} ${flags.join(' ')}`);
  for (let outage = 0; outage < 2; outage += 1) {
    device.accept(picture, 'frames');
    await world.clock.advanceMs(5000);
    device.tick();
    assert.deepEqual([said(), device.state().online, device.state().reason], [['bad stale'], false, 'CV_DEVICE_STALE']);
    device.linkFailed({ code: 'CV_CAMERA_SILENT', params: { address: 'rtsp://cam/1', silenceMs: 8000 } });
    assert.deepEqual(said(), ['bad comm']);
  }
  assert.equal(world.told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_DEVICE_STALE').length, 2);
});
