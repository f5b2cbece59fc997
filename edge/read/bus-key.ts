/** What of the host goes on when another setup comes: pure. */
import { isDeepStrictEqual } from 'node:util';
import type { OpenDevice } from './host-device.ts';

/** Which bus a device is on: polled ones with the same key share a link, every other one has its own. */
export function busKey({ driver, setup }: OpenDevice): string {
  const shared = driver.traits.includes('polled') ? driver.bus?.(setup.settings) : undefined;
  return shared === undefined ? `device ${setup.id}` : `bus ${driver.id} ${shared}`;
}

/** Whether the device is spoken to as before: what differs, if anything, is only what is made of its values. */
export function hasSameLink(a: OpenDevice, b: OpenDevice): boolean {
  const of = ({ driver, setup: { settings, everyMs, timeoutMs, points } }: OpenDevice) => ({
    driver: driver.id,
    settings,
    everyMs,
    timeoutMs,
    points: points.map(({ own }) => own),
  });
  return busKey(a) === busKey(b) && isDeepStrictEqual(of(a), of(b));
}
