/** Reads and writes on demand between polls: one exchange at a time, nobody starved, nothing made twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence, type FakeRequest } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { pause } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { read } from './read.ts';
import type { WriteResult } from './write.ts';

type Step = FakeRequest & { set?: number };
const HERE = new AbortController().signal;
const ready = () => Promise.resolve();

function bench(everyMs = 1000, devices = ['a', 'b']) {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'polled', (frame, request) => {
    if ((request as Step | undefined)?.set !== undefined)
      return frame === 'no'
        ? { ok: false, fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no' } }, points: [] }
        : { ok: true, values: [] };
    return { ok: true, values: (request?.points ?? []).map((point) => ({ point, value: frame as number })) };
  });
  const cells: Record<string, number> = {};
  const sets: number[] = [];
  /** What becomes of a write: taken, and confirmed; or otherwise. */
  const set = { run: (_step: Step, _signal: AbortSignal): Promise<unknown> => Promise.resolve('ok') };
  const writing: Driver = { ...driver, traits: ['polled', 'writes'], write: (point, value, settings) => {
    if (value === 13) throw new FaultError('CV_COMMAND_VALUE', { value: 13, point: point.id, detail: '' });
    const { device } = settings as { device: string };
    return [{ points: [], device, set: value } as Step, { points: [point.id], device } as Step];
  } };
  bus.answer = async (device, request, signal) => {
    await pause(world.clock, 20, signal);
    const step = request as Step;
    if (step.set === undefined) return cells[device] ?? 0;
    sets.push(step.set);
    const answer = await set.run(step, signal);
    if (answer !== 'no') cells[device] = step.set;
    return answer;
  };
  const point = {
    id: 'level',
    indicator: 'T',
    unit: 'm',
    scale: 1,
    offset: 0,
    faultCodes: [],
    limits: [],
    kind: 'measurement' as const,
    own: { id: 'level' },
  };
  const setups = devices.map((id): DeviceSetup => ({
    id,
    driver: 'fake',
    subject: id,
    settings: { device: id, bus: 'line' },
    everyMs,
    timeoutMs: 500,
    points: [point],
  }));
  const host = read(
    setups.map((setup) => ({ setup, driver: writing })),
    world,
  );
  void host.open?.(() => {});
  const done = async <T>(work: Promise<T>, ms = 5000): Promise<T> => {
    const settled = Promise.allSettled([work]);
    await world.clock.advanceMs(ms);
    const [result] = await settled;
    if (result?.status === 'fulfilled') return result.value;
    throw result?.reason;
  };
  const close = async () => {
    const closed = host.close?.();
    await world.clock.advanceMs(1000);
    await closed;
  };
  return { world, host, bus, cells, sets, set, done, close };
}

test('a write goes between two polls, is read back, and never two exchanges at once', async () => {
  const { host, bus, done, cells, close } = bench();
  const writes = await done(
    Promise.all([
      host.write('a', 'level', 1, ready, HERE),
      host.write('b', 'level', 2, ready, HERE),
      host.write('a', 'level', 3, ready, HERE),
    ]),
  );
  assert.deepEqual(
    writes,
    [1, 2, 3].map((readBack): WriteResult => ({ outcome: 'done', readBack })),
  );
  assert.deepEqual([cells, bus.mostBusy], [{ a: 3, b: 2 }, 1]);
  await close();
});

test('however many errands come, polls keep their period', async () => {
  const { host, world, bus, close } = bench(200);
  let asking = true;
  const flood = (async () => { while (asking) await host.readNow('a', ['level'], HERE).catch(() => undefined); })();
  await world.clock.advanceMs(20_000);
  const polls = bus.askedMs.b?.length ?? 0;
  assert.ok(polls >= 90, `b was polled ${polls} times in 20 s`);
  assert.ok((bus.askedMs.a?.length ?? 0) > 200);
  asking = false;
  await close();
  await flood;
});

test('what became of it is said as it is: refused by the device, silent but done, silent and not done, read back otherwise', async () => {
  const { host, set, sets, done, cells, close } = bench();
  const outcome = async (value: number) => {
    const { outcome: what, ...rest } = await done(host.write('a', 'level', value, ready, HERE));
    return [what, 'fault' in rest ? rest.fault.code : null];
  };
  set.run = () => Promise.resolve('no');
  assert.deepEqual(await outcome(1), ['failed', 'CV_FRAME_INVALID']);
  set.run = (step, signal) => { cells.a = step.set ?? 0; return silence(signal); };
  assert.deepEqual(await outcome(2), ['done', null]);
  set.run = (_step, signal) => silence(signal);
  assert.deepEqual(await outcome(3), ['unknown', 'CV_COMMAND_UNCONFIRMED']);
  set.run = (step) => { step.set = 99; return Promise.resolve('ok'); };
  assert.deepEqual(await outcome(4), ['failed', 'CV_COMMAND_READ_BACK']);
  assert.deepEqual(sets, [1, 2, 3, 4], 'each was sent once');
  await close();
});

test('nothing is sent when the driver, or whoever is asked last, says no; a bus without a link says so; waiting ends with its signal', async () => {
  const { host, sets, done, bus, close, world } = bench();
  await assert.rejects(done(host.write('a', 'level', 13, ready, HERE)), { name: 'CV_COMMAND_VALUE' });
  await assert.rejects(done(host.write('a', 'level', 1, () => Promise.reject(new FaultError('CV_COMMAND_EXPIRED', { lateMs: 1 })), HERE)), {
    name: 'CV_COMMAND_EXPIRED',
  });
  await assert.rejects(done(host.write('nobody', 'level', 1, ready, HERE)), { name: 'CV_LINK_CLOSED' });
  bus.answer = () => Promise.reject(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: '' }));
  bus.opens = () => Promise.reject(new FaultError('CV_LINK_REFUSED', { address: 'x', detail: '' }));
  await world.clock.advanceMs(3000);
  await assert.rejects(done(host.write('a', 'level', 1, ready, HERE), 30_000), { name: 'CV_LINK_REFUSED' });
  bus.opens = (signal) => silence(signal);
  const patience = new AbortController();
  const waiting = host.write('a', 'level', 1, ready, patience.signal);
  patience.abort(new FaultError('CV_COMMAND_EXPIRED', { lateMs: 0 }));
  await assert.rejects(waiting, { name: 'CV_COMMAND_EXPIRED' });
  assert.deepEqual(sets, []);
  await close();
});
