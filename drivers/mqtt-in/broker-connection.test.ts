/** One broker and the devices behind it: who shares a connection, whom a message is for, what waits, what is given up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError, type Fault } from '../../core/faults.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { acquireBroker, type BrokerConnection } from './broker-connection.ts';
import type { MqttMessage } from './broker-client.ts';
import { point, settings, type MqttInSettings } from './settings.ts';
import { parseSparkplugTopic } from './sparkplug/session.ts';
import { MqttDevice } from './device.ts';
import { sparkplugMetric, sparkplugPayload } from './testing/sparkplug.ts';
import { startTestBroker, type TestBroker } from './testing/broker.ts';

const FLOW = [{ ...point.parse({ path: 'flow' }), id: 'flow' }];
const never = new AbortController().signal;

interface Bench {
  server: TestBroker;
  clock: VirtualClock;
  world: ReturnType<typeof testWorld>;
  faults(): Fault[];
  set(more?: Record<string, unknown>): MqttInSettings;
  join(set: MqttInSettings): Promise<{ broker: BrokerConnection; station: MqttDevice; leave(): Promise<void> }>;
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const server = await startTestBroker();
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const world = testWorld(clock);
  const leaves: (() => Promise<void>)[] = [];
  try {
    await run({
      server, clock, world,
      faults: () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : [])),
      set: (more = {}) => settings.parse({ url: server.url, topic: 'a', ...more }),
      async join(set) {
        const { broker, release: leave } = await acquireBroker(set, world, never);
        let isLeft = false;
        const once = async () => {
          if (!isLeft) await leave();
          isLeft = true;
        };
        leaves.push(once);
        const station = new MqttDevice(set, FLOW, world, (topic, command) => broker.requestRebirth(topic, command));
        await broker.addDevice(station);
        return { broker, station, leave: once };
      },
    });
  } finally {
    await Promise.all(leaves.map((leave) => leave()));
    await server.stop();
  }
}

const subscribed = (server: TestBroker) => {
  const filters = new Set<string>();
  server.aedes.on('subscribe', (all) => { for (const { topic } of all) filters.add(topic); });
  server.aedes.on('unsubscribe', (all) => { for (const topic of all) filters.delete(topic); });
  return () => [...filters].toSorted();
};

test('who has the same settings shares a connection; who differs in any has one alone; it ends with the last', () =>
  withBench(async ({ server, join, set }) => {
    const first = await join(set());
    const second = await join(set({ topic: 'b', qos: 0, historyAfter: '1m' }));
    assert.equal(first.broker, second.broker);
    assert.equal(server.connections(), 1);
    const others = [
      await join(set({ user: 'u' })),
      await join(set({ user: 'u', password: 'p' })),
      await join(set({ clientId: 'c' })),
      await join(set({ clientId: 'd', session: 'kept' })),
    ];
    assert.equal(new Set([first, ...others].map(({ broker }) => broker)).size, 5);
    assert.equal(server.connections(), 5);
    await first.leave();
    assert.equal(server.connections(), 5);
    await second.leave();
    await until(() => server.connections() === 4);
    const again = await join(set());
    assert.notEqual(again.broker, first.broker);
  }));

test('two that open together share the attempt; where it fails both get the reason, and the next dials again', () =>
  withBench(async ({ server, join, set, world }) => {
    let isRight = false;
    server.aedes.authenticate = (_client, _user, _password, done) => done(null, isRight);
    const outcomes = await Promise.allSettled([acquireBroker(set(), world, never), acquireBroker(set(), world, never)]);
    assert.deepEqual(
      outcomes.map((one) => one.status === 'rejected' && (one.reason as FaultError).fault.code),
      ['CV_MQTT_IN_REFUSED', 'CV_MQTT_IN_REFUSED'],
    );
    isRight = true;
    await join(set());
  }));

test('an attempt that is called off ends for who called it off, with its reason; another goes on', () =>
  withBench(async ({ server, set, world }) => {
    const asked: (() => void)[] = [];
    server.aedes.authenticate = (_client, _user, _password, done) => {
      asked.push(() => done(null, true));
    };
    const stop = new AbortController();
    const [called, other] = [acquireBroker(set(), world, stop.signal), acquireBroker(set(), world, never)];
    await until(() => asked.length === 1);
    stop.abort(new Error('enough'));
    await assert.rejects(called, /enough/);
    await assert.rejects(acquireBroker(set({ clientId: 'x' }), world, AbortSignal.abort(new Error('too late'))), /too late/);
    for (const letIn of asked) letIn();
    const { release: leave } = await other;
    await leave();
    await until(() => server.connections() === 0);
  }));

test('a message for two is acknowledged once both have kept it, and not where one lets it go', () =>
  withBench(async ({ server, join, set }) => {
    const [one, two] = [await join(set()), await join(set({ topic: '+' }))];
    await server.publish('a', '{"flow":1}');
    const frames = [await until(() => one.station.nextFrame()), await until(() => two.station.nextFrame())] as const;
    assert.ok(frames[0] && frames[1]);
    one.station.confirmStored(frames[0]);
    one.station.confirmStored(frames[0]);
    await server.publish('other', '{"flow":1}', { qos: 0 });
    assert.ok(await until(() => two.station.nextFrame()));
    assert.equal(server.acknowledged(), 0, 'the same one twice is one');
    two.station.confirmStored(frames[1]);
    await until(() => server.acknowledged() === 1);
    await server.publish('a', '{"flow":2}');
    const next = await until(() => one.station.nextFrame());
    one.station.confirmStored(next as NonNullable<typeof next>);
    await until(() => two.station.nextFrame());
    two.station.close();
    await server.publish('a', '{"flow":3}');
    const last = await until(() => one.station.nextFrame());
    one.station.confirmStored(last as NonNullable<typeof last>);
    await server.publish('a', 'no json', { qos: 0 });
    await until(() => one.station.nextFrame());
    assert.equal(server.acknowledged(), 1, 'let go by one');
  }));

test('what is on the disk of nobody for a minute is given up with the connection', () => withBench(async ({ server, clock, join, set }) => {
  const { station } = await join(set());
  const fault = () => station.error?.fault;
  await server.publish('a', '{"flow":1}');
  const frame = await until(() => station.nextFrame());
  station.confirmStored(frame as NonNullable<typeof frame>);
  await clock.advanceMs(70_000);
  assert.equal(fault(), undefined);
  await server.publish('a', '{"flow":2}');
  await until(() => station.nextFrame());
  await clock.advanceMs(59_999);
  assert.equal(fault(), undefined);
  await clock.advanceMs(10_001);
  assert.deepEqual(fault(), { code: 'CV_MQTT_IN_UNKEPT', params: { address: `127.0.0.1:${server.port}`, seconds: 60 } });
  assert.equal(server.acknowledged(), 1);
}));

test("a session that was kept speaks before its devices are there: what came waits for them 15 s, then it is nobody's", () =>
  withBench(async ({ server, clock, join, set, faults, world }) => {
    const kept = { session: 'kept', clientId: 'edge' };
    const [first, second] = [await join(set(kept)), await join(set({ ...kept, topic: 'b' }))];
    await Promise.all([first.leave(), second.leave()]);
    await until(() => server.connections() === 0);
    for (const topic of ['b', 'a']) await server.publish(topic, '{"flow":1}');
    const again = await join(set(kept));
    assert.equal((await until(() => again.station.nextFrame()))?.topic, 'a');
    const late = await join(set({ ...kept, topic: 'b' }));
    assert.equal((await until(() => late.station.nextFrame()))?.topic, 'b');
    await Promise.all([again.leave(), late.leave()]);
    await until(() => server.connections() === 0);
    const alone = await join(set(kept));
    await until(() => alone.station.nextFrame());
    await clock.advanceMs(14_999);
    assert.deepEqual(faults(), []);
    await clock.advanceMs(1);
    assert.deepEqual(faults(), [
      { code: 'CV_MQTT_IN_UNKNOWN', params: { address: `127.0.0.1:${server.port}`, topic: 'b', said: '{"flow":1}' } },
    ]);
    await until(() => server.acknowledged() === 1);
    await server.publish('b', '{"flow":2}');
    await until(() => server.acknowledged() === 2);
    const told = world.told.filter((event) => event.kind === 'unknown_device');
    assert.deepEqual(
      told.map(({ driver, address, id, said }) => [driver, address, id, said.text]),
      [1, 2].map((flow) => ['mqtt-in', `127.0.0.1:${server.port}`, 'b', `{"flow":${flow}}`]),
    );
    assert.match(told[0]?.yaml ?? '', new RegExp(`url: ${server.url}[^]*profile: json[^]*topic: b`));
  }));

test('a clean session holds back nothing: what a broker sends to nobody is said at once, a topic once, and cut', () =>
  withBench(async ({ server, join, set, faults, world }) => {
    await join(set());
    const [client] = Object.values(
      (server.aedes as unknown as { clients: Record<string, { publish(packet: object, done: () => void): void }> }).clients,
    );
    const long = 't'.repeat(200);
    for (const topic of [long, long, 'other'])
      client?.publish({ cmd: 'publish', topic, payload: Buffer.from([0xff]), qos: 0, retain: false, dup: false }, () => {});
    await until(() => faults().length === 2);
    assert.deepEqual(
      faults().map(({ code, params }) => [code, params.topic, params.said]),
      [
        ['CV_MQTT_IN_UNKNOWN', 't'.repeat(128), 'ff'],
        ['CV_MQTT_IN_UNKNOWN', 'other', 'ff'],
      ],
    );
    assert.equal(world.told.filter(({ kind }) => kind === 'unknown_device').length, 3);
  }));

test('what others still want stays subscribed when one goes; a kept session keeps all', () => withBench(async ({ server, join, set }) => {
  const filters = subscribed(server);
  const [one, two] = [await join(set({ topic: 'p/#' })), await join(set({ topic: 'q' }))];
  const twin = await join(set({ topic: 'p/#' }));
  assert.deepEqual(filters(), ['p/#', 'q']);
  two.broker.removeDevice(two.station);
  await until(() => !filters().includes('q'));
  await server.publish('p/x', '{"flow":1}');
  for (const { station } of [one, twin]) station.confirmStored(await until(() => station.nextFrame()) as never);
  twin.broker.removeDevice(twin.station);
  await server.publish('p/x', '{"flow":2}');
  assert.equal((await until(() => one.station.nextFrame()))?.topic, 'p/x');
  assert.equal(twin.station.nextFrame(), undefined);
  one.broker.removeDevice(one.station);
  await until(() => filters().length === 0);
  const kept = await join(set({ session: 'kept', clientId: 'edge', topic: 'k' }));
  kept.broker.removeDevice(kept.station);
  const other = await join(set({ session: 'kept', clientId: 'edge', topic: 'l' }));
  assert.deepEqual([other.broker === kept.broker, filters()], [true, ['k', 'l']]);
}));

test('a look hears all that it asks for, tells of nobody meanwhile, and leaves what devices want', () =>
  withBench(async ({ server, join, set, faults }) => {
    const filters = subscribed(server);
    const { broker, station } = await join(set({ topic: 'a' }));
    const heard: string[] = [];
    const end = await broker.addListener(['a', 'other/#'], ({ topic }: MqttMessage) => {
      heard.push(topic);
    });
    await server.publish('other/x', '1', { qos: 0 });
    await server.publish('a', '{"flow":1}');
    assert.ok(await until(() => station.nextFrame()));
    await until(() => heard.length === 2);
    assert.deepEqual([heard, faults()], [['other/x', 'a'], []]);
    end();
    await until(() => !filters().includes('other/#'));
    assert.deepEqual(filters(), ['a']);
    await server.publish('a', '{"flow":2}');
    assert.ok(await until(() => station.nextFrame()));
    assert.equal(heard.length, 2);
  }));

test('a connection that is gone ends its devices, those that come later too, and is no more given to anybody', () =>
  withBench(async ({ server, join, set }) => {
    const { broker, station } = await join(set());
    await server.stop();
    await until(() => station.error !== null);
    assert.equal(station.error?.fault.code, 'CV_LINK_CLOSED');
    const late = new MqttDevice(set(), FLOW, testWorld(), () => {});
    await broker.addDevice(late);
    assert.equal(late.error, station.error);
    await assert.rejects(join(set()), (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_REFUSED');
  }));

test('a node is asked for its birth once in 10 s, another node by itself', () => withBench(async ({ server, clock, join, set }) => {
  const asked: string[] = [];
  server.aedes.on('publish', ({ topic }) => { if (parseSparkplugTopic(topic)?.type === 'NCMD') asked.push(topic); });
  const node = (more = {}) => set({ topic: undefined, profile: 'sparkplug', group: 'g', node: 'n', ...more });
  const { station } = await join(node());
  station.requestInitialBirth();
  (await join(node({ device: 'd' }))).station.requestInitialBirth();
  (await join(node({ node: 'm' }))).station.requestInitialBirth();
  (await join(node({ node: 'mute', rebirth: false }))).station.requestInitialBirth();
  await until(() => asked.length === 2);
  await clock.advanceMs(9_999);
  station.requestInitialBirth();
  await clock.advanceMs(1);
  station.requestInitialBirth();
  await until(() => asked.length === 3);
  assert.deepEqual(asked, ['spBv1.0/g/NCMD/n', 'spBv1.0/g/NCMD/m', 'spBv1.0/g/NCMD/n']);
  (await join(set({ topic: 'plain' }))).station.requestInitialBirth();
  await server.publish('spBv1.0/g/NDATA/n', sparkplugPayload({ at: 1, seq: 1, metrics: [sparkplugMetric({ name: 'x' })] }));
  assert.ok(await until(() => station.nextFrame()));
  assert.equal(asked.length, 3);
}));
