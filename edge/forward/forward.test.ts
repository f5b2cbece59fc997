import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { STREAMS } from '../../core/event.ts';
import type { EdgeLog } from '../../log/types.ts';
import { memoryDisk, openMemoryEdgeLog, type MemoryDisk } from '../../log/testing/memory-log.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { line } from '../../core/line.ts';
import { FakeGateway, type GatewayBehaviour } from '../testing/fake-gateway.ts';
import { fastWorld, type FastWorld } from '../testing/fast-world.ts';
import { forward, type ForwardStation } from './forward.ts';
import { keep } from '../keep/keep.ts';

const EDGE = 'pump-07';
const CENTRE = '500112001';
/** Time-outs of seconds pass in milliseconds. */
const TIMES = 100;

function draftsOf(count: number, more: Partial<Draft> = {}): Draft[] {
  return Array.from({ length: count }, (_, at): Draft => ({
    device: 'plc',
    point: 'level',
    indicator: 'YJ-FLD-001',
    centre: CENTRE,
    kind: 'measurement',
    value: at,
    unit: 'm',
    occurredAt: 1_700_000_000_000 + at,
    clock: 'edge',
    observedAt: 1_700_000_000_000 + at,
    quality: 'good',
    origin: 'live',
    ...more,
  }));
}

interface Running {
  world: FastWorld;
  log: EdgeLog;
  station: ForwardStation;
  close(): Promise<void>;
}

async function startEdge(urls: readonly string[], disk: MemoryDisk = memoryDisk(), times = TIMES): Promise<Running> {
  const world = fastWorld(times);
  const log = await openMemoryEdgeLog({ edge: EDGE, centre: CENTRE }, world, disk);
  const station = forward(
    { edge: EDGE, centre: CENTRE, gateway: { urls, token: 'secret' } },
    { version: '1', devices: () => [], httpUrl: () => null },
    log,
    world,
  );
  const running = line(world, [keep(log, CENTRE, world), station]);
  await running.open();
  return { world, log, station, close: async () => { await running.close(); await log.close(); } };
}

async function open(t: TestContext, behaviour: GatewayBehaviour = {}, disk?: MemoryDisk) {
  const gateway = await FakeGateway.open(behaviour);
  const edge = await startEdge([gateway.url], disk);
  t.after(async () => {
    await edge.close();
    await gateway.close();
  });
  return { gateway, ...edge };
}

const depth = (log: EdgeLog) => STREAMS.reduce((sum, stream) => sum + log.size(stream).events, 0);
const faults = (world: FastWorld) => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));

test('what is kept while connected goes out live, and the log is empty when it is acknowledged', async (t) => {
  const { gateway, log, station, world } = await open(t);
  await until(() => station.uplink().online);
  await log.append(draftsOf(100));
  await until(() => depth(log) === 0);
  assert.equal(gateway.events.size, 100);
  assert.deepEqual(new Set(gateway.arrivals.map((arrival) => arrival.lane)), new Set(['up']));
  assert.equal(world.told.reduce((sum, event) => sum + (event.kind === 'events_settled' ? event.count : 0), 0), 100);
});

test('what was kept before goes out late, older epochs first, under its own numbers', async (t) => {
  const disk = memoryDisk();
  const before = await openMemoryEdgeLog({ edge: EDGE, centre: CENTRE }, fastWorld(1), disk);
  for (let group = 0; group < 20; group += 1) await before.append(draftsOf(50));
  await before.close();
  const { gateway, log } = await open(t, {}, disk);
  await log.append(draftsOf(50));
  await until(() => depth(log) === 0);
  const late = gateway.arrivals.filter((arrival) => arrival.epoch === before.epoch);
  assert.deepEqual(new Set(late.map((arrival) => arrival.lane)), new Set(['late']));
  assert.equal([...gateway.events.values()].filter((event) => event.epoch === before.epoch).length, 1000);
  assert.equal(gateway.events.size, 1050);
  // A batch whose ack was slow to come is sent again, behind what went out meanwhile: only first arrivals have an order.
  const known = new Set<string>();
  const backlog = gateway.arrivals.filter(
    ({ lane, epoch, from }) => lane === 'late' && !known.has(`${epoch}:${from}`) && known.add(`${epoch}:${from}`),
  );
  assert.deepEqual(
    backlog.map((arrival) => arrival.epoch),
    backlog.map((arrival) => arrival.epoch).toSorted((a, b) => a - b),
  );
});

test('losses, lost answers, repeated answers and cut connections: everything arrives and is settled', async (t) => {
  const { gateway, log } = await open(t, { seed: 7, lose: 0.2, forget: 0.2, repeat: 0.3 });
  for (let group = 0; group < 30; group += 1) {
    await log.append([...draftsOf(40), ...draftsOf(3, { kind: 'state', value: true })]);
    if (group % 10 === 6) gateway.cut();
  }
  await until(() => depth(log) === 0);
  assert.equal(gateway.events.size, 30 * 43);
  assert.ok(gateway.twice > 0, 'lost answers made the edge send again');
});

test('a batch that cannot be read is halved down to the event that is wrong, which is set aside; the rest arrives', async (t) => {
  const poisoned = (event: { device: string }) => event.device === 'poison';
  const { gateway, log, world } = await open(t, {
    seed: 3,
    lose: 0.05,
    refuse: (batch) => (batch.events.some(poisoned) ? 'CV_WIRE_SHAPE' : null),
  });
  const drafts = draftsOf(300);
  for (const at of [0, 77, 78, 299]) (drafts[at] as Draft).device = 'poison';
  await log.append(drafts);
  await log.append(draftsOf(100));
  await until(() => depth(log) === 0);
  const arrived = [...gateway.events.values()];
  assert.equal(arrived.filter((event) => event.kind === 'measurement').length, 396);
  assert.deepEqual(arrived.flatMap((event) => (event.gap ? [event.gap.fromSeq] : [])).toSorted((a, b) => a - b), [1, 78, 79, 300]);
  assert.ok(faults(world).includes('CV_FORWARD_REFUSED'));
});

test('a refusal that asks for a change gives nothing up, and goes on when the change was made', async (t) => {
  const { gateway, log, world } = await open(t, { refuse: () => 'CV_WIRE_VERSION' });
  await log.append(draftsOf(10));
  await until(() => faults(world).includes('CV_FORWARD_REFUSED'));
  assert.equal(depth(log), 10);
  gateway.behaviour = {};
  await until(() => depth(log) === 0);
  assert.equal([...gateway.events.values()].filter((event) => event.gap).length, 0);
});

test('events that the gateway quarantines are settled and counted', async (t) => {
  const { gateway, log, world } = await open(t, { repeat: 1, quarantine: (event) => event.value === 5 });
  await log.append(draftsOf(10));
  await until(() => depth(log) === 0);
  assert.equal(gateway.events.size, 9);
  assert.equal(
    world.told.reduce((sum, event) => sum + (event.kind === 'samples_lost' && event.reason === 'quarantined' ? event.count : 0), 0),
    1,
  );
});

test('over a link that loses big packets, batches become small enough', async (t) => {
  const { gateway, log } = await open(t, { maxBytes: 1500 });
  const drafts = draftsOf(400);
  drafts.forEach((draft, at) => { draft.point = `p${(at * 7919) % 1000}`; });
  await log.append(drafts);
  await until(() => depth(log) === 0);
  assert.equal(gateway.events.size, 400);
});

test('live data passes while a backlog drains, and neither waits for the other to end', async (t) => {
  const disk = memoryDisk();
  const before = await openMemoryEdgeLog({ edge: EDGE, centre: CENTRE }, fastWorld(1), disk);
  for (let group = 0; group < 400; group += 1) await before.append(draftsOf(5));
  const { gateway, log, station } = await open(t, {}, disk);
  await until(() => station.uplink().online);
  for (let group = 0; group < 200; group += 1) {
    await log.append(draftsOf(5));
    if (group % 10 === 0) await new Promise<void>((resolve) => { setImmediate(resolve); });
  }
  await until(() => depth(log) === 0);
  const lanes = gateway.arrivals.map((arrival) => arrival.lane);
  assert.ok(lanes.indexOf('up') < lanes.lastIndexOf('late'), 'live did not wait for the backlog');
  assert.ok(lanes.indexOf('late') < lanes.lastIndexOf('up'), 'the backlog did not wait for live');
  assert.equal(gateway.events.size, 3000);
});

test('the retained state says who is there, the will or the last word that it is gone, and the clock is learnt', async (t) => {
  const { gateway, station, close } = await open(t, { clockAheadMs: 60_000 });
  await until(() => station.uplink().clockOffsetMs !== null);
  assert.ok(Math.abs((station.uplink().clockOffsetMs ?? 0) - 60_000) < 10_000);
  await until(() => gateway.states.length > 0);
  assert.deepEqual([gateway.states[0]?.online, gateway.states[0]?.edge, gateway.states[0]?.log?.depth], [true, EDGE, 0]);
  const said = gateway.states.length;
  gateway.behaviour = {};
  await close();
  await until(() => gateway.states.slice(said).some((state) => !state.online));
});

test('the second gateway of the list takes over when the first is away', async (t) => {
  const away = await FakeGateway.open();
  const { url } = away;
  await away.close();
  const gateway = await FakeGateway.open();
  const edge = await startEdge([url, gateway.url]);
  t.after(async () => { await edge.close(); await gateway.close(); });
  await edge.log.append(draftsOf(10));
  await until(() => depth(edge.log) === 0);
  assert.equal(edge.station.uplink().address, gateway.url);
  assert.ok(faults(edge.world).includes('CV_UPLINK_LOST'));
});

test('from a standby the edge goes back once the preferred gateway is there again', async (t) => {
  const away = await FakeGateway.open();
  const { port } = away;
  await away.close();
  const standby = await FakeGateway.open();
  const edge = await startEdge([away.url, standby.url], memoryDisk(), 1000);
  t.after(async () => { await edge.close(); await standby.close(); });
  await until(() => edge.station.uplink().online);
  const preferred = await FakeGateway.open({}, port);
  t.after(() => preferred.close());
  await until(() => edge.station.uplink().online && edge.station.uplink().address === preferred.url);
  await edge.log.append(draftsOf(5));
  await until(() => depth(edge.log) === 0);
  assert.equal(preferred.events.size, 5);
});

test('two edges with one id: each says what is wrong, and both still get through', async (t) => {
  const { gateway, log, world } = await open(t);
  const twin = await startEdge([gateway.url]);
  t.after(() => twin.close());
  await until(() => [...faults(world), ...faults(twin.world)].includes('CV_UPLINK_CONTESTED'));
  await log.append(draftsOf(5));
  await twin.log.append(draftsOf(5));
  await until(() => depth(log) === 0 && depth(twin.log) === 0);
});

test('a wrong token is named as such, and its secret is not', async (t) => {
  const gateway = await FakeGateway.open();
  gateway.broker.authenticate = (_client, _user, _password, done) => done(Object.assign(new Error('no'), { returnCode: 4 }), false);
  const edge = await startEdge([gateway.url]);
  t.after(async () => { await edge.close(); await gateway.close(); });
  await until(() => faults(edge.world).includes('CV_UPLINK_DENIED'));
  assert.ok(!JSON.stringify(edge.world.told).includes('secret'));
});

test('what was held back because the socket was full goes out as soon as it drains, and not only at the next second', async (t) => {
  // No second passes here: what is sent, is sent for being told.
  const world = testWorld();
  const log = await openMemoryEdgeLog({ edge: EDGE, centre: CENTRE }, world, memoryDisk());
  let isReady = false;
  const sent: string[] = [];
  let events: { up(address: string): void; drained(): void } | undefined;
  const station = forward(
    { edge: EDGE, centre: CENTRE, gateway: { urls: ['mqtt://gateway'], token: 'secret' } },
    { version: '1', devices: () => [], httpUrl: () => null },
    log,
    world,
    (_options, given) => {
      events = given;
      return {
        open: () => {},
        close: async () => {},
        isUp: true,
        isReady: () => isReady,
        publish: (topic) => {
          sent.push(topic.split('/').at(-1) as string);
        },
        retarget: () => {},
        reconnect: () => {},
      };
    },
  );
  const running = line(world, [keep(log, CENTRE, world), station]);
  t.after(async () => {
    await running.close();
    await log.close();
  });
  await running.open();
  events?.up('mqtt://gateway');
  await log.append(draftsOf(3));
  const before = sent.filter((leaf) => leaf !== 'state');
  isReady = true;
  events?.drained();
  await until(() => sent.some((leaf) => leaf !== 'state'));
  assert.deepEqual(before, []);
});
