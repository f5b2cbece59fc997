import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../drivers/faults.ts';
import { fakeDriver, silence, type FakeBus, type FakeRequest } from '../testing/fake-device.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { FaultError } from '../../core/faults.ts';
import { pause } from '../../core/world.ts';
import type { Driver } from '../../core/driver.ts';
import type { Sample } from '../../core/sample.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample, type DecodedItem } from '../item.ts';
import { MAX_PROBE_WAIT_MS } from './backoff.ts';
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
const deviceOf = (id: string, change: Partial<DeviceSetup> = {}, bus?: string): DeviceSetup => ({
  id,
  driver: 'fake',
  subject: id,
  settings: { device: id, ...(bus ? { bus } : {}) },
  everyMs: 1000,
  timeoutMs: 2000,
  points: [point('level')],
  ...change,
});

type World = ReturnType<typeof testWorld>;

function start(world: World, driver: Driver, devices: DeviceSetup[]) {
  const items: DecodedItem[] = [];
  const host = read(devices.map((setup) => ({ setup, driver })), world);
  void host.open?.((given) => { items.push(...given); });
  const samples = (device?: string): Sample[] => items.filter(isSample).filter((sample) => !device || sample.device === device);
  // As the line does, once a second.
  const runMs = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      await world.clock.advanceMs(Math.min(1000, ms - passedMs));
      host.tick?.(world.clock.nowMs(), () => {});
    }
  };
  return { host, items, samples, runMs };
}

const told = (world: World, ...kinds: string[]) => world.told.filter((event) => kinds.includes(event.kind));
const meanPeriodMs = (askedMs: readonly number[]) => ((askedMs.at(-1) as number) - (askedMs[0] as number)) / (askedMs.length - 1);
const closing = async (world: World, host: { close?(): Promise<void> | void }) => {
  const closed = host.close?.();
  await world.clock.advanceMs(1000);
  await closed;
};

for (const [everyMs, timeoutMs] of [[1000, 2000], [250, 1000], [5000, 10_000]] as const) {
  test(`one dead unit of eight on a bus costs only itself (every ${everyMs} ms, timeout ${timeoutMs} ms)`, async () => {
    const world = testWorld(undefined, everyMs);
    const { driver, bus } = fakeDriver(world);
    const usual = bus.answer;
    bus.answer = (device, request, signal) => (device === 'unit-3' ? silence(signal) : usual(device, request, signal));
    const units = Array.from({ length: 8 }, (_, at) => deviceOf(`unit-${at}`, { everyMs, timeoutMs }, 'line'));
    const { host, samples, runMs } = start(world, driver, units);
    await runMs(600_000);
    for (const { id } of units.filter((unit) => unit.id !== 'unit-3')) {
      const asked = bus.askedMs[id] as number[];
      assert.ok(meanPeriodMs(asked) <= everyMs * 1.1, `${id}: ${meanPeriodMs(asked)} ms`);
      assert.ok(asked.length <= 600_000 / everyMs + 2, 'and nobody is asked more often than configured');
      assert.ok(asked.length - samples(id).length <= 1, 'each ask gave its sample, but for one that is under way');
    }
    assert.deepEqual(
      told(world, 'fault').map((event) => 'fault' in event && `${event.device} ${event.fault.code}`),
      ['unit-3 CV_LINK_TIMEOUT', 'unit-3 CV_BUS_SKIPPED'],
      'each once, nothing of the others',
    );
    assert.equal(bus.mostBusy, 1, 'one exchange at a time on the bus');
    // Every slot of the dead one: asked in vain (a bad sample), or left out and counted.
    const lost = told(world, 'samples_lost').reduce((sum, event) => sum + ('count' in event ? event.count : 0), 0);
    const asked = bus.askedMs['unit-3'] as number[];
    const unfinished = asked.length - samples('unit-3').length;
    assert.ok(unfinished <= 1);
    assert.ok(samples('unit-3').every((sample) => sample.quality === 'bad' && sample.value === null && sample.flags.includes('comm')));
    // A slot that is still waited for is counted when it is over.
    assert.ok(
      asked.length + lost <= 600_000 / everyMs + (MAX_PROBE_WAIT_MS * 1.1) / everyMs && asked.length + lost >= (600_000 / everyMs) * 0.9,
      `${asked.length} + ${lost}`,
    );
    assert.deepEqual(
      told(world, 'device_state').filter((event) => 'device' in event && event.device === 'unit-3'),
      [{ kind: 'device_state', device: 'unit-3', online: false, reason: 'CV_LINK_TIMEOUT' }],
    );
    await closing(world, host);
    assert.equal(bus.open, 0);
  });
}

test('a unit that is back is noticed within a minute on a shared bus, within 15 s alone', async () => {
  for (const [units, withinMs] of [[8, 70_000], [1, 20_000]] as const) {
    const world = testWorld();
    const { driver, bus } = fakeDriver(world);
    const usual = bus.answer;
    let isDead = true;
    bus.answer = (device, request, signal) => (device === 'unit-0' && isDead ? silence(signal) : usual(device, request, signal));
    const { host, samples, runMs } = start(world, driver, Array.from({ length: units }, (_, at) => deviceOf(`unit-${at}`, {}, 'line')));
    await runMs(900_000);
    isDead = false;
    const at = world.clock.nowMs();
    await runMs(withinMs);
    const first = samples('unit-0').find((sample) => sample.quality === 'good');
    assert.ok(first && first.at - at <= withinMs, `${units} units: ${first && first.at - at}`);
    assert.deepEqual(
      told(world, 'device_state')
        .filter((event) => 'device' in event && event.device === 'unit-0')
        .map((event) => 'online' in event && event.online),
      [false, true],
    );
    assert.equal(host.states()[0]?.online, true);
    const good = samples('unit-0').filter((sample) => sample.quality === 'good').length;
    await runMs(10_000);
    assert.ok(samples('unit-0').filter((sample) => sample.quality === 'good').length >= good + 9, 'and is at its own pace again');
    await closing(world, host);
  }
});

test('faults and states are told once a change, not once a cycle', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  const usual = bus.answer;
  let fails = false;
  bus.answer = (device, request, signal) =>
    fails ? Promise.reject(new FaultError('CV_FRAME_LENGTH', { detail: 'short' })) : usual(device, request, signal);
  const { host, runMs } = start(world, driver, [deviceOf('a')]);
  await runMs(10_000);
  fails = true;
  await runMs(60_000);
  fails = false;
  await runMs(60_000);
  assert.deepEqual(
    told(world, 'fault', 'fault_cleared', 'device_state').map((event) =>
      'fault' in event ? event.fault.code : 'code' in event ? `cleared ${event.code}` : 'online' in event ? event.online : '',
    ),
    [true, 'CV_FRAME_LENGTH', false, 'cleared CV_FRAME_LENGTH', true],
  );
  await closing(world, host);
});

test('a link that cannot be had: bad once, slots counted, attempts spread out, and all well again after', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  let tries = 0;
  bus.opens = async () => {
    tries += 1;
    throw new FaultError('CV_LINK_REFUSED', { address: '10.0.0.9:502', detail: 'ECONNREFUSED' });
  };
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', {}, 'line'), deviceOf('b', {}, 'line')]);
  await runMs(600_000);
  assert.ok(tries >= 40 && tries <= 90, `${tries} tries in ten minutes`);
  assert.deepEqual(
    samples().map((sample) => [sample.device, sample.quality, sample.flags]),
    [
      ['a', 'bad', ['comm']],
      ['b', 'bad', ['comm']],
    ],
  );
  assert.equal(told(world, 'fault').length, 2);
  const lost = told(world, 'samples_lost').reduce((sum, event) => sum + ('count' in event ? event.count : 0), 0);
  assert.ok(Math.abs(lost - 1200) <= 80, `${lost} slots counted`);
  bus.opens = async () => {};
  await runMs(40_000);
  assert.deepEqual(host.states().map((state) => [state.id, state.online, state.reason]), [['a', true, 'ok'], ['b', true, 'ok']]);
  assert.ok(samples('a').filter((sample) => sample.quality === 'good').length > 5);
  await closing(world, host);
});

test('five hundred devices do not call in the same moment, at start or later', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  const { host, runMs } = start(world, driver, Array.from({ length: 500 }, (_, at) => deviceOf(`d${at}`, { everyMs: 60_000 })));
  await runMs(180_000);
  const most = (fromMs: number, toMs: number, stepMs: number) => {
    const counts = new Map<number, number>();
    for (const ms of Object.values(bus.askedMs).flat())
      if (ms >= fromMs && ms < toMs) counts.set(Math.floor(ms / stepMs), (counts.get(Math.floor(ms / stepMs)) ?? 0) + 1);
    return Math.max(...counts.values());
  };
  assert.ok(Object.values(bus.askedMs).every((asked) => (asked[0] as number) <= 5000), 'first values come soon');
  assert.ok(most(0, 5000, 100) <= 40, `${most(0, 5000, 100)} within 100 ms at start`);
  assert.ok(most(60_000, 180_000, 1000) <= 25, `${most(60_000, 180_000, 1000)} within one second later`);
  await closing(world, host);
});

test('a time-out ends an exchange even when the driver does not listen to its signal', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  const usual = bus.answer;
  let hangs = true;
  bus.answer = (device, request, signal) => (hangs ? new Promise(() => {}) : usual(device, request, signal));
  const { host, samples, runMs } = start(world, driver, [deviceOf('a')]);
  await runMs(30_000);
  hangs = false;
  await runMs(40_000);
  assert.ok(samples().some((sample) => sample.quality === 'bad' && sample.flags.includes('comm')));
  assert.equal(samples().at(-1)?.quality, 'good');
  assert.ok(bus.opened > 1, 'on a new link, since the old one may still be waited on');
  await closing(world, host);
});

test('one request that is never answered does not hide the others of its device', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  const usual = bus.answer;
  bus.answer = (device, request, signal) => (request.points[0] === 'broken' ? silence(signal) : usual(device, request, signal));
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', { points: [point('broken'), point('level'), point('flow')] })]);
  await runMs(600_000);
  for (const id of ['level', 'flow']) {
    const good = samples().filter((sample) => sample.point === id && sample.quality === 'good').length;
    assert.ok(good >= 540, `${id}: ${good}`);
  }
  assert.ok(samples().filter((sample) => sample.point === 'broken').every((sample) => sample.quality === 'bad'));
  assert.equal(host.states()[0]?.online, true);
  await closing(world, host);
});

test('a gateway that says a unit is silent is a silent unit; a unit that says no is there', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'polled', (_frame, request) => {
    const { device } = request as FakeRequest;
    if (device === 'gone') return { ok: false, fault: { code: 'CV_MODBUS_GATEWAY_TARGET', params: {} } };
    if (device === 'refuses') return { ok: false, fault: { code: 'CV_MODBUS_ILLEGAL_ADDRESS', params: {} } };
    return { ok: true, values: [{ point: 'level', value: 1 }] };
  });
  bus.answer = async (device, _request, signal) => { await pause(world.clock, device === 'gone' ? 1500 : 20, signal); };
  const { host, runMs } = start(world, driver, ['gone', 'refuses', 'c', 'd'].map((id) => deviceOf(id, {}, 'line')));
  await runMs(600_000);
  assert.deepEqual(
    host.states().map(({ online, reason }) => [online, reason]),
    [
      [false, 'CV_MODBUS_GATEWAY_TARGET'],
      [true, 'ok'],
      [true, 'ok'],
      [true, 'ok'],
    ],
  );
  for (const id of ['refuses', 'c', 'd']) assert.ok(meanPeriodMs(bus.askedMs[id] as number[]) <= 1100, id);
  assert.ok((bus.askedMs.gone as number[]).length < 30);
  assert.equal(bus.opened, 1, 'the link is well');
  await closing(world, host);
});

test('a decoder that throws is a fault and a bad sample, never the end of the edge', async () => {
  const world = testWorld();
  const { driver } = fakeDriver(world, 'polled', () => { throw new TypeError('x is undefined'); });
  const { host, samples, runMs } = start(world, driver, [deviceOf('a')]);
  await runMs(5000);
  assert.ok(
    samples().length >= 4 && samples().every((sample) => sample.quality === 'bad' && sample.value === null && sample.flags[0] === 'other'),
  );
  const faults = told(world, 'fault');
  assert.deepEqual(
    faults.map((event) => 'fault' in event && event.fault),
    [{ code: 'CV_DRIVER_FAILED', params: { detail: 'x is undefined', device: 'a' } }],
  );
  await closing(world, host);
});

test('a device that speaks by itself: what it says comes at once, its silence is said once as stale', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens');
  const say: ((value: unknown) => void)[] = [];
  bus.speaks = (take, signal) => {
    say[0] = take;
    return silence(signal);
  };
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', { points: [point('level'), point('flow')] })]);
  await settle();
  say[0]?.({ level: 1, flow: 2 });
  await settle();
  assert.deepEqual(
    samples().map((sample) => [sample.point, sample.value, sample.quality, sample.clock]),
    [
      ['level', 1, 'good', 'edge'],
      ['flow', 2, 'good', 'edge'],
    ],
  );
  await runMs(60_000);
  assert.deepEqual(
    samples()
      .slice(2)
      .map((sample) => [sample.point, sample.value, sample.quality, sample.flags]),
    [
      ['level', 1, 'uncertain', ['stale']],
      ['flow', 2, 'uncertain', ['stale']],
    ],
  );
  assert.deepEqual(
    host.states().map((state) => [state.online, state.reason]),
    [[false, 'CV_DEVICE_STALE']],
  );
  say[0]?.({ level: 3 });
  await settle();
  assert.equal(host.states()[0]?.online, true);
  await runMs(60_000);
  assert.deepEqual(
    samples()
      .slice(4)
      .map((sample) => [sample.point, sample.value, sample.quality]),
    [
      ['level', 3, 'good'],
      ['level', 3, 'uncertain'],
    ],
    'flow is still in its stale phase',
  );
  // A sign of life confirms what is known, once a period at most.
  const before = samples().length;
  for (let beat = 0; beat < 4; beat += 1) {
    say[0]?.({});
    await world.clock.advanceMs(500);
  }
  assert.deepEqual(
    samples()
      .slice(before)
      .map((sample) => [sample.point, sample.value, sample.quality]),
    [
      ['level', 3, 'good'],
      ['flow', 2, 'good'],
      ['level', 3, 'good'],
      ['flow', 2, 'good'],
    ],
  );
  await closing(world, host);
});

test('a device that reports changes alone: any word of it confirms its other points', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens');
  driver.reportsChanges = true;
  bus.speaks = async (take, signal) => {
    take({ constant: 7, level: 0 });
    for (let level = 1; await pause(world.clock, 500, signal); level += 1) take({ level });
  };
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', { points: [point('level'), point('constant')] })]);
  await runMs(60_000);
  const constant = samples().filter((sample) => sample.point === 'constant');
  assert.ok(constant.every((sample) => sample.value === 7 && sample.quality === 'good'), 'never stale');
  assert.ok(constant.length >= 55 && constant.length <= 61, `${constant.length} heartbeats in a minute`);
  assert.ok((constant.at(-1)?.at ?? 0) > world.clock.nowMs() - 1500, 'with the time of its confirmation');
  await closing(world, host);
});

test('a value that is bad in a good frame: its fault stands until it is well again', async () => {
  const world = testWorld();
  let isBad = true;
  const { driver } = fakeDriver(world, 'polled', () => ({
    ok: true,
    values: [
      isBad
        ? { point: 'level', value: null, quality: 'bad', flags: ['sensor'], fault: { code: 'CV_FRAME_LENGTH', params: { detail: 'x' } } }
        : { point: 'level', value: 1 },
    ],
  }));
  const { host, runMs } = start(world, driver, [deviceOf('a')]);
  await runMs(10_000);
  isBad = false;
  await runMs(10_000);
  assert.deepEqual(told(world, 'fault', 'fault_cleared').map((event) => event.kind), ['fault', 'fault_cleared']);
  await closing(world, host);
});

test('frames that are over for good (a clip played once) are not opened again', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens');
  bus.speaks = async (take) => {
    take({ level: 1 });
    throw new FaultError('CV_VIDEO_ENDED', { path: 'clip.avi', pictures: 1 });
  };
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', { everyMs: 600_000 })]);
  await runMs(120_000);
  assert.deepEqual([bus.opened, bus.open], [1, 0]);
  assert.deepEqual([samples().at(-1)?.quality, samples().at(-1)?.flags], ['bad', ['stale']]);
  assert.deepEqual(samples().map(({ isLast }) => isLast), [undefined, true]);
  assert.deepEqual(host.states().map(({ online, reason }) => [online, reason]), [[false, 'CV_VIDEO_ENDED']]);
  await closing(world, host);
});

test('frames that end or break: reopened with growing waits, told once', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens');
  let breaks = true;
  bus.speaks = async (take, signal) => {
    take({ level: 1 });
    if (breaks) throw new FaultError('CV_LINK_CLOSED', { address: 'cam', detail: 'ended' });
    await silence(signal);
  };
  const { host, samples, runMs } = start(world, driver, [deviceOf('a', { everyMs: 600_000 })]);
  await runMs(120_000);
  assert.ok(bus.opened >= 8 && bus.opened <= 20, `${bus.opened} openings in two minutes`);
  assert.equal(bus.open, 0);
  breaks = false;
  await runMs(40_000);
  assert.equal(bus.open, 1);
  assert.equal(samples().at(-1)?.quality, 'good');
  await closing(world, host);
  assert.equal(bus.open, 0);
});

test('closing ends within a second whatever the drivers are at, and leaves no link', async () => {
  const never = () => new Promise<never>(() => {});
  const states: [name: string, prepare: (bus: FakeBus) => void, left: number][] = [
    ['in an exchange that heeds its signal', (bus) => { bus.answer = (_device, _request, signal) => silence(signal); }, 0],
    ['in an exchange that does not', (bus) => { bus.answer = never; }, 0],
    ['opening, and heeds', (bus) => { bus.opens = silence; }, 0],
    ['opening, and does not', (bus) => { bus.opens = never; }, 0],
    ['closing for ever', (bus) => { bus.closes = never; }, 0],
    ['waiting for the next try', (bus) => { bus.opens = () => Promise.reject(new Error('no')); }, 0],
  ];
  for (const [name, prepare, left] of states) {
    const world = testWorld();
    const { driver, bus } = fakeDriver(world);
    prepare(bus);
    const { host, runMs } = start(world, driver, [deviceOf('a'), deviceOf('b', {}, 'line'), deviceOf('c', {}, 'line')]);
    await runMs(3000);
    let isClosed = false;
    void Promise.resolve(host.close?.()).then(() => { isClosed = true; });
    await world.clock.advanceMs(1000);
    assert.ok(isClosed, name);
    assert.equal(bus.open, left, name);
    const asked = JSON.stringify(bus.askedMs);
    await world.clock.advanceMs(60_000);
    assert.equal(JSON.stringify(bus.askedMs), asked, `${name}: nothing is asked afterwards`);
  }
});

test('a link that comes too late is closed again', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  const late: (() => void)[] = [];
  bus.opens = () => new Promise((resolve) => { late.push(resolve); });
  const { host, runMs } = start(world, driver, [deviceOf('a')]);
  await runMs(30_000);
  late[0]?.();
  await settle();
  assert.equal(bus.open, 0);
  await closing(world, host);
});

test('the same seed gives the same polls', async () => {
  const run = async () => {
    const world = testWorld(undefined, 7);
    const { driver, bus } = fakeDriver(world);
    const { host, runMs } = start(world, driver, [deviceOf('a'), deviceOf('b', { everyMs: 700 })]);
    await runMs(20_000);
    await closing(world, host);
    return bus.askedMs;
  };
  assert.deepEqual(await run(), await run());
});

test('a point of a shared bus is stale only when the longest of its neighbours\' time-outs could not have held it up', async () => {
  const world = testWorld();
  let polls = 0;
  const { driver } = fakeDriver(world, 'polled', (frame, request) => ({
    ok: true,
    values: (request?.points ?? [])
      .filter((of) => of === 'level' || (polls += 1) <= 3)
      .map((of) => ({ point: of, value: frame as number })),
  }));
  const both = { points: [point('level'), point('flow')] };
  const { host, runMs } = start(world, driver, [
    deviceOf('a', { ...both, timeoutMs: 300 }, 'line'),
    deviceOf('b', { timeoutMs: 700 }, 'line'),
    deviceOf('c', { timeoutMs: 400 }, 'line'),
    deviceOf('alone', { ...both, timeoutMs: 900 }),
  ]);
  await runMs(20_000);
  assert.deepEqual(
    Object.fromEntries(
      told(world, 'fault').map((event) => ('fault' in event ? [event.device, [event.fault.code, event.fault.params.ageMs]] : [])),
    ),
    { a: ['CV_DEVICE_STALE', 3700], alone: ['CV_DEVICE_STALE', 3000] },
  );
  await closing(world, host);
});
