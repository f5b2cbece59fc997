import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDriver } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { HostDevice } from './host-device.ts';

test('a device has no last time before its first value, then that of its newest, and an older one does not set it back', async () => {
  const world = testWorld();
  const points = [
    { id: 'a', indicator: 'T', unit: 'm', scale: 1, offset: 0, faultCodes: [], limits: [], kind: 'measurement' as const, own: { id: 'a' } },
  ];
  const device = new HostDevice(
    {
      setup: { id: 'plc', driver: 'fake', subject: 'plc', settings: {}, everyMs: 1000, timeoutMs: 2000, points },
      driver: fakeDriver(world, 'listens').driver,
    },
    world,
    () => {},
  );
  const took = (deviceAt?: number) => {
    device.accept({ ok: true, values: [{ point: 'a', value: 1, ...(deviceAt === undefined ? {} : { deviceAt }) }] }, 'frames');
    return device.state().lastAt;
  };
  assert.equal(device.state().lastAt, null);
  const beganAt = world.clock.nowMs();
  assert.equal(took(), beganAt);
  await world.clock.advanceMs(500);
  assert.equal(device.state().lastAt, beganAt, 'time alone is no value');
  assert.equal(took(), beganAt + 500);
  assert.equal(took(beganAt + 100), beganAt + 500);
});
