/** The uplink before a real broker that refuses, keeps its receipts back, falls silent or is gone. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Aedes, type AedesPublishPacket } from 'aedes';
import { freePort } from '../../core/free-port.ts';
import { until } from '../../core/testing/until.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import { Uplink, type UplinkOptions } from './uplink.ts';

const EDGE = 'pump-07';
const topicOf = (leaf: Parameters<typeof edgeTopic>[2]) => edgeTopic('500112001', EDGE, leaf);
const state = topicOf('state');

type TestWorld = ReturnType<typeof testWorld>;

/** @param world its clock stands still: what takes time passes where a test says so */
function uplinkTo(t: TestContext, urls: readonly string[], more: Partial<UplinkOptions> = {}, world: TestWorld = testWorld()) {
  const ups: string[] = [];
  const downs: true[] = [];
  const messages: string[] = [];
  let drains = 0;
  let upAtMs = 0;
  const uplink = new Uplink(
    {
      urls,
      clientId: EDGE,
      username: EDGE,
      password: 'secret',
      ackTopic: topicOf('ack'),
      commandTopic: topicOf('cmd'),
      stateTopic: state,
      offline: 'offline',
      ...more,
    },
    {
      up: (address) => {
        ups.push(address);
        upAtMs = world.clock.monotonicMs();
      },
      message: (topic, payload) => {
        messages.push(`${topic} ${Buffer.from(payload).toString()}`);
      },
      drained: () => {
        drains += 1;
      },
      down: () => {
        downs.push(true);
      },
    },
    world,
  );
  t.after(() => closing(uplink, world));
  const faults = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  /** Goes on until the connection has lasted so long: it may have come up in the middle of a step. */
  const untilUpFor = (lastedMs: number) => world.clock.advanceMs(upAtMs + lastedMs - world.clock.monotonicMs());
  return { uplink, world, ups, downs, messages, faults, drains: () => drains, untilUpFor };
}

/** Lets the time pass that a peer is given to receive the last message. */
async function closing(uplink: Uplink, world: TestWorld): Promise<void> {
  let isClosed = false;
  const closed = uplink.close().finally(() => { isClosed = true; });
  await until(async () => {
    await world.clock.advanceMs(100);
    return isClosed;
  });
  await closed;
}

/** @param at absent: any that one can come back to later */
async function brokerOf(t: TestContext, at?: number) {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    broker.handle(socket);
  });
  const port = at ?? await freePort();
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  const cut = () => { for (const socket of sockets) socket.destroy(); };
  t.after(async () => {
    await new Promise<void>((resolve) => { broker.close(resolve); });
    server.close();
    cut();
  });
  /** By the edge, or as its will. */
  const published: AedesPublishPacket[] = [];
  broker.on('publish', (packet) => { if (!packet.topic.startsWith('$SYS')) published.push(packet); });
  return { broker, url: `mqtt://127.0.0.1:${port}`, cut, published };
}

async function urlOfNobody(): Promise<string> {
  return `mqtt://127.0.0.1:${await freePort()}`;
}

/** Accepts and says nothing. */
async function silentPeer(t: TestContext) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(
      socket
        .on('error', () => {})
        .on('close', () => sockets.delete(socket))
        .resume(),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

for (const [returnCode, code] of [
  [2, 'CV_UPLINK_DENIED'],
  [3, 'CV_UPLINK_LOST'],
  [4, 'CV_UPLINK_DENIED'],
  [5, 'CV_UPLINK_DENIED'],
] as const) {
  test(`CONNACK ${returnCode} is told as ${code}, with the address and never the password`, async (t) => {
    const gateway = await brokerOf(t);
    gateway.broker.authenticate = (_client, _user, _password, done) => done(Object.assign(new Error('no'), { returnCode }), false);
    const { uplink, world, ups, downs, faults } = uplinkTo(t, [gateway.url.replace('//', '//someone:hidden@')]);
    uplink.open();
    await until(() => faults().length > 0);
    assert.deepEqual(
      [faults()[0]?.code, faults()[0]?.params.address, ups, downs, uplink.isUp, uplink.isReady()],
      [code, gateway.url, [], [], false, false],
    );
    if (code === 'CV_UPLINK_DENIED') assert.equal(faults()[0]?.params.edge, EDGE);
    assert.doesNotMatch(JSON.stringify(world.told), /hidden|secret/);
  });
}

test('the answers\' topic refused: nothing could ever be let go, so that is told as a refusal, in both languages', async (t) => {
  const gateway = await brokerOf(t);
  gateway.broker.authorizeSubscribe = (_client, subscription, done) =>
    done(null, subscription.topic === topicOf('ack') ? null : subscription);
  const { uplink, ups, faults } = uplinkTo(t, [gateway.url]);
  uplink.open();
  await until(() => faults().length > 0);
  assert.deepEqual([faults()[0]?.code, faults()[0]?.params.detailZh, ups], ['CV_UPLINK_DENIED', `消息服务器拒绝订阅 ${topicOf('ack')}`, []]);
  await until(() => gateway.broker.connectedClients === 0);
});

test('the commands\' topic refused costs the commands alone', async (t) => {
  const gateway = await brokerOf(t);
  gateway.broker.authorizeSubscribe = (_client, subscription, done) =>
    done(null, subscription.topic === topicOf('cmd') ? null : subscription);
  const { uplink, ups, faults } = uplinkTo(t, [gateway.url]);
  uplink.open();
  await until(() => ups.length > 0 && faults().length > 0);
  assert.deepEqual(faults(), [{ code: 'CV_UPLINK_COMMANDS', params: { address: gateway.url, topic: topicOf('cmd') } }]);
  assert.deepEqual([ups, uplink.isUp, uplink.isReady()], [[gateway.url], true, true]);
});

test('nobody there, then somebody: told once lost, tried again, and taken back when it is up', async (t) => {
  const url = await urlOfNobody();
  const { uplink, world, ups, faults } = uplinkTo(t, [url]);
  uplink.open();
  await until(() => faults().length > 0);
  assert.equal(faults()[0]?.code, 'CV_UPLINK_LOST');
  assert.match(String(faults()[0]?.params.detail), /ECONNREFUSED/);
  await brokerOf(t, Number(new URL(url).port));
  assert.equal(ups.length, 0, 'not before its time');
  await world.clock.advanceMs(500);
  await until(() => ups.length > 0);
  assert.deepEqual(world.told.slice(-2), [
    { kind: 'fault_cleared', code: 'CV_UPLINK_LOST' },
    { kind: 'link_state', online: true, address: url },
  ]);
  assert.equal(faults().length, 1);
});

test('an address that no MQTT client knows is told, and is no end of the process', async (t) => {
  const { uplink, faults } = uplinkTo(t, ['gopher://127.0.0.1:70']);
  uplink.open();
  await until(() => faults().length > 0);
  assert.deepEqual([faults()[0]?.code, faults()[0]?.params.address], ['CV_UPLINK_LOST', 'gopher://127.0.0.1:70']);
});

test('before it is up nothing is sent and it is not ready; then what is said arrives, retained or not as was asked', async (t) => {
  const gateway = await brokerOf(t);
  const { published } = gateway;
  const { uplink, ups } = uplinkTo(t, [gateway.url]);
  uplink.publish(topicOf('up'), 'lost');
  uplink.open();
  uplink.publish(topicOf('up'), 'lost as well');
  assert.equal(uplink.isReady(), false);
  await until(() => ups.length > 0);
  uplink.publish(state, 'online', true);
  // A view into something larger: only what is seen of it goes.
  uplink.publish(topicOf('rsp'), new Uint8Array(Buffer.from('abcdef')).subarray(2, 4));
  await until(() => published.length === 2);
  assert.deepEqual(
    published.map(({ topic, payload, qos, retain }) => [topic, payload.toString(), qos, retain]),
    [
      [state, 'online', 1, true],
      [topicOf('rsp'), 'cd', 1, false],
    ],
  );
});

test('what the broker says on both topics comes through', async (t) => {
  const gateway = await brokerOf(t);
  const { uplink, ups, messages } = uplinkTo(t, [gateway.url]);
  uplink.open();
  await until(() => ups.length > 0);
  for (const leaf of ['ack', 'cmd', 'up'] as const)
    gateway.broker.publish(
      { cmd: 'publish', topic: topicOf(leaf), payload: Buffer.from(leaf), qos: 1, retain: false, dup: false },
      () => {},
    );
  await until(() => messages.length === 2);
  assert.deepEqual(messages.toSorted(), [`${topicOf('ack')} ack`, `${topicOf('cmd')} cmd`]);
});

test('a broker that owes 128 receipts gets nothing more until one has come, and that is told', async (t) => {
  const gateway = await brokerOf(t);
  const held: (() => void)[] = [];
  gateway.broker.authorizePublish = (_client, _packet, done) => { held.push(() => done(null)); };
  const { uplink, ups, drains } = uplinkTo(t, [gateway.url]);
  uplink.open();
  await until(() => ups.length > 0);
  for (let at = 0; at < 127; at += 1) uplink.publish(topicOf('up'), `${at}`);
  assert.equal(uplink.isReady(), true);
  uplink.publish(topicOf('up'), '127');
  assert.equal(uplink.isReady(), false);
  const before = drains();
  await until(() => held.length > 0);
  for (const go of held.splice(0)) go();
  await until(() => drains() > before && uplink.isReady());
  gateway.broker.authorizePublish = (_client, _packet, done) => done(null);
  for (const go of held.splice(0)) go();
});

test('closed in order, the last word is retained and the will is not needed; afterwards nothing comes', async (t) => {
  const gateway = await brokerOf(t);
  const { published } = gateway;
  const { uplink, world, ups, downs } = uplinkTo(t, [gateway.url], { offline: 'closed in order' });
  uplink.open();
  await until(() => ups.length > 0);
  await closing(uplink, world);
  await until(() => gateway.broker.connectedClients === 0);
  assert.deepEqual(
    published.map(({ topic, payload, retain }) => [topic, payload.toString(), retain]),
    [[state, 'closed in order', true]],
  );
  assert.deepEqual(
    [uplink.isUp, uplink.isReady(), downs.length, world.told.at(-1)],
    [false, false, 1, { kind: 'link_state', online: false, address: gateway.url }],
  );
  uplink.publish(topicOf('up'), 'too late');
  await world.clock.advanceMs(60_000);
  assert.deepEqual([published.length, ups.length], [1, 1]);
});

test('a peer that never answers does not keep it from closing', async (t) => {
  const { port, sockets } = await silentPeer(t);
  const { uplink, world, ups } = uplinkTo(t, [`mqtt://127.0.0.1:${port}`]);
  uplink.open();
  await until(() => sockets.size > 0);
  await closing(uplink, world);
  assert.deepEqual(ups, []);
  await until(() => sockets.size === 0);
});

test('sent elsewhere: the old broker sees the will, the new one gets the edge under its new password, at once', async (t) => {
  const [first, second] = [await brokerOf(t), await brokerOf(t)];
  const { published } = first;
  const passwords: string[] = [];
  second.broker.authenticate = (_client, _user, password, done) => { passwords.push(String(password)); done(null, true); };
  const { uplink, world, ups, downs } = uplinkTo(t, [first.url]);
  uplink.open();
  await until(() => ups.length > 0);
  uplink.retarget({ urls: [second.url], password: 'another' });
  await until(() => published.length > 0);
  assert.deepEqual(published.map(({ topic, payload, retain }) => [topic, payload.toString(), retain]), [[state, 'offline', true]]);
  await until(async () => {
    await world.clock.advanceMs(100);
    return ups.length > 1;
  });
  assert.deepEqual([ups, downs.length, passwords], [[first.url, second.url], 1, ['another']]);
});

test('an edge without a password sends none', async (t) => {
  const gateway = await brokerOf(t);
  const passwords: unknown[] = [];
  gateway.broker.authenticate = (_client, _user, password, done) => { passwords.push(password); done(null, true); };
  const { uplink, ups } = uplinkTo(t, [gateway.url], { password: null });
  uplink.open();
  await until(() => ups.length > 0);
  assert.deepEqual(passwords.map((password) => password ?? null), [null]);
});

test('three connections in a row that end within ten seconds are told as another box under this id; one that lasted begins anew', async (t) => {
  const gateway = await brokerOf(t);
  const { uplink, world, ups, faults, untilUpFor } = uplinkTo(t, [gateway.url]);
  uplink.open();
  const end = async (livedMs: number) => {
    const { length } = ups;
    await until(async () => {
      if (ups.length === length && !uplink.isUp) await world.clock.advanceMs(100);
      return uplink.isUp;
    });
    if (livedMs > 0) await untilUpFor(livedMs);
    const told = faults().length;
    gateway.cut();
    await until(() => faults().length > told);
    return faults().at(-1)?.code;
  };
  assert.deepEqual(
    [await end(9_999), await end(0), await end(10_000), await end(0), await end(0), await end(0)],
    ['CV_UPLINK_LOST', 'CV_UPLINK_LOST', 'CV_UPLINK_LOST', 'CV_UPLINK_LOST', 'CV_UPLINK_LOST', 'CV_UPLINK_CONTESTED'],
  );
  assert.deepEqual(faults().at(-1)?.params, { address: gateway.url, edge: EDGE, times: 3 });
});

test('on a standby the preferred one is looked for every five minutes; one that does not answer in three seconds is not waited for', async (t) => {
  const standby = await brokerOf(t);
  const away = await urlOfNobody();
  const asked: { port: number; signal: AbortSignal | undefined }[] = [];
  const world = testWorld();
  world.net = { ...world.net, connect: (address, signal) => {
    asked.push({ port: (address as { port: number }).port, signal });
    return new Promise((_resolve, reject) => { signal?.addEventListener('abort', () => reject(new Error('called off')), { once: true }); });
  } };
  const { uplink, ups, untilUpFor } = uplinkTo(t, [away, standby.url], {}, world);
  uplink.open();
  await until(async () => {
    if (!uplink.isUp) await world.clock.advanceMs(100);
    return uplink.isUp;
  });
  await untilUpFor(299_999);
  assert.equal(asked.length, 0);
  await world.clock.advanceMs(1);
  assert.deepEqual(asked.map(({ port, signal }) => [port, signal?.aborted]), [[Number(new URL(away).port), false]]);
  await world.clock.advanceMs(2_999);
  assert.equal(asked[0]?.signal?.aborted, false);
  await world.clock.advanceMs(1);
  assert.equal(asked[0]?.signal?.aborted, true);
  await settle();
  await world.clock.advanceMs(300_000);
  assert.deepEqual([asked.length, ups], [2, [standby.url]]);
  await closing(uplink, world);
  assert.equal(asked[1]?.signal?.aborted, true, 'whoever closes looks no further');
});
