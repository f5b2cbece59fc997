/** One exchange: what came, or why nothing did, word for word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded, Driver, Link } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import '../../drivers/faults.ts';
import { fakeDriver, silence } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { ABORT_GRACE_MS, DeadlineTimer } from './deadline-timer.ts';
import { HostDevice } from './host-device.ts';
import { isLinkFault, runExchange, type ExchangeResult } from './run-exchange.ts';

/** The test clock's. */
const START_MS = testWorld().clock.nowMs();
const GET = { points: ['level'] };

async function exchanged(
  link: Partial<Link<unknown>>,
  decode: (frame: unknown) => Decoded = () => ({ ok: true, values: [] }),
  more: Partial<Driver> = {},
): Promise<ExchangeResult> {
  const world = testWorld();
  const { driver } = fakeDriver(world, 'polled', decode);
  const points = [
    {
      id: 'level',
      indicator: 'T',
      unit: 'm',
      scale: 1,
      offset: 0,
      faultCodes: [],
      limits: [],
      kind: 'measurement' as const,
      own: { id: 'level' },
    },
  ];
  const device = new HostDevice(
    {
      setup: {
        id: 'plc',
        driver: 'fake',
        subject: 'plc',
        settings: { device: 'plc', bus: '10.0.0.7' },
        everyMs: 1000,
        timeoutMs: 700,
        points,
      },
      driver: { ...driver, ...more },
    },
    world,
    () => {},
  );
  const answer = runExchange(device, link as Link<unknown>, GET, new DeadlineTimer(world.clock, new AbortController().signal));
  await world.clock.advanceMs(700 + ABORT_GRACE_MS);
  return answer;
}

test('what came is what the driver reads of it; a refusal is an answer', async () => {
  assert.deepEqual(
    await exchanged({ exchange: () => Promise.resolve(1) }, (frame) => ({
      ok: true,
      values: [{ point: 'level', value: frame as number }],
    })),
    { decoded: { ok: true, values: [{ point: 'level', value: 1 }] }, observedAt: START_MS },
  );
  const refused: Decoded = { ok: false, fault: { code: 'CV_MODBUS_ILLEGAL_ADDRESS', params: {} } };
  assert.deepEqual(await exchanged({ exchange: () => Promise.resolve(1) }, () => refused), { decoded: refused, observedAt: START_MS });
});

test('a gateway\'s word that nothing is there is a silence, and what came is kept with it', async () => {
  const silent: Decoded = { ok: false, fault: { code: 'CV_MODBUS_GATEWAY_TARGET', params: {} } };
  assert.deepEqual(await exchanged({ exchange: () => Promise.resolve(1) }, () => silent), {
    decoded: silent,
    observedAt: START_MS,
    fault: silent.fault,
  });
});

test('a time-out names the device and its bus; one that does not end is left behind with its link', async () => {
  assert.deepEqual(await exchanged({ exchange: (_request, signal) => silence(signal) }), {
    fault: { code: 'CV_LINK_TIMEOUT', params: { address: 'plc (10.0.0.7)', timeoutMs: 700 } },
  });
  assert.deepEqual(await exchanged({ exchange: () => new Promise(() => {}) }), {
    fault: { code: 'CV_LINK_CLOSED', params: { address: 'plc (10.0.0.7)', detail: 'no end to an exchange after 700 ms' } },
  });
});

test('what a driver throws is its own fault, or said as the driver\'s failure; so is a link without exchanges', async () => {
  const refused = { code: 'CV_LINK_REFUSED', params: { address: 'x', detail: 'ECONNREFUSED' } } as const;
  assert.deepEqual(await exchanged({ exchange: () => Promise.reject(new FaultError(refused.code, refused.params)) }), { fault: refused });
  assert.deepEqual((await exchanged({ exchange: () => Promise.reject(new TypeError('x is undefined')) })).fault, {
    code: 'CV_DRIVER_FAILED',
    params: { device: 'plc', detail: 'x is undefined' },
  });
  assert.deepEqual((await exchanged({})).fault, {
    code: 'CV_DRIVER_FAILED',
    params: { device: 'plc', detail: 'its link has no exchange' },
  });
});

test('a closed link, a driver that failed and whatever befalls an opening need a new link; nothing else does', () => {
  const breaking = (
    ['CV_LINK_CLOSED', 'CV_DRIVER_FAILED', 'CV_LINK_REFUSED', 'CV_LINK_TIMEOUT', 'CV_FRAME_LENGTH', 'CV_MODBUS_ILLEGAL_ADDRESS'] as const
  ).map((code) => isLinkFault({ code, params: {} } as Fault));
  assert.deepEqual(breaking, [true, true, true, false, false, false]);
});
