import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { LOG_START, type Cursor, type GatewayLog } from '../../log/types.ts';
import { openMemoryGatewayLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { encodeBatch, readBatch } from '../../core/wire/batch.ts';
import type { Consumer } from './consumer.ts';
import { loggedEvents, LogBatch, type LoggedEvent } from './log-batch.ts';
import { openLogFeed } from './log-feed.ts';
import '../sinks/faults.ts';

const draft = (value: number): Draft => ({
  device: 'plc',
  point: 'level',
  indicator: 'X',
  centre: '500112001',
  kind: 'measurement',
  value,
  unit: 'm',
  occurredAt: value,
  clock: 'edge',
  observedAt: 5,
  quality: 'good',
  origin: 'live',
});

function appendTo(log: GatewayLog) {
  let seq = 1;
  return async (...values: number[]): Promise<void> => {
    const payload = encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq }, values.map(draft));
    await log.accept([
      {
        origin: { sender: 'pump', stream: 'measurement', epoch: 1, seq, span: values.length, receivedAt: 77 },
        count: values.length,
        payload,
      },
    ]);
    seq += values.length;
  };
}

interface Heard extends Consumer {
  taken: LoggedEvent[];
  cursor: Cursor;
  closed: number;
}

function consumer(name: string, over: Partial<Consumer> = {}, from: Cursor = LOG_START): Heard {
  const heard: Heard = {
    name, required: true, taken: [], cursor: from, closed: 0,
    start: () => Promise.resolve(heard.cursor),
    take: (groups, upTo) => { heard.taken.push(...loggedEvents(groups)); heard.cursor = upTo; return Promise.resolve(); },
    close: () => { heard.closed += 1; return Promise.resolve(); },
    ...over,
  };
  return heard;
}
const valuesOf = ({ taken }: Heard) => taken.map(({ event }) => event.value);

async function rig() {
  const world = testWorld();
  const log = await openMemoryGatewayLog({ gateway: 'g' }, world);
  const held = new Map<string, Cursor>();
  return {
    world,
    log: {
      ...log,
      setConsumer: (name: string, cursor: Cursor) => {
        held.set(name, cursor);
      },
    } satisfies GatewayLog,
    held,
    append: appendTo(log),
  };
}

test('each consumer gets every event once, in order, with its place and time of arrival', async () => {
  const { world, log, append, held } = await rig();
  await append(1, 2);
  const [one, two] = [consumer('one'), consumer('two')];
  const feed = openLogFeed(log, [one, two], world);
  await feed.start();
  await append(3);
  await settle();
  await append(4, 5);
  await settle();
  assert.deepEqual(valuesOf(one), [1, 2, 3, 4, 5]);
  assert.deepEqual(valuesOf(two), [1, 2, 3, 4, 5]);
  assert.deepEqual(one.taken.map(({ cursor: { seq }, receivedAt }) => [seq, receivedAt]), [[1, 77], [2, 77], [3, 77], [4, 77], [5, 77]]);
  assert.deepEqual([held.get('one'), feed.lag('one')], [log.head(), 0]);
  await feed.close();
  assert.deepEqual([one.closed, two.closed], [1, 1]);
});

test('consumers come and go while others are fed: one that comes has all it lacks, the log waits for one that went no more', async () => {
  const { world, log, append, held } = await rig();
  const one = consumer('one');
  const feed = openLogFeed({ ...log, removeConsumer: (name) => { held.delete(name); } }, [one], world);
  await feed.start();
  await append(1, 2);
  await settle();
  const late = consumer('late', { required: false });
  await feed.addConsumer(late);
  await append(3);
  await settle();
  assert.deepEqual([valuesOf(one), valuesOf(late), feed.lag('late')], [[1, 2, 3], [1, 2, 3], 0]);
  await feed.removeConsumer('late');
  await append(4);
  await settle();
  assert.deepEqual([valuesOf(one), valuesOf(late), late.closed, [...held.keys()]], [[1, 2, 3, 4], [1, 2, 3], 1, ['one']]);
  // One that cannot go on goes all the same.
  const stuck = consumer('stuck', {
    required: false,
    take: () => Promise.reject(new FaultError('CV_STORE_FAILED', { path: 'p', detail: 'd' })),
  });
  await feed.addConsumer(stuck);
  await settle();
  await feed.removeConsumer('stuck');
  await feed.close();
  assert.deepEqual([one.closed, late.closed, stuck.closed], [1, 1, 1]);
});

test('a consumer goes on from its place, also from the middle of a group', async () => {
  const { world, log, append } = await rig();
  await append(1, 2, 3);
  await append(4);
  const one = consumer('one', {}, { epoch: log.epoch, seq: 2 });
  const feed = openLogFeed(log, [one], world);
  await feed.start();
  await settle();
  assert.deepEqual(valuesOf(one), [3, 4]);
  await feed.close();
});

test('a consumer that fails is given the same again, and holds up nobody else', async () => {
  const { world, log, append } = await rig();
  await append(1);
  let failures = 3;
  const failing: Heard = consumer('failing', { take: (groups, upTo) => {
    failures -= 1;
    if (failures >= 0) return Promise.reject(new Error('disk'));
    failing.taken.push(...loggedEvents(groups));
    failing.cursor = upTo;
    return Promise.resolve();
  } });
  const well = consumer('well');
  const feed = openLogFeed(log, [failing, well], world);
  await feed.start();
  await append(2);
  await settle();
  assert.deepEqual([valuesOf(failing), valuesOf(well)], [[], [1, 2]]);
  assert.equal(feed.lag('failing'), 2);
  await world.clock.advanceMs(5000);
  assert.deepEqual(valuesOf(failing), [1, 2]);
  assert.equal(world.told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_CONSUMER_FAILED').length, 3);
  await feed.close();
});

test('closing waits for what a consumer has in hand, and gives it nothing more', async () => {
  const { world, log, append } = await rig();
  let finish = () => {};
  const slow: Heard = consumer('slow', { take: (groups) => new Promise((resolve) => {
    slow.taken.push(...loggedEvents(groups));
    finish = resolve;
  }) });
  const feed = openLogFeed(log, [slow], world);
  await feed.start();
  await append(1);
  await settle();
  await append(2);
  let closed = false;
  const closing = feed.close().then(() => { closed = true; });
  await settle();
  assert.deepEqual([closed, slow.closed], [false, 0]);
  finish();
  await closing;
  assert.deepEqual([valuesOf(slow), slow.closed], [[1], 1]);
  assert.equal(feed.lag('slow'), 1, 'what it left for the next start');
});

test('a consumer that fails for good does not keep the feed from closing', async () => {
  const { world, log, append } = await rig();
  const failing = consumer('failing', { take: () => Promise.reject(new Error('disk')) });
  const feed = openLogFeed(log, [failing], world);
  await feed.start();
  await append(1);
  await settle();
  await feed.close();
  assert.equal(failing.closed, 1);
});

test('what was let go before a consumer took it is told with its range', async () => {
  const { world, log, append } = await rig();
  for (let value = 1; value <= 5; value += 1) await append(value);
  const tail = { epoch: log.epoch, seq: 3 };
  const trimmed: GatewayLog = { ...log, tail: () => tail, read: (after, limit) => log.read(after.seq < 3 ? tail : after, limit) };
  const one = consumer('one', { required: false }, { epoch: log.epoch, seq: 1 });
  const feed = openLogFeed(trimmed, [one], world);
  await feed.start();
  await settle();
  assert.deepEqual(valuesOf(one), [4, 5]);
  const told = world.told.find((event) => event.kind === 'fault' && event.fault.code === 'CV_CONSUMER_OVERRUN');
  assert.ok(told);
  assert.deepEqual(world.told.filter((event) => event.kind === 'samples_lost').map((event) => event.count), [2]);
  await feed.close();
});

test('a place beyond the end of the log is told; what comes after is taken', async () => {
  const { world, log, append } = await rig();
  await append(1);
  const one = consumer('one', {}, { epoch: log.epoch, seq: 9 });
  const feed = openLogFeed(log, [one], world);
  await feed.start();
  assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_CONSUMER_AHEAD'));
  await feed.close();
});

test('a group that cannot be read is counted and passed over', async () => {
  const { world, log, append } = await rig();
  await log.accept([
    {
      origin: { sender: 'pump', stream: 'measurement', epoch: 9, seq: 1, span: 4, receivedAt: 1 },
      count: 4,
      payload: Buffer.from('broken'),
    },
  ]);
  await append(1);
  const one = consumer('one');
  const feed = openLogFeed(log, [one], world);
  await feed.start();
  await settle();
  assert.deepEqual(valuesOf(one), [1]);
  assert.ok(world.told.some((event) => event.kind === 'samples_lost' && event.reason === 'log_damaged' && event.count === 4));
  await feed.close();
});

test('what will not come is said before what comes next, and again after a fault', async () => {
  const { world, log, append } = await rig();
  for (let value = 1; value <= 5; value += 1) await append(value);
  const tail = { epoch: log.epoch, seq: 3 };
  const trimmed: GatewayLog = { ...log, tail: () => tail, read: (after, limit) => log.read(after.seq < 3 ? tail : after, limit) };
  const said: string[] = [];
  let failures = 2;
  const missed: Consumer['missed'] = ({ from, to, count, toAt }) => {
    said.push(`missed ${from.seq}-${to.seq} ${count} ${toAt}`);
    failures -= 1;
    return failures < 0 ? Promise.resolve() : Promise.reject(new Error('away'));
  };
  const optional: Heard = consumer(
    'optional',
    {
      required: false,
      missed,
      take: (groups) => {
        said.push(...loggedEvents(groups).map(({ event }) => `took ${String(event.value)}`));
        return Promise.resolve();
      },
    },
    { epoch: log.epoch, seq: 1 },
  );
  const fresh = consumer('fresh', { missed: () => Promise.reject(new Error('a new one misses nothing')) });
  const feed = openLogFeed(trimmed, [optional, fresh], world);
  await feed.start();
  await world.clock.advanceMs(5000);
  assert.deepEqual(said, ['missed 1-4 2 77', 'missed 1-4 2 77', 'missed 1-4 2 77', 'took 4', 'took 5']);
  assert.deepEqual(valuesOf(fresh), [4, 5]);
  assert.equal(world.told.reduce((sum, event) => sum + (event.kind === 'samples_lost' ? event.count : 0), 0), 2);
  await feed.close();
});

test('how far each is behind is told at the start, and every second where it is news: while it is waited for, when it has caught up, when it has left', async () => {
  const { world, log, append } = await rig();
  let goOn = () => {};
  const slow = consumer('slow', { take: () => new Promise((resolve) => { goOn = resolve; }) });
  const feed = openLogFeed(log, [slow, consumer('quick')], world);
  const told = () => world.told.splice(0).flatMap((event) => (event.kind === 'consumer_lag' ? [[event.consumer, event.value]] : []));
  await feed.start();
  assert.deepEqual(told(), [['slow', 0], ['quick', 0]]);
  await append(1, 2);
  await settle();
  await world.clock.advanceMs(1000);
  assert.deepEqual(told(), [['slow', 2]]);
  await world.clock.advanceMs(5000);
  assert.deepEqual(told(), []);
  goOn();
  await settle();
  await world.clock.advanceMs(1000);
  assert.deepEqual(told(), [['slow', 0]]);
  await append(3);
  await settle();
  await world.clock.advanceMs(1000);
  assert.deepEqual(told(), [['slow', 1]]);
  const left = feed.removeConsumer('slow');
  goOn();
  await left;
  assert.deepEqual(told(), [['slow', 0]]);
  await feed.close();
});

test('a fault of a sink is told as it is; whoever waits is told to stop', async () => {
  const { world, log, append } = await rig();
  let giveUp = (_error: Error) => {};
  const waiting: Heard = consumer('sink-x', {
    required: false, take: () => new Promise((_resolve, reject) => { giveUp = reject; }), halt: () => giveUp(new Error('halted')),
  });
  const failing = consumer('sink-y', {
    required: false,
    take: () => Promise.reject(new FaultError('CV_SINK_DENIED', { sink: 'y', url: 'u', status: 401, detail: 'd' })),
  });
  const feed = openLogFeed(log, [waiting, failing], world);
  await feed.start();
  await append(1, 2);
  await settle();
  assert.deepEqual(world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : [])), ['CV_SINK_DENIED']);
  await feed.close();
  assert.deepEqual([waiting.closed, failing.closed], [1, 1]);
});

test('a target that asks to be left alone for a while is', async () => {
  const { world, log, append } = await rig();
  let asked = 0;
  const limited = consumer('sink-x', {
    required: false,
    take: () => {
      asked += 1;
      return Promise.reject(
        new FaultError('CV_SINK_BUSY', { sink: 'x', url: 'u', status: 429, detail: 'd', retryAfterMs: asked === 1 ? 30_000 : 1e12 }),
      );
    },
  });
  const feed = openLogFeed(log, [limited], world);
  await feed.start();
  await append(1);
  await world.clock.advanceMs(29_000);
  assert.equal(asked, 1);
  await world.clock.advanceMs(2000);
  assert.equal(asked, 2);
  await world.clock.advanceMs(290_000);
  assert.equal(asked, 2);
  await world.clock.advanceMs(20_000);
  assert.equal(asked, 3);
  await feed.close();
});

test('who keeps up gets what was offered and reads nothing; who comes from further back reads, and meets it', async () => {
  const { world, log, append } = await rig();
  await append(1, 2);
  let reads = 0;
  const counted: GatewayLog = { ...log, read: (after, limit) => { reads += 1; return log.read(after, limit); } };
  const [one, late] = [consumer('one', {}, { epoch: log.epoch, seq: 2 }), consumer('late')];
  const feed = openLogFeed(counted, [one, late], world);
  await feed.start();
  await settle();
  const before = reads;
  for (let value = 3; value <= 6; value += 1) {
    feed.offer([
      new LogBatch(
        readBatch(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: value }, [draft(value)])),
        { epoch: log.epoch, seq: value },
        77,
      ),
    ]);
    await append(value);
    await settle();
  }
  assert.deepEqual([valuesOf(one), valuesOf(late)], [[3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]);
  assert.equal(reads, before);
  // The log wrote something by itself: it is read, and what is offered after it goes on from there.
  await append(7);
  await settle();
  assert.deepEqual(valuesOf(one), [3, 4, 5, 6, 7]);
  assert.ok(reads > before);
  await feed.close();
});

test('groups that were decoded are shared by whoever reads them soon after, and let go of when they come to many events', async () => {
  const { world, log, append } = await rig();
  for (let group = 0; group < 5; group += 1) await append(...Array.from({ length: 5000 }, (_, at) => group * 5000 + at));
  const seen: Record<string, LogBatch[]> = { one: [], two: [] };
  const reader = (name: string) =>
    consumer(name, {
      required: false,
      take: (groups) => {
        seen[name]?.push(...groups);
        return Promise.resolve();
      },
    });
  const feed = openLogFeed(log, [reader('one')], world);
  await feed.start();
  for (let turn = 0; turn < 10; turn += 1) await settle();
  await feed.addConsumer(reader('two'));
  for (let turn = 0; turn < 10; turn += 1) await settle();
  await feed.close();
  const [one, two] = [seen.one as LogBatch[], seen.two as LogBatch[]];
  assert.deepEqual([one, two].map((groups) => groups.reduce((sum, { columns }) => sum + columns.count, 0)), [25_000, 25_000]);
  assert.notEqual(one[0]?.columns, two[0]?.columns, 'the oldest had been let go of');
});
