/** The link of a bus: how it is opened, given up and closed, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver, Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import '../../drivers/faults.ts';
import { fakeDriver, silence } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { BusLink } from './bus-link.ts';

const never = () => new Promise<never>(() => {});
const HERE = new AbortController().signal;

function bench(more: Partial<Driver> = {}, timeoutMs = 500) {
  const world = testWorld(undefined, 3);
  const { driver, bus } = fakeDriver(world);
  const setup = { name: 'line', driver: { ...driver, ...more }, settings: { device: 'plc' }, points: [], timeoutMs };
  const keeper = new BusLink(setup, world);
  const faults = () => world.told.flatMap((told) => (told.kind === 'fault' ? [told.fault] : []));
  /** Asks for the link, and says after how long it came or with what it did not. */
  const opened = async (patienceMs = 60_000) => {
    const fromMs = world.clock.monotonicMs();
    let tookMs = NaN;
    const asked = keeper
      .open(HERE)
      .then(
        () => 'open',
        (error: unknown) => keeper.fault(error).code,
      )
      .finally(() => {
        tookMs = world.clock.monotonicMs() - fromMs;
      });
    await world.clock.advanceMs(patienceMs);
    return [await Promise.race([asked, Promise.resolve('waiting')]), tookMs] as const;
  };
  return { world, bus, keeper, setup, faults, opened };
}

test('one link at a time: it is there until it is dropped, and asked for again without a wait while it is well', async () => {
  const { bus, keeper, opened } = bench();
  assert.equal(keeper.current, null);
  assert.deepEqual(await opened(), ['open', 0]);
  const link = keeper.current;
  assert.equal(await keeper.open(HERE), link);
  assert.equal(keeper.frameReceived(), true);
  keeper.drop();
  assert.deepEqual([keeper.current, bus.open], [null, 0]);
  assert.deepEqual(await opened(), ['open', 0]);
  assert.deepEqual([bus.opened, bus.open, keeper.name], [2, 1, 'line']);
});

test('a link counts as good when it has lasted five seconds; one that goes sooner is waited for', async () => {
  const { world, keeper, opened } = bench();
  await opened(0);
  await world.clock.advanceMs(4999);
  assert.equal(keeper.frameReceived(), false);
  keeper.drop();
  const [, tookMs] = await opened();
  assert.ok(tookMs >= 250 && tookMs <= 500, `${tookMs} ms`);
  keeper.drop();
  const [, longerMs] = await opened(1000);
  assert.ok(Number.isNaN(longerMs) || longerMs >= 500, `${longerMs} ms`);
  const other = bench();
  await other.opened(5000);
  assert.equal(other.keeper.frameReceived(), true);
});

test('a renewed link is opened at once, however young the one before it was', async () => {
  const { keeper, opened, bus } = bench();
  await opened(0);
  keeper.reopen();
  assert.deepEqual(await opened(0), ['open', 0]);
  assert.equal(bus.opened, 2);
});

test('an opening has ten seconds, or as long as an answer may take; what comes later is closed', async () => {
  for (const [timeoutMs, limitMs] of [[500, 10_000], [25_000, 25_000]] as const) {
    const { bus, opened, keeper, world } = bench({}, timeoutMs);
    let late: () => void = () => {};
    bus.opens = () => new Promise((resolve) => { late = resolve; });
    const [outcome, tookMs] = await opened();
    assert.deepEqual([outcome, tookMs], ['CV_LINK_TIMEOUT', limitMs + 500]);
    late();
    await world.clock.advanceMs(1);
    assert.deepEqual([bus.opened, bus.open, keeper.current], [1, 0, null]);
  }
  const { bus, keeper, world } = bench();
  bus.opens = (signal) => silence(signal);
  const rejected = keeper.open(HERE).catch((error: unknown) => (error as FaultError).fault);
  await world.clock.advanceMs(10_000);
  assert.deepEqual(await rejected, { code: 'CV_LINK_TIMEOUT', params: { address: 'line', timeoutMs: 10_000 } });
});

test('what waiting alone will hardly mend is tried again after 7.5 to 15 s from the first time on', async () => {
  for (const [code, leastMs, mostMs] of [
    ['CV_LINK_REFUSED', 250, 500],
    ['CV_DRIVER_FAILED', 250, 500],
    ['CV_OPCUA_LOGIN', 7500, 15_000],
  ] as const) {
    const { bus, opened, keeper } = bench();
    bus.opens = () => Promise.reject(new FaultError(code, { address: 'x', detail: '' }));
    assert.equal((await opened(0))[0], code);
    bus.opens = () => Promise.resolve();
    const [outcome, tookMs] = await opened();
    assert.equal(outcome, 'open');
    assert.ok(tookMs >= leastMs && tookMs <= mostMs, `${code}: ${tookMs} ms`);
    keeper.frameReceived();
  }
});

test('whoever ends the wait for a link gets its reason', async () => {
  const { bus, keeper, opened } = bench();
  bus.opens = () => Promise.reject(new Error('no'));
  await opened(0);
  const ending = new AbortController();
  const waiting = keeper.open(ending.signal).catch((error: unknown) => error);
  ending.abort('the end');
  assert.equal(await waiting, 'the end');
});

test('a link that does not close within its moment is told of and left; one that fails to close is told of as well', async () => {
  const { bus, keeper, opened, world, faults } = bench();
  await opened(0);
  bus.closes = never;
  const closed = keeper.close();
  await world.clock.advanceMs(399);
  assert.deepEqual(faults(), []);
  await world.clock.advanceMs(1);
  await closed;
  assert.deepEqual(faults(), [{ code: 'CV_DRIVER_FAILED', params: { device: 'line', detail: 'its link did not close within 400 ms' } }]);
  const failing = bench();
  await failing.opened(0);
  failing.bus.closes = () => Promise.reject(new Error('EBADF'));
  await failing.keeper.close();
  assert.deepEqual(failing.faults(), [{ code: 'CV_DRIVER_FAILED', params: { device: 'line', detail: 'EBADF' } }]);
  const well = bench();
  await well.opened(0);
  await well.keeper.close();
  await well.world.clock.advanceMs(5000);
  assert.deepEqual([well.faults(), well.bus.open], [[], 0]);
});

test('the next opening waits until the link before it is closed: two at once would be one too many', async () => {
  const { bus, keeper, opened, world } = bench();
  await opened(0);
  await world.clock.advanceMs(5000);
  keeper.frameReceived();
  let end: () => void = () => {};
  bus.closes = () => new Promise((resolve) => { end = resolve; });
  keeper.drop();
  const again = opened(0);
  await world.clock.advanceMs(300);
  assert.equal(bus.opened, 1);
  end();
  await again;
  await world.clock.advanceMs(1);
  assert.equal(bus.opened, 2);
});

test('settings that changed hold from the next opening on; a camera\'s own words carry its name', async () => {
  const seen: unknown[] = [];
  const link: Link<unknown> = { close: () => Promise.resolve() };
  const { keeper, setup, opened, world } = bench({ traits: ['frames'], open: (settings, _points, given) => {
    seen.push((settings as { device: string }).device);
    given.tell({ kind: 'notice', level: 'warn', en: 'dark', zh: '过暗' });
    return Promise.resolve(link);
  } });
  keeper.update({ ...setup, name: 'cam-2', settings: { device: 'other' } });
  await opened(0);
  assert.deepEqual([seen, keeper.name], [['other'], 'cam-2']);
  assert.deepEqual(world.told, [{ device: 'cam-2', kind: 'notice', level: 'warn', en: 'dark', zh: '过暗' }]);
});
