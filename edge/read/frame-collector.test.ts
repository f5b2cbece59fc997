/** What devices say by themselves: one list a turn of the event loop, in order, and nothing of it lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded, FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence } from '../testing/fake-device.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample, type DecodedItem } from '../item.ts';
import { FrameCollector } from './frame-collector.ts';
import { read } from './read.ts';

const deviceOf = (id: string): DeviceSetup => ({
  id,
  driver: 'fake',
  subject: id,
  settings: { device: id },
  everyMs: 3_600_000,
  timeoutMs: 1000,
  points: [
    { id: 'level', indicator: 'T', unit: 'm', scale: 1, offset: 0, faultCodes: [], limits: [], kind: 'measurement', own: { id: 'level' } },
  ],
});

interface Started {
  host: ReturnType<typeof read>;
  world: ReturnType<typeof testWorld>;
  /** What one device after the other has to say to, or to break off with. */
  say: FrameHandler<unknown>[];
  breakOff: ((error: Error) => void)[];
  lists: string[][];
  taken: unknown[];
  whenKept: PromiseWithResolvers<boolean>;
  opened(): number;
}

/** @param keeps whether links want to know what is on disk */
async function start(devices: number, keeps = false, decode?: (frame: unknown) => Decoded): Promise<Started> {
  const world = testWorld();
  const { driver, bus } = fakeDriver(world, 'listens', decode);
  const say: FrameHandler<unknown>[] = [];
  const breakOff: ((error: Error) => void)[] = [];
  bus.speaks = (take, signal) => new Promise((_resolve, reject) => {
    say.push(take);
    breakOff.push(reject);
    silence(signal).catch(reject);
  });
  const taken: unknown[] = [];
  const { open } = driver;
  if (keeps) {
    const confirmStored = (frame: unknown) => { taken.push(frame); };
    driver.open = async (...given) => Object.assign(await open(...given), { confirmStored });
  }
  const whenKept = Promise.withResolvers<boolean>();
  const host = read(Array.from({ length: devices }, (_, at) => ({ setup: deviceOf(`d${at}`), driver })), world, () => whenKept.promise);
  const lists: string[][] = [];
  const word = (item: DecodedItem) => (isSample(item) ? `${item.device}=${String(item.value)}` : 'picture');
  void host.open?.((items) => { lists.push(items.map(word)); });
  await settle();
  return { host, world, say, breakOff, lists, taken, whenKept, opened: () => bus.opened };
}

async function close({ host, world }: Started): Promise<void> {
  const closed = host.close?.();
  await world.clock.advanceMs(1000);
  await closed;
}

test('what devices say in one turn goes down the line as one list, in its order, and nothing before the turn ends', async () => {
  const at = await start(3);
  for (const value of [1, 2]) for (const say of at.say) say({ level: value });
  assert.deepEqual(at.lists, []);
  await settle();
  assert.deepEqual(at.lists, [['d0=1', 'd1=1', 'd2=1', 'd0=2', 'd1=2', 'd2=2']]);
  at.say[1]?.({ level: 3 });
  await settle();
  assert.deepEqual(at.lists.slice(1), [['d1=3']]);
  await close(at);
});

test('all that came in one turn has one time, as it has in a replay, however long it takes to be taken', () => {
  let nowMs = 1000;
  const times: number[] = [];
  const receiver = { receive: (_frame: unknown, arrivedAt: number) => { times.push(arrivedAt); return false; }, frameKept() {}, failed() {} };
  const collector = new FrameCollector(() => {}, () => Promise.resolve(true), { nowMs: () => (nowMs += 1) });
  collector.add(receiver, 1);
  collector.add(receiver, 2);
  collector.drain();
  collector.add(receiver, 3);
  collector.close();
  assert.deepEqual(times, [1001, 1001, 1002]);
});

test('what was said is told before the link broke, and before the edge ends', async () => {
  const at = await start(2);
  at.say[0]?.({ level: 1 });
  at.breakOff[0]?.(new FaultError('CV_LINK_CLOSED', { address: 'd0', detail: 'by the device' }));
  await settle();
  assert.deepEqual(at.lists.flat(), ['d0=1', 'd0=null']);
  const told = at.world.told.flatMap((event) =>
    event.kind === 'samples_read' || event.kind === 'fault' ? [`${event.kind} ${event.device}`] : [],
  );
  assert.deepEqual(told, ['samples_read d0', 'fault d0', 'samples_read d0']);
  at.say[1]?.({ level: 2 });
  const closed = at.host.close?.();
  at.say[1]?.({ level: 3 });
  await at.world.clock.advanceMs(1000);
  await closed;
  assert.deepEqual(at.lists.flat(), ['d0=1', 'd0=null', 'd1=2'], 'and what comes afterwards is not');
});

test('whoever asks for the newest values of a device that speaks has what it said down the line', async () => {
  const at = await start(1);
  at.say[0]?.({ level: 1 });
  await at.host.readNow('d0', ['level'], new AbortController().signal);
  assert.deepEqual(at.lists.flat(), ['d0=1']);
  await close(at);
});

test('a link hears that its frame is on disk when all of the turn is, and not when it is not, or could not be read', async () => {
  for (const isKept of [true, false]) {
    const at = await start(2, true, (frame) =>
      frame === 'odd'
        ? { ok: false, fault: { code: 'CV_FRAME_INVALID', params: { detail: 'odd' } } }
        : { ok: true, values: [{ point: 'level', value: 1 }] },
    );
    at.say[0]?.('a');
    at.say[1]?.('odd');
    at.say[1]?.('b');
    await settle();
    assert.deepEqual(at.taken, [], 'not decided yet');
    at.whenKept.resolve(isKept);
    await settle();
    assert.deepEqual(at.taken, isKept ? ['a', 'b'] : []);
    await close(at);
  }
});

test('a frame that breaks the host ends its own link, and takes nothing of the others along', async () => {
  const at = await start(2, false, (frame) => ({ ok: true, values: frame === 'odd' ? 7 as never : [{ point: 'level', value: 1 }] }));
  at.say[0]?.('odd');
  at.say[1]?.('b');
  await at.world.clock.advanceMs(60_000);
  assert.deepEqual(at.lists.flat(), ['d1=1', 'd0=null']);
  assert.deepEqual(
    at.world.told.flatMap((event) => (event.kind === 'fault' ? [`${event.device} ${event.fault.code}`] : [])),
    ['d0 CV_DRIVER_FAILED'],
  );
  assert.equal(at.opened(), 3, 'it is opened anew');
  await close(at);
});
