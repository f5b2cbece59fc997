/** One MQTT connection: what it says of itself, how much it holds, how it ends, and TLS. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CertificatePurpose, createSelfSignedCertificate, generatePrivateKey, privateKeyToPEM } from 'node-opcua-crypto';
import { FaultError, type Fault } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { brokerAddress, connectBroker, type BrokerClient, type MqttMessage } from './broker-client.ts';
import { settings } from './settings.ts';
import { startTestBroker, type TestBroker } from './testing/broker.ts';

const AT = Date.UTC(2026, 0, 1);
const never = new AbortController().signal;

interface Connected {
  client: BrokerClient;
  messages: MqttMessage[];
  downs: FaultError[];
}

async function connected(
  context: TestContext,
  url: string,
  more: Record<string, unknown> = {},
  { signal = never, world = testWorld(new VirtualClock(AT)) } = {},
): Promise<Connected> {
  const messages: MqttMessage[] = [];
  const downs: FaultError[] = [];
  const client = await connectBroker(
    settings.parse({ url, topic: '#', ...more }),
    world,
    { message: (message) => messages.push(message), closed: (error) => downs.push(error) },
    signal,
  );
  context.after(() => client.abort());
  return { client, messages, downs };
}

async function broker(context: TestContext): Promise<TestBroker> {
  const server = await startTestBroker();
  context.after(() => server.stop());
  return server;
}

const faultOf = (promise: Promise<unknown>): Promise<Fault | null> =>
  promise.then(
    () => null,
    (error: unknown) => {
      if (error instanceof FaultError) return error.fault;
      throw error;
    },
  );

/** A peer on loopback. */
async function peer(context: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** The first bytes that a client sends. */
async function greeting(context: TestContext, more: Record<string, unknown>): Promise<Buffer> {
  let said: (bytes: Buffer) => void = () => {};
  const first = new Promise<Buffer>((resolve) => { said = resolve; });
  const port = await peer(context, (socket) => { socket.once('data', (bytes) => { said(bytes); socket.destroy(); }); });
  const [bytes] = await Promise.all([first, faultOf(connected(context, `mqtt://127.0.0.1:${port}`, more))]);
  return bytes;
}

test('the address of a broker, with the port of its kind', () => {
  assert.deepEqual(['mqtt://h', 'mqtts://h', 'mqtt://h:5', 'mqtts://10.0.0.1:7', 'mqtt://[fe80::1]'].map(brokerAddress), [
    'h:1883',
    'h:8883',
    'h:5',
    '10.0.0.1:7',
    '[fe80::1]:1883',
  ]);
});

test('it says who it is, which session it wants, and that it is there every 10 s', async (context: TestContext) => {
  // CONNECT: type and length, "MQTT", level, flags, keep-alive; then with 5 the properties; then the client id.
  const plain = await greeting(context, {});
  assert.equal(plain.subarray(2, 12).toString('hex'), '00044d5154540402000a');
  assert.match(plain.subarray(14).toString(), /^cityvitals-[0-9a-z]+$/);
  const named = await greeting(context, { clientId: 'edge-7', session: 'kept', user: 'u', password: 'p' });
  assert.equal(named.subarray(2).toString('hex'), `00044d51545404c0000a0006${Buffer.from('edge-7').toString('hex')}000175000170`);
  const five = await greeting(context, { clientId: 'c', version: '5' });
  assert.equal(five.subarray(2).toString('hex'), '00044d5154540502000a00000163');
  const kept = await greeting(context, { clientId: 'c', version: '5', session: 'kept' });
  assert.equal(kept.subarray(2).toString('hex'), `00044d5154540500000a0511${(7 * 86_400).toString(16).padStart(8, '0')}000163`);
});

test('a message has its time of arrival, and is settled once however often that is said', async (context: TestContext) => {
  const server = await broker(context);
  const { client, messages } = await connected(context, server.url);
  await client.subscribe(['a', 'b'], 1);
  await server.publish('a', 'x', { retain: true });
  await server.publish('b', Buffer.from([0xff]));
  await until(() => messages.length === 2);
  assert.deepEqual(
    messages.map(({ topic, payload, retain, observedAt }) => [topic, payload.toString(), retain, observedAt]),
    [
      ['a', 'x', false, AT],
      ['b', Buffer.from([0xff]).toString(), false, AT],
    ],
  );
  messages[0]?.settle(true);
  messages[0]?.settle(false);
  messages[0]?.settle(true);
  messages[1]?.settle(false);
  messages[1]?.settle(true);
  await server.publish('a', 'y', { qos: 0 });
  await until(() => messages.length === 3);
  assert.equal(server.acknowledged(), 1, 'what was let go stays with the broker');
  const late = await connected(context, server.url);
  await late.client.subscribe(['a'], 1);
  await until(() => late.messages.length === 1);
  assert.equal(late.messages[0]?.retain, true);
});

test('no more is read while 2,000 messages or 16 MiB are held; with each that is settled it goes on', async (context: TestContext) => {
  const server = await broker(context);
  const { client, messages } = await connected(context, server.url);
  await client.subscribe(['a'], 0);
  await Promise.all(Array.from({ length: 2010 }, (_, at) => server.publish('a', String(at), { qos: 0 })));
  await until(() => messages.length >= 2000);
  await server.publish('a', 'last', { qos: 0 });
  assert.equal(messages.length, 2000);
  messages[5]?.settle(true);
  await until(() => messages.length === 2001);
  messages[5]?.settle(true);
  messages[6]?.settle(false);
  await until(() => messages.length === 2002);
  assert.equal(messages.at(-1)?.payload.toString(), '2001');
  for (const message of messages.slice()) message.settle(true);
  await until(() => messages.length === 2011);

  const big = await connected(context, server.url);
  await big.client.subscribe(['b'], 0);
  const mebibyte = Buffer.alloc(1 << 20);
  for (let at = 0; at < 18; at += 1) await server.publish('b', mebibyte, { qos: 0 });
  await until(() => big.messages.length >= 16);
  await server.publish('c', 'x', { qos: 0 });
  assert.equal(big.messages.length, 16);
  big.messages[0]?.settle(true);
  await until(() => big.messages.length === 17);
  for (const message of big.messages.slice()) message.settle(true);
  await until(() => big.messages.length === 18);
});

test('an end is told once, with its reason; afterwards nothing is asked, sent or told', async (context: TestContext) => {
  const server = await broker(context);
  const subscribed: string[] = [];
  const published: string[] = [];
  server.aedes.on('subscribe', (all) => { subscribed.push(...all.map(({ topic }) => topic)); });
  server.aedes.on('unsubscribe', (all, one) => { if (!one.closed) subscribed.push(...all.map((topic) => `-${topic}`)); });
  server.aedes.on('publish', ({ topic }) => { published.push(topic); });
  const { client, downs, messages } = await connected(context, server.url);
  await client.subscribe(['a', 'b'], 1);
  client.unsubscribe(['b']);
  client.publish('said', Buffer.from('x'));
  await until(() => subscribed.includes('-b') && published.includes('said'));
  const reason = new FaultError('CV_MQTT_IN_UNKEPT', { address: 'x', seconds: 60 });
  await server.publish('a', 'x');
  await until(() => messages.length === 1);
  client.closeWith(reason);
  client.closeWith(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'later' }));
  client.abort();
  assert.deepEqual(downs, [reason]);
  messages[0]?.settle(true);
  client.publish('never', Buffer.from('x'));
  client.unsubscribe(['a']);
  await client.subscribe(['c'], 1);
  await client.close();
  await until(() => server.connections() === 0);
  assert.deepEqual([subscribed, published.includes('never'), server.acknowledged(), downs.length], [['a', 'b', '-b'], false, 0, 1]);
});

test('a farewell is said where the broker hears it: it takes the session for closed, not for broken', async (context: TestContext) => {
  const server = await broker(context);
  const farewells: boolean[] = [];
  server.aedes.on('clientDisconnect', (one) => { farewells.push((one as unknown as { _disconnected?: boolean })._disconnected === true); });
  const { client, downs } = await connected(context, server.url);
  await client.close();
  await until(() => farewells.length === 1);
  const { client: rude } = await connected(context, server.url);
  rude.abort();
  await until(() => farewells.length === 2);
  assert.deepEqual(farewells, [true, false]);
  assert.deepEqual(downs.map(({ fault }) => [fault.code, fault.params.address]), [['CV_LINK_CLOSED', `127.0.0.1:${server.port}`]]);
});

test('a broker that refuses says why; one that goes before it has answered, or after, is gone', async (context: TestContext) => {
  const refusing = await peer(context, (socket) => {
    socket.once('data', () => socket.end(Buffer.from([0x20, 2, 0, 5])));
  });
  assert.deepEqual(await faultOf(connected(context, `mqtt://127.0.0.1:${refusing}`)), {
    code: 'CV_MQTT_IN_REFUSED',
    params: { address: `127.0.0.1:${refusing}`, detail: 'Connection refused: Not authorized' },
  });
  const going = await peer(context, (socket) => {
    socket.once('data', () => socket.end());
  });
  assert.deepEqual(await faultOf(connected(context, `mqtt://127.0.0.1:${going}`)), {
    code: 'CV_LINK_CLOSED',
    params: { address: `127.0.0.1:${going}`, detail: 'by the broker', detailZh: '服务器断开' },
  });
  const babbling = await peer(context, (socket) => {
    socket.once('data', () => socket.write(Buffer.from('HTTP/1.1 400\r\n\r\n')));
  });
  assert.equal((await faultOf(connected(context, `mqtt://127.0.0.1:${babbling}`)))?.code, 'CV_LINK_CLOSED');
  let near: Socket | undefined;
  const resetting = await peer(context, (socket) => {
    near = socket;
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
  });
  const { downs } = await connected(context, `mqtt://127.0.0.1:${resetting}`);
  near?.resetAndDestroy();
  await until(() => downs.length === 1);
  assert.equal(downs[0]?.fault.code, 'CV_LINK_CLOSED');
});

test('an attempt that is called off ends with its reason, before the broker has answered or after it was dialled', async (context: TestContext) => {
  let heard: () => void = () => {};
  const asked = new Promise<void>((resolve) => { heard = resolve; });
  let closed: () => void = () => {};
  const gone = new Promise<void>((resolve) => { closed = resolve; });
  const silent = await peer(context, (socket) => {
    socket.once('data', () => heard());
    socket.on('close', () => closed());
  });
  const stop = new AbortController();
  const attempt = connected(context, `mqtt://127.0.0.1:${silent}`, {}, { signal: stop.signal });
  await asked;
  stop.abort(new Error('enough'));
  await assert.rejects(attempt, /enough/);
  await gone;
  await assert.rejects(
    connected(context, `mqtt://127.0.0.1:${silent}`, {}, { signal: AbortSignal.abort(new Error('too late')) }),
    /too late/,
  );
});

interface Made { cert: string; key: string }

async function make(subject: string, more: { ip?: string[]; dns?: string[] }): Promise<Made> {
  const privateKey = await generatePrivateKey(2048);
  const { cert } = await createSelfSignedCertificate({
    privateKey,
    applicationUri: 'urn:x',
    subject,
    purpose: CertificatePurpose.ForApplication,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    ...more,
  });
  return { cert, key: (await privateKeyToPEM(privateKey)).privPem };
}

test('TLS: who stands at the broker is checked by the CA that is given; without a check that is told each time; a client shows its own certificate', async (context: TestContext) => {
  const { dir, remove } = await tempDir();
  context.after(remove);
  const [server, stranger] = await Promise.all([
    make('/CN=broker', { ip: ['127.0.0.1'], dns: ['localhost'] }),
    make('/CN=stranger', { ip: ['127.0.0.1'] }),
  ]);
  const file = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const [ca, other, key] = await Promise.all([
    file('ca.pem', server.cert),
    file('other.pem', stranger.cert),
    file('key.pem', stranger.key),
  ]);
  const shown: { cn: string | undefined; name: string | false | null }[] = [];
  const tls = createTlsServer({ ...server, requestCert: true, rejectUnauthorized: false }, (socket: TLSSocket) => {
    shown.push({
      cn: socket.getPeerCertificate().subject?.CN as string | undefined,
      name: (socket as unknown as { servername: string | false }).servername,
    });
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
  });
  tls.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => { tls.listen(0, '127.0.0.1', resolve); });
  context.after(() => { tls.close(); });
  const { port } = tls.address() as AddressInfo;
  const world = testWorld(new VirtualClock(AT));
  const outcome = (how: object, url = `mqtts://127.0.0.1:${port}`) =>
    faultOf(connected(context, url, { tls: how }, { world }).then(({ client }) => client.abort()));
  assert.equal(await outcome({ ca }), null);
  assert.deepEqual(world.told, []);
  assert.equal(await outcome({ ca, cert: other, key }), null);
  assert.equal(await outcome({ ca }, `mqtts://localhost:${port}`), null);
  assert.deepEqual(shown, [{ cn: undefined, name: false }, { cn: 'stranger', name: false }, { cn: undefined, name: 'localhost' }]);
  const refused = await outcome({ ca: other });
  assert.deepEqual([refused?.code, refused?.params.address], ['CV_MQTT_IN_TLS', `127.0.0.1:${port}`]);
  assert.match(String(refused?.params.detail), /self-signed certificate/);
  assert.equal((await outcome({}))?.code, 'CV_MQTT_IN_TLS');
  assert.deepEqual(world.told, []);
  assert.equal(await outcome({ verify: false }), null);
  assert.deepEqual(world.told, [{ kind: 'fault', fault: { code: 'CV_MQTT_IN_UNVERIFIED', params: { address: `127.0.0.1:${port}` } } }]);
  const missing = await outcome({ ca: join(dir, 'none.pem') });
  assert.deepEqual([missing?.code, String(missing?.params.detail).includes('ENOENT')], ['CV_MQTT_IN_TLS', true]);
});

test('TLS: a broker that closes within the handshake, and an attempt called off within it', async (context: TestContext) => {
  const closing = await peer(context, (socket) => { socket.once('data', () => socket.end()); });
  const fault = await faultOf(connected(context, `mqtts://127.0.0.1:${closing}`));
  assert.equal(fault?.code, 'CV_MQTT_IN_TLS');
  let heard: () => void = () => {};
  const asked = new Promise<void>((resolve) => { heard = resolve; });
  let closed: () => void = () => {};
  const gone = new Promise<void>((resolve) => { closed = resolve; });
  const silent = await peer(context, (socket) => {
    socket.once('data', () => heard());
    socket.on('close', () => closed());
  });
  const stop = new AbortController();
  const attempt = connected(context, `mqtts://127.0.0.1:${silent}`, {}, { signal: stop.signal });
  await asked;
  stop.abort(new Error('enough'));
  await assert.rejects(attempt, /enough/);
  await gone;
  const early = new AbortController();
  const world = testWorld(new VirtualClock(AT));
  const files: typeof world.files = {
    ...world.files,
    read: async () => {
      early.abort(new Error('too soon'));
      return Buffer.from('');
    },
  };
  await assert.rejects(
    connected(context, `mqtts://127.0.0.1:${silent}`, { tls: { ca: 'ca.pem' } }, { signal: early.signal, world: { ...world, files } }),
    /too soon/,
  );
});
