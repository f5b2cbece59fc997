/** What a look at a broker says: whether the device speaks, on what, of which points nothing came, and who else is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../core/testing/until.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { probe } from './probe.ts';
import { point, settings } from './settings.ts';
import { startTestBroker, type TestBroker } from './testing/broker.ts';

interface Looking {
  server: TestBroker;
  clock: VirtualClock;
  stop: AbortController;
  /** Resolves when what was said until now has come: messages come in order, and this is the last. */
  heard(topic: string): Promise<void>;
}

async function look(
  more: Record<string, unknown>,
  paths: string[],
  run: (looking: Looking) => Promise<void>,
): Promise<{ en: string[]; zh: string[]; port: number; ids: string[] }> {
  const server = await startTestBroker();
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const ids: string[] = [];
  let [filters, isSubscribed] = [0, false];
  server.aedes.on('client', ({ id }) => { ids.push(id); });
  server.aedes.on('subscribe', (all) => {
    filters += all.length;
    isSubscribed = true;
  });
  const stop = new AbortController();
  let came = '';
  const world = testWorld(clock);
  const net: typeof world.net = {
    ...world.net,
    async connect(...how) {
      const socket = await world.net.connect(...how);
      socket.on('data', (bytes: Buffer) => { came += bytes.toString('latin1'); });
      return socket;
    },
  };
  const heard = async (topic: string) => {
    await server.publish(topic, 'the last', { qos: 0 });
    await until(() => came.includes('the last'));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
  };
  try {
    const points = paths.map((path) => ({ ...point.parse({ path }), id: path }));
    const findings = probe(settings.parse({ url: server.url, ...more }), points, { ...world, net }, stop.signal);
    findings.catch(() => {});
    await until(() => isSubscribed && filters > 0);
    await run({ server, clock, stop, heard });
    const all = await findings;
    return { en: all.map(({ en }) => en), zh: all.map(({ zh }) => zh), port: server.port, ids };
  } finally {
    await server.stop();
  }
}

test('it ends as soon as each point has a value', async () => {
  const { en, zh, port } = await look({ topic: 'x/+' }, ['a', 'b'], async ({ server }) => {
    await server.publish('x/1', '{"a":1}', { qos: 0 });
    await server.publish('x/2', '{"b":1}', { qos: 0 });
  });
  assert.deepEqual(en, [`the broker 127.0.0.1:${port} accepts the connection`, 'the device publishes on: x/1 x/2']);
  assert.deepEqual(zh, [`消息服务器 127.0.0.1:${port} 允许接入`, '设备发布的主题：x/1 x/2']);
});

test('after 10 s it says what came, of which points nothing, and who else speaks; a dozen of each', async () => {
  const { en, zh } = await look({ profile: 'dji', sn: 's' }, ['height', 'gone'], async ({ server, clock, heard }) => {
    await server.publish('thing/product/s/osd', JSON.stringify({ timestamp: 1, data: { height: 1 } }), { qos: 0 });
    await server.publish('thing/product/s/state', 'no json', { qos: 0 });
    for (let at = 0; at < 13; at += 1) await server.publish(`thing/product/other${at}/osd`, '{}', { qos: 0 });
    await heard('thing/product/other13/osd');
    await clock.advanceMs(9_999);
    await clock.advanceMs(1);
  });
  const others = Array.from({ length: 12 }, (_, at) => `thing/product/other${at}/osd`).join(' ');
  assert.deepEqual(en.slice(1), [
    'the device publishes on: thing/product/s/osd thing/product/s/state',
    'no value yet for: gone',
    `other topics: ${others} …`,
  ]);
  assert.deepEqual(zh.slice(1), [
    '设备发布的主题：thing/product/s/osd thing/product/s/state',
    '尚无数据的测点：gone',
    `其他主题：${others} …`,
  ]);
});

test('a device that says nothing is told by its topics, and of its points nothing more', async () => {
  const { en, zh } = await look({ profile: 'sparkplug', group: 'g', node: 'n' }, ['P'], async ({ server, clock, heard }) => {
    await server.publish('spBv1.0/g/NDATA/m', Buffer.from([8, 1]), { qos: 0 });
    await heard('spBv1.0/g/NDATA/z');
    await clock.advanceMs(10_000);
  });
  assert.deepEqual(en.slice(1), ['nothing on spBv1.0/g/+/n/# within 10 s', 'other topics: spBv1.0/g/NDATA/m spBv1.0/g/NDATA/z']);
  assert.deepEqual(zh.slice(1), ['10 秒内 spBv1.0/g/+/n/# 没有消息', '其他主题：spBv1.0/g/NDATA/m spBv1.0/g/NDATA/z']);
});

test('it never takes the client id of the edge, whose session would be cut off, and without points it listens to the end', async () => {
  const { en, ids } = await look({ topic: 'x/+', session: 'kept', clientId: 'edge-1' }, [], async ({ server, clock, heard }) => {
    await server.publish('x/1', '{"a":1}', { qos: 0 });
    await heard('x/last');
    await clock.advanceMs(10_000);
  });
  assert.deepEqual(en.slice(1), ['the device publishes on: x/1 x/last']);
  assert.equal(ids.length, 1);
  assert.match(ids[0] ?? '', /^cityvitals-[0-9a-z]+$/);
});

test('one that is called off ends with its reason, and leaves the broker', async () => {
  let server: TestBroker | undefined;
  await assert.rejects(look({ topic: 'x/+' }, ['a'], async (looking) => {
    server = looking.server;
    looking.stop.abort(new Error('enough'));
  }), /enough/);
  assert.equal(server?.connections(), 0);
});
