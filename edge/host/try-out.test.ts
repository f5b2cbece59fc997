import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, type FakeBus } from '../../core/testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { tryOut } from './try-out.ts';

const points = ['a', 'b', 'c'].map((id) => ({ id, indicator: 'T', unit: 'm', scale: 1, offset: 0, faultCodes: [], limits: [], kind: 'measurement' as const, own: { id } }));
const setup = { id: 'plc', driver: 'fake', subject: 'plc', settings: { device: 'plc' }, everyMs: 1000, timeoutMs: 2000, points };

async function tried(trait: 'polled' | 'listens', decode: ((frame: unknown) => Decoded) | undefined, arrange: (bus: FakeBus) => void) {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, trait, decode);
  arrange(bus);
  const trying = tryOut({ setup, driver }, world, new AbortController().signal);
  await world.clock.advanceMs(60_000);
  return { ...await trying, asked: bus.askedMs.plc?.length ?? 0, open: bus.open };
}

const status = (node: string) => ({ code: 'CV_OPCUA_STATUS' as const, params: { node, status: '0x80340000' } });

test('each point that is bad for a reason of its own says so, alike or not', async () => {
  const decode = (): Decoded => ({ ok: true, values: ['a', 'b', 'c'].map((point) => ({ point, value: null, quality: 'bad', flags: ['other'], fault: status(point) })) });
  const { faults, readings } = await tried('listens', decode, (bus) => { bus.speaks = async (take) => { take({}); }; });
  assert.deepEqual(faults.map(({ params }) => params.node), ['a', 'b', 'c']);
  assert.deepEqual(readings.map(({ sample }) => sample?.quality), ['bad', 'bad', 'bad']);
});

test('frames that cannot be read each say why, once', async () => {
  const decode = (frame: unknown): Decoded => ({ ok: false, fault: { code: 'CV_OPCUA_TYPE', params: { node: String(frame), type: 'Int32 (array)' } }, points: [String(frame)] });
  const { faults } = await tried('listens', decode, (bus) => { bus.speaks = async (take) => { for (const one of ['a', 'b', 'b', 'c']) take(one); }; });
  assert.deepEqual(faults.map(({ params }) => params.node), ['a', 'b', 'c']);
});

test('a link that is lost at the first of three requests is told once, and the other two are not made', async () => {
  const { faults, asked, readings, isOpen, open } = await tried('polled', undefined, (bus) => {
    bus.answer = async () => { throw new FaultError('CV_LINK_CLOSED', { address: 'plc', detail: 'ECONNRESET' }); };
  });
  assert.deepEqual([faults.map(({ code }) => code), asked, isOpen, open], [['CV_LINK_CLOSED'], 1, true, 0]);
  assert.deepEqual(readings.map(({ point, sample }) => [point, sample?.quality]), [['a', 'bad'], ['b', undefined], ['c', undefined]]);
});

test('one request of three without an answer costs its own point alone', async () => {
  const { faults, asked, readings } = await tried('polled', undefined, (bus) => {
    const usual = bus.answer;
    bus.answer = async (device, request, signal) => { if (request.points[0] === 'a') throw new FaultError('CV_LINK_TIMEOUT', { address: 'plc', timeoutMs: 2000 }); return usual(device, request, signal); };
  });
  assert.deepEqual([faults.map(({ code }) => code), asked], [['CV_LINK_TIMEOUT'], 3]);
  assert.deepEqual(readings.map(({ sample }) => sample?.quality), ['bad', 'good', 'good']);
});
