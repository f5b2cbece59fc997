import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../core/faults.ts';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { until } from '../../core/testing/until.ts';
import { realWorld, type World } from '../../core/world.ts';
import { connectBroker } from './broker-client.ts';
import { decode } from './decode.ts';
import type { MqttInFrame } from './frame.ts';
import { open, type MqttInLink } from './link.ts';
import { point, settings, type ConfiguredMqttPoint } from './settings.ts';
import { startTestBroker, type TestBroker } from './testing/broker.ts';
import { parseSparkplugTopic } from './sparkplug/session.ts';
import { parseSparkplugPayload } from './sparkplug/payload.ts';

const POINTS = (...of: ({ id: string } & Record<string, unknown>)[]): ConfiguredMqttPoint[] =>
  of.map((one) => ({ ...point.parse(one), id: one.id }));
const FLOW = POINTS({ id: 'flow', path: 'flow' });

interface Bench {
  broker: TestBroker;
  world: World;
  faults: Fault[];
  open(topic: string, more?: Record<string, unknown>, points?: ConfiguredMqttPoint[]): Promise<Reading>;
}

interface Reading {
  link: MqttInLink;
  next(): Promise<MqttInFrame>;
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const broker = await startTestBroker();
  const faults: Fault[] = [];
  const world = realWorld((event) => { if (event.kind === 'fault') faults.push(event.fault); });
  const links: MqttInLink[] = [];
  const stop = new AbortController();
  try {
    await run({
      broker, world, faults,
      async open(topic, more = {}, points = FLOW) {
        const link = await open(settings.parse({ url: broker.url, ...(more.profile === undefined ? { topic } : {}), ...more }), points, {
          ...world,
          net: { ...world.net },
        }); // as an edge gives each device a net of its own
        links.push(link);
        const frames = linkFrames(link, stop.signal);
        return { link, next: async () => (await frames.next()).value as MqttInFrame };
      },
    });
  } finally {
    stop.abort();
    await Promise.all(links.map((link) => link.close()));
    await broker.stop();
  }
}

const valueOf = (frame: MqttInFrame) => {
  const decoded = decode(frame);
  return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
};

test('a message is acknowledged once it is taken, and not before, while others are read on', () =>
  withBench(async ({ broker, open: at }) => {
    const { link, next } = await at('a');
    for (const flow of [1, 2, 3]) await broker.publish('a', JSON.stringify({ flow }));
    const frames = [await next(), await next(), await next()];
    assert.deepEqual(frames.map(valueOf), [1, 2, 3]);
    await broker.publish('a', 'no json');
    const broken = await next();
    assert.equal(valueOf(broken), 'CV_MQTT_IN_PAYLOAD');
    // What cannot be read is let go at once; of the others none is on disk.
    await until(() => broker.acknowledged() === 1);
    link.confirmStored(frames[1] as MqttInFrame);
    await until(() => broker.acknowledged() === 2);
    await broker.publish('a', JSON.stringify({ flow: 4 }));
    assert.equal(valueOf(await next()), 4);
    assert.equal(broker.acknowledged(), 2);
    for (const frame of frames) link.confirmStored(frame);
    await until(() => broker.acknowledged() === 4);
  }));

test('a session that is kept: what was not taken is sent again to the next link', () => withBench(async ({ broker, open: at }) => {
  const kept = { session: 'kept', clientId: 'edge-1' };
  const first = await at('a', kept);
  for (const flow of [1, 2]) await broker.publish('a', JSON.stringify({ flow }));
  const taken = await first.next();
  assert.equal(valueOf(await first.next()), 2);
  first.link.confirmStored(taken);
  await until(() => broker.acknowledged() === 1);
  await first.link.close();
  await broker.publish('a', JSON.stringify({ flow: 3 }));
  const second = await at('a', kept);
  assert.deepEqual([valueOf(await second.next()), valueOf(await second.next())], [2, 3]);
}));

test('many devices share one connection, each has its own messages, and one that goes takes nobody along', () =>
  withBench(async ({ broker, open: at }) => {
    const readings = await Promise.all(Array.from({ length: 20 }, (_, index) => at(`site/${index}/+`)));
    assert.equal(broker.connections(), 1);
    await Promise.all(readings.map((_, index) => broker.publish(`site/${index}/x`, JSON.stringify({ flow: index }))));
    assert.deepEqual(
      await Promise.all(readings.map(async ({ next }) => valueOf(await next()))),
      readings.map((_, index) => index),
    );
    await readings[0]?.link.close();
    await broker.publish('site/1/x', JSON.stringify({ flow: 100 }));
    assert.equal(valueOf(await (readings[1] as Reading).next()), 100);
    assert.equal(broker.connections(), 1);
  }));

test('a broker that goes ends every link with a fault; one that is not there refuses', () => withBench(async ({ broker, open: at }) => {
  const { next } = await at('a');
  const ended = assert.rejects(next(), (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED');
  await broker.stop();
  await ended;
  await assert.rejects(at('a'), (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_REFUSED');
}));

test('wrong passwords and forbidden topics are said as such', () =>
  withBench(async ({ broker, open: at }) => {
    broker.aedes.authorizeSubscribe = (_client, subscription, done) => done(null, subscription.topic === 'secret' ? null : subscription);
    await assert.rejects(at('secret'), (error) => error instanceof FaultError && error.fault.code === 'CV_MQTT_IN_SUBSCRIBE');
    broker.aedes.authenticate = (_client, _user, password, done) => done(null, String(password) === 'right');
    await assert.rejects(
      at('a', { user: 'edge', password: 'wrong' }),
      (error) => error instanceof FaultError && error.fault.code === 'CV_MQTT_IN_REFUSED',
    );
    await at('a', { user: 'edge', password: 'right' });
  }));

test('a link that is closed while it subscribes was refused nothing', () =>
  withBench(async ({ broker, world }) => {
    const asked = new Promise<void>((resolve) => {
      broker.aedes.authorizeSubscribe = () => resolve();
    }); // and never answers
    const client = await connectBroker(
      settings.parse({ url: broker.url, topic: 'a' }),
      world,
      { message: () => {}, closed: () => {} },
      new AbortController().signal,
    );
    const subscribed = client.subscribe(['a'], 1);
    await asked;
    await client.close();
    await subscribed;
  }));

test('a node is asked for its birth at the start and after a gap, once for all its devices', () =>
  withBench(async ({ broker, open: at, faults }) => {
    const asked: string[] = [];
    broker.aedes.on('publish', ({ topic, payload }) => {
      if (parseSparkplugTopic(topic)?.type === 'NCMD') asked.push(parseSparkplugPayload(payload as Uint8Array)?.metrics[0]?.name ?? '');
    });
    const node = { profile: 'sparkplug', group: 'g', node: 'n' };
    const press = await at('', { ...node, device: 'press' }, POINTS({ id: 'p', metric: 'P' }));
    await at('', node, POINTS({ id: 'p', metric: 'P' }));
    await until(() => asked.length > 0);
    const said = async (type: string, hex: string) =>
      broker.publish(`spBv1.0/g/${type}/n${type.startsWith('D') ? '/press' : ''}`, Buffer.from(hex, 'hex'), { qos: 0 });
    await said('NBIRTH', '08011800');
    // P = alias 5, Int32 7; then by alias alone with a seq that skips one.
    await said('DBIRTH', '080112090a015010052003500718 01'.replaceAll(' ', ''));
    await said('DDATA', '0801120410055009 1803'.replaceAll(' ', ''));
    const values: unknown[] = [];
    while (values.length < 2) {
      const decoded = decode(await press.next());
      if (decoded.ok) values.push(...(decoded.values ?? []).map(({ value }) => value));
    }
    assert.deepEqual(values, [7, 9]);
    assert.ok(faults.some(({ code }) => code === 'CV_MQTT_IN_GAP'));
    assert.deepEqual(asked, ['Node Control/Rebirth']);
  }));
