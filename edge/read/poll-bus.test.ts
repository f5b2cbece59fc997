/** A device that does not answer: when it is asked, how much of it, on which link, and what that costs the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../drivers/faults.ts';
import type { DecodedItem } from '../item.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence, type FakeRequest } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample } from '../item.ts';
import { read } from './read.ts';

const point = (id: string) => ({
  id,
  indicator: 'T',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement' as const,
  own: { id },
});

function bench(points: string[] = ['level'], devices = ['a'], decode?: Parameters<typeof fakeDriver>[2], everyMs = 1000) {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'polled', decode);
  const setups = devices.map((id): DeviceSetup => ({
    id,
    driver: 'fake',
    subject: id,
    settings: { device: id, bus: 'line' },
    everyMs,
    timeoutMs: 200,
    points: points.map(point),
  }));
  const host = read(
    setups.map((setup) => ({ setup, driver })),
    world,
  );
  const items: DecodedItem[] = [];
  void host.open?.((given) => { items.push(...given); });
  const close = async () => {
    const closed = host.close?.();
    await world.clock.advanceMs(1000);
    await closed;
  };
  return { world, host, bus, driver, items, close };
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
  assert.deepEqual(
    items
      .filter(isSample)
      .slice(0, 2)
      .map(({ point: of, value, quality, flags }) => [of, value, quality, flags]),
    [
      ['one', 5, 'good', []],
      ['two', null, 'bad', ['comm']],
    ],
  );
  assert.equal(host.states()[0]?.online, true);
  assert.equal(bus.opened, 1);
  // Left out after a while, and what it would have given is counted.
  await world.clock.advanceMs(30_000);
  const lost = world.told.filter(({ kind }) => kind === 'samples_lost');
  assert.ok(lost.length > 10, `${lost.length}`);
  assert.deepEqual(lost[0], { kind: 'samples_lost', count: 1, reason: 'device_fault', intended: false, device: 'a' });
  await close();
});

test('a request that is refused for a reason that may pass is asked seldom, one that is refused for good at its own pace', async () => {
  const asks = async (code: 'CV_MODBUS_DEVICE_FAILURE' | 'CV_MODBUS_ILLEGAL_ADDRESS') => {
    const { world, bus, host, close } = bench(['level'], ['a'], () => ({ ok: false, fault: { code, params: {} } }));
    await world.clock.advanceMs(60_000);
    assert.equal(host.states()[0]?.online, true);
    await close();
    return bus.askedMs.a?.length ?? 0;
  };
  const [passing, standing] = [await asks('CV_MODBUS_DEVICE_FAILURE'), await asks('CV_MODBUS_ILLEGAL_ADDRESS')];
  assert.ok(standing >= 59, `${standing} times`);
  assert.ok(passing >= 6 && passing <= 12, `${passing} times`);
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

test('a link with nobody on it is opened anew after exactly three in a row, counted anew after an answer and after each opening', async () => {
  const { world, bus, close } = bench();
  await world.clock.advanceMs(1500);
  bus.answer = (_device, _request, signal) => silence(signal);
  const before = bus.askedMs.a?.length ?? 0;
  const openedBy: number[] = [];
  while (openedBy.length < 7) {
    await world.clock.advanceMs(50);
    const asked = (bus.askedMs.a?.length ?? 0) - before;
    if (asked > openedBy.length) openedBy.push(bus.opened);
  }
  assert.deepEqual(openedBy, [1, 1, 1, 2, 2, 2, 3], 'by the fourth and the seventh in vain');
  await close();
});

test('writes that nobody answers count as well, and one word of the device says that the link is alive', async () => {
  const opened = async (isAnswered: (nth: number) => boolean) => {
    const { world, bus, host, driver, close } = bench(['level'], ['a'], undefined, 3_600_000);
    driver.write = (_point, value) => [{ points: [], device: 'a', value }, { points: ['level'], device: 'a' }] as FakeRequest[];
    await world.clock.advanceMs(3000);
    let asked = 0;
    bus.answer = async (_device, _request, signal) => (isAnswered(asked += 1) ? 1 : silence(signal));
    for (let turn = 0; turn < 4; turn += 1) {
      let isOver = false;
      void host
        .write('a', 'level', 1, () => Promise.resolve(), new AbortController().signal)
        .catch(() => null)
        .finally(() => {
          isOver = true;
        });
      while (!isOver) await world.clock.advanceMs(50);
    }
    const { opened: count } = bus;
    await close();
    return count;
  };
  assert.equal(await opened(() => false), 2);
  // The second write is confirmed, and what it reads as is not said.
  assert.equal(await opened((nth) => nth === 3), 1);
});

test('one request that fails beside others is made at its own pace for three failures, and then left out', async () => {
  const { world, bus, close } = bench(['one', 'two']);
  const asked: number[] = [];
  bus.answer = (_device, request, signal) => {
    if ((request as FakeRequest).points[0] !== 'two') return Promise.resolve(5);
    asked.push(world.clock.monotonicMs());
    return silence(signal);
  };
  await world.clock.advanceMs(20_000);
  const apart = asked.slice(1).map((ms, at) => Math.round((ms - (asked[at] as number)) / 1000));
  assert.deepEqual(apart.slice(0, 3), [1, 1, 1]);
  assert.ok((apart[3] ?? 99) >= 8, `${apart.join(' ')} s`);
  await close();
});
