/** What is recorded of a device has the time that the edge gave it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDriver } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { Sample } from '../../core/sample.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { read } from '../read/read.ts';
import { isSample, type DecodedItem } from '../item.ts';
import { DeviceTaps, type TapLine } from './device-taps.ts';

test('a tap and the samples of the same frame have one reading of the clock, however it goes on meanwhile', async () => {
  const world = testWorld();
  const { driver } = fakeDriver(world);
  let readings = 0;
  // A millisecond goes by between any two readings.
  const nowMs = world.clock.nowMs.bind(world.clock);
  world.clock.nowMs = () => nowMs() + (readings += 1);
  const setup: DeviceSetup = {
    id: 'a',
    driver: 'fake',
    subject: 'a',
    settings: { device: 'a' },
    everyMs: 1000,
    timeoutMs: 2000,
    points: [
      {
        id: 'level',
        indicator: 'T',
        unit: 'm',
        scale: 1,
        offset: 0,
        faultCodes: [],
        limits: [],
        kind: 'measurement',
        own: { id: 'level' },
      },
    ],
  };
  const taps = new DeviceTaps(world);
  const device = taps.wrapDevice({ setup, driver });
  const heard: TapLine[] = [];
  const stop = taps.listen('a', (line) => { heard.push(line); });
  const items: DecodedItem[] = [];
  const host = read([device], world);
  void host.open?.((given) => { items.push(...given); });
  await world.clock.advanceMs(5000);
  const stamped = items.filter(isSample).map((sample: Sample) => [sample.observedAt, sample.value]);
  const recorded = heard.flatMap((line) =>
    line.kind === 'decoded' ? line.lines.map((one) => [one.at, 'value' in one ? one.value : null]) : [],
  );
  assert.ok(stamped.length >= 4);
  assert.deepEqual(recorded, stamped);
  stop?.();
  const closed = host.close?.();
  await world.clock.advanceMs(1000);
  await closed;
});
