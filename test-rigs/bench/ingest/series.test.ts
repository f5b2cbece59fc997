import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICES_EACH, deviceName, SENDERS, seriesValue, seriesValues, seriesValueText } from './series.ts';

test('3,500 names, none twice; what a device is expected to hold is what was sent in its name', () => {
  const sent = 250;
  const byDevice = new Map<string, number[]>();
  for (let sender = 0; sender < SENDERS; sender += 1) {
    for (let k = 0; k < sent; k += 1) {
      const name = deviceName(sender, k);
      byDevice.set(name, [...(byDevice.get(name) ?? []), seriesValue(sender, k)]);
    }
  }
  assert.equal(byDevice.size, SENDERS * DEVICES_EACH);
  for (const [sender, device] of [
    [0, 0],
    [7, 49],
    [34, 50],
    [34, 99],
  ] as const)
    assert.deepEqual(byDevice.get(deviceName(sender, device)), seriesValues(sender, device, sent));
});

test('values as text are what JSON makes of them', () => {
  for (let k = 0; k < 20_000; k += 1) assert.equal(seriesValueText(k % SENDERS, k), JSON.stringify(seriesValue(k % SENDERS, k)));
});
