import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence, type FakeBus } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { tryDevice } from './device-trial.ts';

const points = ['a', 'b', 'c'].map((id) => ({
  id,
  indicator: 'T',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement' as const,
  own: { id },
}));
const setup = { id: 'plc', driver: 'fake', subject: 'plc', settings: { device: 'plc' }, everyMs: 1000, timeoutMs: 2000, points };

async function tried(trait: 'polled' | 'listens', decode: ((frame: unknown) => Decoded) | undefined, arrange: (bus: FakeBus) => void) {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, trait, decode);
  arrange(bus);
  const trying = tryDevice({ setup, driver }, world, new AbortController().signal);
  await world.clock.advanceMs(60_000);
  return { ...await trying, asked: bus.askedMs.plc?.length ?? 0, open: bus.open };
}

const status = (node: string) => ({ code: 'CV_OPCUA_STATUS' as const, params: { node, status: '0x80340000' } });

test('each point that is bad for a reason of its own says so, alike or not', async () => {
  const decode = (): Decoded => ({
    ok: true,
    values: ['a', 'b', 'c'].map((point) => ({ point, value: null, quality: 'bad', flags: ['other'], fault: status(point) })),
  });
  const { faults, points } = await tried('listens', decode, (bus) => {
    bus.speaks = async (take) => {
      take({});
    };
  });
  assert.deepEqual(
    faults.map(({ params }) => params.node),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(
    points.map(({ sample }) => sample?.quality),
    ['bad', 'bad', 'bad'],
  );
});

test('frames that cannot be read each say why, once', async () => {
  const decode = (frame: unknown): Decoded => ({
    ok: false,
    fault: { code: 'CV_OPCUA_TYPE', params: { node: String(frame), type: 'Int32 (array)' } },
    points: [String(frame)],
  });
  const { faults } = await tried('listens', decode, (bus) => {
    bus.speaks = async (take) => {
      for (const one of ['a', 'b', 'b', 'c']) take(one);
    };
  });
  assert.deepEqual(
    faults.map(({ params }) => params.node),
    ['a', 'b', 'c'],
  );
});

test('a link that is lost at the first of three requests is told once, and the other two are not made', async () => {
  const { faults, asked, points, isOpen, open } = await tried('polled', undefined, (bus) => {
    bus.answer = async () => { throw new FaultError('CV_LINK_CLOSED', { address: 'plc', detail: 'ECONNRESET' }); };
  });
  assert.deepEqual([faults.map(({ code }) => code), asked, isOpen, open], [['CV_LINK_CLOSED'], 1, true, 0]);
  assert.deepEqual(points.map(({ point, sample }) => [point, sample?.quality]), [['a', 'bad'], ['b', undefined], ['c', undefined]]);
});

test('one request of three without an answer costs its own point alone', async () => {
  const { faults, asked, points } = await tried('polled', undefined, (bus) => {
    const usual = bus.answer;
    bus.answer = async (device, request, signal) => {
      if (request.points[0] === 'a') throw new FaultError('CV_LINK_TIMEOUT', { address: 'plc', timeoutMs: 2000 });
      return usual(device, request, signal);
    };
  });
  assert.deepEqual([faults.map(({ code }) => code), asked], [['CV_LINK_TIMEOUT'], 3]);
  assert.deepEqual(points.map(({ sample }) => sample?.quality), ['bad', 'good', 'good']);
});

test('a probe that fails is a fault beside what was read; one that finds something is given as it is', async () => {
  const world = testWorld();
  const { driver } = fakeDriver(world);
  const run = async (probe: NonNullable<typeof driver.probe>) => {
    const trying = tryDevice({ setup, driver: { ...driver, probe } }, world, new AbortController().signal);
    await world.clock.advanceMs(60_000);
    return trying;
  };
  const failed = await run(() => Promise.reject(new FaultError('CV_LINK_REFUSED', { address: 'plc', detail: 'ECONNREFUSED' })));
  assert.deepEqual(
    [failed.faults, failed.findings, failed.points.map(({ sample }) => sample?.quality)],
    [[{ code: 'CV_LINK_REFUSED', params: { address: 'plc', detail: 'ECONNREFUSED' } }], [], ['good', 'good', 'good']],
  );
  const broken = await run(() => Promise.reject(new TypeError('x is undefined')));
  assert.deepEqual(broken.faults, [{ code: 'CV_DRIVER_FAILED', params: { device: 'plc', detail: 'x is undefined' } }]);
  const finding = { level: 'good' as const, en: 'answers', zh: '有应答' };
  assert.deepEqual((await run(() => Promise.resolve([finding as never]))).findings, [finding]);
  const hanging = await run(() => new Promise(() => {}));
  assert.deepEqual(hanging.faults, [{ code: 'CV_LINK_TIMEOUT', params: { address: 'plc (plc)', timeoutMs: 10_000 } }]);
});

test('a device that cannot be opened is not asked, not probed, and says why', async () => {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world);
  bus.opens = () => Promise.reject(new FaultError('CV_LINK_REFUSED', { address: 'plc', detail: 'ECONNREFUSED' }));
  let probed = 0;
  const trying = tryDevice(
    { setup, driver: { ...driver, probe: () => Promise.resolve([(probed += 1) as never]) } },
    world,
    new AbortController().signal,
  );
  await world.clock.advanceMs(60_000);
  const { isOpen, faults, points } = await trying;
  assert.deepEqual(
    [isOpen, faults.map(({ code }) => code), probed, points],
    [false, ['CV_LINK_REFUSED'], 0, ['a', 'b', 'c'].map((point) => ({ point, sample: null, tookMs: 0 }))],
  );
});

test('points of which nothing came while it listened are named, after as long as two periods, 5 s at least and 20 s at most', async () => {
  for (const [everyMs, waitMs] of [[1000, 5000], [4000, 8000], [60_000, 20_000]] as const) {
    const world = testWorld();
    const { driver, bus } = fakeDriver(world, 'listens');
    bus.speaks = async (take, signal) => {
      take({ b: 1 });
      await new Promise((resolve) => { signal.addEventListener('abort', resolve, { once: true }); });
    };
    const trying = tryDevice({ setup: { ...setup, everyMs }, driver }, world, new AbortController().signal);
    await world.clock.advanceMs(60_000);
    const { faults, points } = await trying;
    assert.deepEqual(faults, ['a', 'c'].map((point) => ({ code: 'CV_POINT_SILENT', params: { device: 'plc', point, waitMs } })));
    assert.deepEqual(points.map(({ sample }) => sample?.value), [undefined, 1, undefined]);
  }
});

test('each reading says how long it took from its question', async () => {
  const { points } = await tried('polled', undefined, () => {});
  assert.deepEqual(points.map(({ point, sample, tookMs }) => [point, sample?.value, tookMs]), [['a', 1, 20], ['b', 2, 20], ['c', 3, 20]]);
});

test('that its time to listen is over is no fault of a device; that its link breaks meanwhile is', async () => {
  const heard = await tried('listens', undefined, (bus) => {
    bus.speaks = async (take, signal) => {
      take({ a: 1, b: 2 });
      await silence(signal);
    };
  });
  assert.deepEqual(heard.faults.map(({ code, params }) => [code, params.point]), [['CV_POINT_SILENT', 'c']]);
  const broken = await tried('listens', undefined, (bus) => {
    bus.speaks = async (take) => {
      take({ a: 1 });
      throw new FaultError('CV_LINK_CLOSED', { address: 'plc', detail: 'ECONNRESET' });
    };
  });
  assert.equal(broken.faults[0]?.code, 'CV_LINK_CLOSED');
});
