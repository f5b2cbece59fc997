import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import { connectPacket, packetHead, publishPacket, rawConnect, subscribePacket } from '../../core/testing/raw-mqtt.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realClock, type World } from '../../core/world.ts';
import type { EmbeddedBrokerSetup } from '../config/setup.ts';
import { openEmbeddedBroker } from './embedded.ts';
import { openLink, type BrokerLink, type BrokerMessage } from './link.ts';

const SETUP: EmbeddedBrokerSetup = {
  kind: 'embedded', host: '127.0.0.1', port: 0, anonymous: 'loopback', maxConnections: 50, consumers: [],
  edges: [{ id: 'pump', token: 'secret' }, { id: 'gate', token: 'other' }],
};
const UP = 'cv/v1/in/500112001/pump/up';
const OUT = 'cv/v1/out/500112001/YJ-FLD-001';

interface Rig {
  url: string;
  port: number;
  link: BrokerLink;
  addressOf(edge: string): string | null;
  got: BrokerMessage[];
  told: TelemetryEvent[];
  /** Resolves with the first event told that fits, also one told before. */
  tells(fits: (event: TelemetryEvent) => boolean): Promise<TelemetryEvent>;
  /** Resolves when the gateway's client has taken so many messages. */
  takes(count: number): Promise<void>;
  edge(): Promise<MqttClient>;
}

async function rig(
  t: TestContext,
  setup: Partial<EmbeddedBrokerSetup> = {},
  take?: (message: BrokerMessage) => Promise<void> | void,
): Promise<Rig> {
  const told: TelemetryEvent[] = [];
  const waiting = new Set<() => void>();
  const world: World = { ...testWorld(), clock: realClock, tell: (event) => { told.push(event); for (const look of waiting) look(); } };
  const broker = await openEmbeddedBroker({ ...SETUP, ...setup }, world);
  const got: BrokerMessage[] = [];
  const url = await broker.listen();
  const link = openLink({ url, open: () => broker.connectGateway() }, {
    clientId: 'gateway:test', filters: ['cv/v1/in/+/+/up', 'cv/v1/in/+/+/state'],
    take: take ?? ((message) => { got.push(message); for (const look of waiting) look(); }),
  }, world);
  await new Promise<void>((resolve) => { link.onReady(resolve); });
  const clients: MqttClient[] = [];
  t.after(async () => {
    for (const client of clients) client.end(true);
    await link.close();
    await broker.close();
  });
  return {
    url, link, got, told, addressOf: (edge) => broker.addressOf(edge), port: Number(new URL(url).port),
    tells: (fits) => new Promise((resolve) => {
      const look = () => {
        const found = told.find(fits);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    }),
    takes: (count) => new Promise((resolve) => {
      const look = () => {
        if (got.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    }),
    async edge() {
      const client = await mqtt.connectAsync(url, {
        clientId: 'cv-pump',
        username: 'pump',
        password: 'secret',
        protocolVersion: 4,
        reconnectPeriod: 0,
      });
      client.on('error', () => {});
      clients.push(client);
      return client;
    },
  };
}

const dropped = (reason: string) => (event: TelemetryEvent) => event.kind === 'client_dropped' && event.reason === reason;
const faulted = (code: string) => (event: TelemetryEvent) => event.kind === 'fault' && event.fault.code === code;

/** Publishes until the condition holds. */
async function publishUntil(link: BrokerLink, payload: Uint8Array, done: Promise<unknown>, most: number): Promise<void> {
  const finished = done.then(() => true);
  for (let count = 0; count < most; count += 1) {
    if (await Promise.race([finished, link.publish(OUT, payload).then(() => false)])) return;
  }
  await done;
}

test('what an edge publishes reaches the gateway, and the gateway answers it', async (t) => {
  const { edge, got, link } = await rig(t);
  const client = await edge();
  await client.subscribeAsync('cv/v1/in/500112001/pump/ack', { qos: 1 });
  const answer = new Promise<string>((resolve) => { client.on('message', (_topic, payload) => resolve(payload.toString())); });
  await client.publishAsync(UP, 'batch', { qos: 1 });
  await link.publish('cv/v1/in/500112001/pump/ack', 'ack');
  assert.equal(await answer, 'ack');
  assert.deepEqual(got.map((message) => [message.topic, Buffer.from(message.payload).toString()]), [[UP, 'batch']]);
});

test('each packet of a client is held to the protocol and to its topics, also after many that were well', async (t) => {
  const { port, takes, tells } = await rig(t);
  const spoken = async (last: Buffer) => {
    const client = await rawConnect(port, { clientId: 'cv-pump', user: 'pump', password: 'secret' });
    for (let id = 1; id <= 20; id += 1) client.send(publishPacket(UP, Buffer.from('x'), id));
    client.send(last);
    await client.closed;
  };
  // As long as the topic before it, and wrong.
  await spoken(publishPacket(UP.replace('/up', '/+p'), Buffer.from('x'), 99));
  await takes(20);
  await spoken(publishPacket(UP, Buffer.from('x'), 0));
  await takes(40);
  await spoken(publishPacket(UP.replace('pump', 'gate'), Buffer.from('x'), 99));
  await takes(60);
  await tells(
    (event) => event.kind === 'fault' && event.fault.code === 'CV_TOPIC_DENIED' && String(event.fault.params?.topic).includes('/gate/'),
  );
});

test('a subscriber that stops reading is let go, and everybody else goes on', async (t) => {
  const { port, link, tells, edge, takes } = await rig(t);
  const stalled = await rawConnect(port, { clientId: 'sleeper' });
  stalled.send(subscribePacket('cv/v1/out/#', 0));
  stalled.socket.pause();
  await publishUntil(link, Buffer.alloc(64 << 10), tells(dropped('stalled')), 1000);
  assert.ok((await tells(faulted('CV_CLIENT_STALLED'))).kind);
  await (await edge()).publishAsync(UP, 'after', { qos: 1 });
  await takes(1);
  stalled.socket.destroy();
});

test('a subscriber that never acknowledges is let go after a thousand, one that does is not', async (t) => {
  const { port, link, tells, url, told } = await rig(t);
  const good = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => good.end(true));
  await good.subscribeAsync(['cv/v1/out/#', OUT], { qos: 1 });
  const mute = await rawConnect(port, { clientId: 'mute' });
  mute.send(subscribePacket('cv/v1/out/#', 1));
  const zero = await rawConnect(port, { clientId: 'zero' });
  zero.send(subscribePacket('cv/v1/out/#', 0));
  await publishUntil(link, Buffer.from('x'), tells(dropped('unacknowledged')), 2000);
  await mute.closed;
  assert.equal(mute.published, 1000);
  for (let count = 0; count < 1200; count += 1) await link.publish(OUT, 'x');
  assert.equal(told.filter(dropped('unacknowledged')).length, 1);
  assert.equal(zero.socket.destroyed, false);
  assert.equal(good.connected, true);
  zero.socket.destroy();
});

test('a 64 MB packet is refused from its header on', async (t) => {
  const { port, tells } = await rig(t);
  const client = await rawConnect(port, { clientId: 'cv-pump', user: 'pump', password: 'secret' });
  client.send(packetHead(0x32, 64 << 20));
  await tells(faulted('CV_PACKET_TOO_LARGE'));
  await client.closed;
});

test('before it is known, a client sends no more than a CONNECT', async (t) => {
  const { port, tells } = await rig(t);
  await assert.rejects(rawConnect(port, { clientId: 'x'.repeat(20_000) }));
  await tells(dropped('packet_too_large'));
});

test('a subscriber that is away leaves nothing behind, whatever it asked for', async (t) => {
  const { port, link } = await rig(t);
  const first = await rawConnect(port, { clientId: 'absent', clean: false });
  first.send(subscribePacket('cv/v1/out/#', 1));
  await link.publish(OUT, 'x');
  first.socket.destroy();
  await first.closed;
  for (let count = 0; count < 20; count += 1) await link.publish(OUT, 'missed');
  const again = await rawConnect(port, { clientId: 'absent', clean: false });
  again.send(subscribePacket('cv/v1/out/none', 1));
  await link.publish('cv/v1/out/none', 'x');
  await new Promise<void>((resolve) => { again.socket.on('data', () => { if (again.published > 0) resolve(); }); });
  assert.equal(again.published, 1);
  again.socket.destroy();
});

test('shared subscriptions, MQTT 5, foreign topics and QoS 2 are refused, and said', async (t) => {
  const { url, tells, edge } = await rig(t);
  await assert.rejects(mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 }));
  await tells(dropped('unsupported'));
  const reader = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => reader.end(true));
  for (const filter of ['$share/g/cv/v1/out/#', '#', 'cv/v1/in/#']) await assert.rejects(reader.subscribeAsync(filter));
  assert.equal(reader.connected, true);
  const client = await edge();
  client.publish(UP, 'x', { qos: 2 });
  await tells(dropped('denied'));
});

test('a subscription with QoS 2 is granted, and gets what there is: QoS 1', async (t) => {
  const { url, link } = await rig(t);
  const reader = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => reader.end(true));
  const [granted] = await reader.subscribeAsync('cv/v1/out/#', { qos: 2 });
  const came = new Promise<number>((resolve) => { reader.on('message', (_topic, _payload, packet) => resolve(packet.qos)); });
  await link.publish(OUT, 'x');
  assert.deepEqual([granted?.qos, await came], [2, 1]);
});

test("a client id of the gateway is nobody else's, whoever gives it; a consumer who is named so reads what goes out and no more", async (t) => {
  const { url, port, link, tells } = await rig(t, { consumers: [{ user: 'gateway:test', password: 'pw' }] });
  for (const credentials of [{ user: 'gateway:test', password: 'pw' }, { user: 'pump', password: 'secret' }, {}]) {
    await assert.rejects(rawConnect(port, { clientId: 'gateway:test', ...credentials }), /CONNACK 5/);
  }
  assert.ok(link.connected);
  const reader = await mqtt.connectAsync(url, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    username: 'gateway:test',
    password: 'pw',
    clientId: 'reader',
  });
  t.after(() => reader.end(true));
  await reader.subscribeAsync('cv/v1/out/#', { qos: 1 });
  await assert.rejects(reader.subscribeAsync('cv/v1/in/#', { qos: 1 }));
  reader.publish(UP, 'x');
  await tells(dropped('denied'));
  assert.ok(link.connected);
});

test('only state is retained, and of a few centres at most', async (t) => {
  const { edge, tells, link } = await rig(t);
  const client = await edge();
  for (const centre of ['500112001', '500112002', '500112003', '500112004'])
    await client.publishAsync(`cv/v1/in/${centre}/pump/state`, '{}', { qos: 1, retain: true });
  client.publish('cv/v1/in/500112005/pump/state', '{}', { qos: 1, retain: true });
  await tells(dropped('denied'));
  assert.ok(link.connected);
});

test('the newer connection under an id wins; the fourth change within a minute names both addresses', async (t) => {
  const { port, tells, told } = await rig(t);
  const open = () => rawConnect(port, { clientId: 'cv-pump', user: 'pump', password: 'secret' });
  let last = await open();
  for (let change = 1; change <= 3; change += 1) {
    const next = await open();
    await last.closed;
    last = next;
  }
  assert.equal(told.some(faulted('CV_EDGE_CLONED')), false);
  const before = last;
  last = await open();
  const fault = await tells(faulted('CV_EDGE_CLONED'));
  assert.ok(fault.kind === 'fault' && fault.edge === 'pump');
  assert.equal(fault.fault.params.first, `127.0.0.1:${before.socket.localPort}`);
  assert.equal(fault.fault.params.second, `127.0.0.1:${last.socket.localPort}`);
  last.socket.destroy();
});

test('a wrong token does not push the edge out', async (t) => {
  const { port, edge } = await rig(t);
  const client = await edge();
  await assert.rejects(rawConnect(port, { clientId: 'cv-pump', user: 'pump', password: 'guess' }));
  await client.publishAsync(UP, 'still here', { qos: 1 });
  assert.equal(client.connected, true);
});

test('above the limit of connections the next one is turned away', async (t) => {
  const { port, tells } = await rig(t, { maxConnections: 1 });
  const only = await rawConnect(port, { clientId: 'one' });
  await assert.rejects(rawConnect(port, { clientId: 'two' }));
  await tells(faulted('CV_CONNECTION_LIMIT'));
  only.socket.destroy();
});

test('a port in use is a fault with its address', async (t) => {
  const { port } = await rig(t);
  const second = await openEmbeddedBroker({ ...SETUP, port }, testWorld());
  t.after(() => second.close());
  await assert.rejects(second.listen(), (error: { fault?: { code: string } }) => error.fault?.code === 'CV_BROKER_LISTEN');
});

test('a gateway that does not read holds up nobody, and its backlog is bounded', async (t) => {
  const { port, tells } = await rig(t, {}, () => new Promise(() => {}));
  const client = await rawConnect(port, { clientId: 'cv-pump', user: 'pump', password: 'secret' });
  const batch = publishPacket(UP, Buffer.alloc(8 << 20));
  for (let count = 0; count < 12; count += 1) client.send(batch);
  await tells(faulted('CV_BROKER_BEHIND'));
  client.socket.destroy();
});

test('garbage instead of MQTT closes that connection and no other', async (t) => {
  const { port, edge, takes } = await rig(t);
  const noise = await rawConnect(port, { clientId: 'noise' });
  noise.send(Buffer.from([0xf7, 0xff, 0xff, 0xff, 0xff, 0xff]));
  await noise.closed;
  const twice = await rawConnect(port, { clientId: 'twice' });
  twice.send(connectPacket({ clientId: 'twice' }));
  await twice.closed;
  await (await edge()).publishAsync(UP, 'well', { qos: 1 });
  await takes(1);
});

test('connections that say nothing take no place from a client that is known or comes', async (t) => {
  const { port, edge, told } = await rig(t, { maxConnections: 3 });
  const client = await edge();
  const idle = await Promise.all(Array.from({ length: 6 }, () => idleSocket(port)));
  const reader = await rawConnect(port, { clientId: 'reader' });
  await client.publishAsync(UP, 'still here', { qos: 1 });
  assert.ok(told.filter(dropped('connection_limit')).length >= 5);
  for (const socket of [...idle, reader.socket]) socket.destroy();
});

test('the log has a refused client in a few words, however long its id is', async (t) => {
  const { port, told, tells } = await rig(t);
  await assert.rejects(rawConnect(port, { clientId: `cv-${'x'.repeat(12_000)}`, user: 'pump', password: 'guess' }));
  await tells(faulted('CV_CLIENT_REFUSED'));
  assert.ok(JSON.stringify(told).length < 1000);
});

test('who guesses is answered more slowly, and lets everybody else in', async (t) => {
  const { port, told, edge } = await rig(t);
  const guess = () => rawConnect(port, { clientId: 'cv-gate', user: 'gate', password: 'guess' }).then(() => 'in', () => 'out');
  for (let count = 0; count < 10; count += 1) assert.equal(await guess(), 'out');
  const standing = told.length;
  const more = Promise.all(Array.from({ length: 40 }, guess));
  // The same address and at the same time: it waits its turn, and is let in.
  const right = await edge().catch(() => edge()).catch(() => edge());
  assert.equal(right.connected, true);
  assert.deepEqual(new Set(await more), new Set(['out']));
  assert.ok(told.slice(standing).filter(faulted('CV_CLIENT_REFUSED')).length <= 32);
});

function idleSocket(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => socket.destroy());
  });
}

test('where an edge is connected from is known while it is, and of edges alone', async (t) => {
  const { edge, addressOf, tells } = await rig(t);
  assert.equal(addressOf('pump'), null);
  await edge();
  assert.equal(addressOf('pump'), '127.0.0.1');
  assert.deepEqual([addressOf('gate'), addressOf('constructor')], [null, null]);
  await edge();
  await tells((event) => event.kind === 'client_dropped' && event.reason === 'taken_over');
  assert.equal(addressOf('pump'), '127.0.0.1');
});

test('an error of the listening socket, and another one, are told; the broker goes on', async (t) => {
  const servers: Server[] = [];
  const note = (message: unknown) => { servers.push((message as { server: Server }).server); };
  subscribe('tracing:net.server.listen:asyncEnd', note);
  t.after(() => unsubscribe('tracing:net.server.listen:asyncEnd', note));
  const { told, edge } = await rig(t);
  for (const detail of ['too many open files', 'again']) servers.at(-1)?.emit('error', new Error(detail));
  assert.deepEqual(told.flatMap((event) => (event.kind === 'fault' ? [event.fault.params.detail] : [])), ['too many open files', 'again']);
  assert.equal((await edge()).connected, true);
});
