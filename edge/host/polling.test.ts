/** A device that does not answer: when it is asked, how much of it, on which link, and what that costs the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodedItem } from '../stations/item.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence, type FakeRequest } from '../../core/testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample } from '../stations/item.ts';
import { read } from './read.ts';

const point = (id: string) => ({ id, indicator: 'T', unit: 'm', scale: 1, offset: 0, faultCodes: [], limits: [], kind: 'measurement' as const, own: { id } });

function bench(points: string[] = ['level'], devices = ['a'], decode?: Parameters<typeof fakeDriver>[2]) {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'polled', decode);
  const setups = devices.map((id): DeviceSetup => ({ id, driver: 'fake', subject: id, settings: { device: id, bus: 'line' }, everyMs: 1000, timeoutMs: 200, points: points.map(point) }));
  const host = read(setups.map((setup) => ({ setup, driver })), world);
  const items: DecodedItem[] = [];
  void host.open?.((given) => { items.push(...given); });
  const close = async () => {
    const closed = host.close?.();
    await world.clock.advanceMs(1000);
    await closed;
  };
  return { world, host, bus, items, close };
}

test('it is asked three more times at its own pace, then after growing pauses of at most 15 s when it is alone', async () => {
  const { world, bus, close } = bench();
  bus.answer = (_device, _request, signal) => silence(signal);
  await world.clock.advanceMs(120_000);
  const asked = bus.askedMs.a as number[];
  const apart = asked.slice(1).map((ms, at) => ms - (asked[at] as number));
  assert.deepEqual(apart.slice(0, 3), [1000, 1000, 1000]);
  // Doubled with each failure from the period on; up to a tenth more, and then to its next slot.
  for (const [at, leastMs] of [8000, 15_000, 15_000, 15_000].entries()) {
    const gapMs = apart[at + 3] as number;
    assert.ok(gapMs >= leastMs && gapMs <= leastMs * 1.1 + 1200, `pause ${at}: ${gapMs} ms`);
  }
  await close();
});

test('of a device that answers nothing only the first request is made, the next time another one', async () => {
  const { world, bus, close } = bench(['one', 'two', 'three']);
  const asked: string[] = [];
  bus.answer = (_device, request, signal) => {
    asked.push(String((request as FakeRequest).points[0]));
    return silence(signal);
  };
  await world.clock.advanceMs(3900);
  assert.deepEqual(asked, ['one', 'two', 'three', 'one'].slice(0, asked.length));
  assert.ok(asked.length >= 3, `${asked.length} asked`);
  await close();
});

test('a link on which nobody answers three times in a row is opened anew; one answer, if only a refusal, and it stays', async () => {
  const silent = bench();
  silent.bus.answer = (_device, _request, signal) => silence(signal);
  await silent.world.clock.advanceMs(2900);
  assert.equal(silent.bus.opened, 1);
  await silent.world.clock.advanceMs(2000);
  assert.equal(silent.bus.opened, 2);
  await silent.close();
  const mixed = bench(['level'], ['a', 'b']);
  mixed.bus.answer = (device, _request, signal) => (device === 'a' ? silence(signal) : Promise.resolve(1));
  await mixed.world.clock.advanceMs(60_000);
  assert.equal(mixed.bus.opened, 1);
  await mixed.close();
  const refusing = bench(['level'], ['a'], () => ({ ok: false, fault: { code: 'CV_MODBUS_ILLEGAL_ADDRESS', params: {} } }));
  await refusing.world.clock.advanceMs(60_000);
  assert.equal(refusing.bus.opened, 1);
  assert.equal(refusing.host.states()[0]?.online, true);
  await refusing.close();
});

test('one request that fails among others that answer marks its own points bad and leaves the device online', async () => {
  const { world, host, bus, items, close } = bench(['one', 'two']);
  bus.answer = (_device, request, signal) => ((request as FakeRequest).points[0] === 'two' ? silence(signal) : Promise.resolve(5));
  await world.clock.advanceMs(1500);
  assert.deepEqual(items.filter(isSample).slice(0, 2).map(({ point: of, value, quality, flags }) => [of, value, quality, flags]), [['one', 5, 'good', []], ['two', null, 'bad', ['comm']]]);
  assert.equal(host.states()[0]?.online, true);
  assert.equal(bus.opened, 1);
  await close();
});

test('each exchange is told with how long it took and whether it was answered', async () => {
  const { world, bus, close } = bench();
  await world.clock.advanceMs(1050);
  bus.answer = (_device, _request, signal) => silence(signal);
  await world.clock.advanceMs(1200);
  const told = world.told.flatMap((event) => (event.kind === 'exchange' ? [[event.device, event.durationMs, event.ok]] : []));
  assert.deepEqual([told[0], told.at(-1)], [['a', 20, true], ['a', 200, false]]);
  await close();
});

test('what waits for the bus when the edge ends is told so, and a device that is not there as well', async () => {
  const { world, host, bus, close } = bench();
  bus.opens = silence;
  await world.clock.advanceMs(10);
  const waiting = host.readNow('a', ['level'], new AbortController().signal).catch((error: unknown) => (error as FaultError).fault);
  await close();
  assert.deepEqual(await waiting, { code: 'CV_LINK_CLOSED', params: { address: '-', detail: 'the edge ends', detailZh: '边缘节点正在停止' } });
  await assert.rejects(host.readNow('nobody', ['level'], new AbortController().signal), (error: FaultError) => {
    assert.deepEqual(error.fault, { code: 'CV_LINK_CLOSED', params: { address: 'nobody', detail: 'it is not open', detailZh: '尚未打开' } });
    return true;
  });
});
