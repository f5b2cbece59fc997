/** The embedded broker with TLS: edges by their certificates, everybody else by password, on one port with plaintext. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { connectPacket, subscribePacket } from '../../core/testing/raw-mqtt.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realClock, type World } from '../../core/world.ts';
import { CertificateAuthority } from '../certificates/authority.ts';
import { EdgeEnrolment } from '../certificates/enrolment.ts';
import { makeAuthority, issueEdge } from '../certificates/issuing.ts';
import { CERTIFICATE_TABLES } from '../certificates/records.ts';
import { signingRequestFor } from '../certificates/testing/signing-request.ts';
import { MemoryJsonRows } from '../sqlite/testing/memory-rows.ts';
import { TlsPort } from '../tls/tls-port.ts';
import { openEmbeddedBroker } from './embedded.ts';
import { openLink } from './link.ts';

const DAY_MS = 86_400_000;
const OUT = 'cv/v1/out/500112001/YJ-FLD-001';
const CHIEF = { name: 'chief', address: '127.0.0.1' };
const SETUP = {
  kind: 'embedded', anonymous: 'none', maxConnections: 50,
  edges: [{ id: 'gate', token: 'other' }], consumers: [{ user: 'board', password: 'pass' }],
} as const;

/** Its own, which is not loopback: what is sent there does not leave the machine. */
const ownAddress = Object.values(networkInterfaces()).flat().find((one) => one && one.family === 'IPv4' && !one.internal)?.address;

interface Box {
  key: string;
  cert: string;
  serialNumber: string;
}

async function rig(t: TestContext, { host = '127.0.0.1', plaintext = true } = {}) {
  const told: TelemetryEvent[] = [];
  const waiting = new Set<() => void>();
  let laterMs = 0;
  const clock = { ...realClock, nowMs: () => realClock.nowMs() + laterMs };
  const world: World = { ...testWorld(), clock, tell: (event) => { told.push(event); for (const look of waiting) look(); } };
  const { dir, remove } = await tempDir();
  t.after(remove);
  const authority = new CertificateAuthority({ dir: join(dir, 'ca'), gateway: 'g', names: ['localhost', '127.0.0.1', host] }, clock);
  await authority.open();
  const enrolment = new EdgeEnrolment(
    { authority, file: new MemoryJsonRows(CERTIFICATE_TABLES), lifeMs: 90 * DAY_MS, graceMs: DAY_MS },
    world,
  );
  await enrolment.open();
  t.after(() => enrolment.close());
  const port = new TlsPort({ certificate: authority.server(), clientAuthorities: authority.trustedPem }, clock);
  let isPlaintextAllowed = plaintext;
  const broker = await openEmbeddedBroker(
    { ...SETUP, host, port: 0 }, world, { port, certificates: enrolment, isPlaintextAllowed: () => isPlaintextAllowed },
  );
  enrolment.onRevoked((edge, serialNumber) => broker.dropRevoked(edge, serialNumber));
  const got: string[] = [];
  const url = await broker.listen();
  const link = openLink({ url, open: () => broker.connectGateway() }, {
    clientId: 'gateway:test', filters: ['cv/v1/in/+/+/up'],
    take: ({ topic, payload }) => { got.push(`${topic} ${Buffer.from(payload).toString()}`); for (const look of waiting) look(); },
  }, world);
  await new Promise<void>((resolve) => { link.onReady(resolve); });
  const clients: MqttClient[] = [];
  t.after(async () => {
    for (const client of clients) client.end(true);
    await link.close();
    await broker.close();
  });
  const address = { host, port: Number(new URL(url).port) };
  const until = (holds: () => boolean) => new Promise<void>((resolve) => {
    const look = () => {
      if (!holds()) return;
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  return {
    url, address, broker, enrolment, authority, link, told, got, until,
    later: (ms: number) => { laterMs += ms; },
    endPlaintext: () => { isPlaintextAllowed = false; },
    faults: () => told.flatMap((event) => (event.kind === 'fault' ? event.fault.code : [])),
    async box(edge: string): Promise<Box> {
      const key = newKey();
      const { code } = await enrolment.addCode({ edge, centres: ['500112001'], forMs: DAY_MS }, CHIEF);
      const csr = await signingRequestFor(edge, key);
      const { certificatePem, serialNumber } = await enrolment.enrol({ edge, code: code.slice(0, 16), csr }, '127.0.0.1');
      return { key, cert: certificatePem, serialNumber };
    },
    /** @returns the client, or with which code it was refused */
    async come(given: IClientOptions, scheme = 'mqtts'): Promise<MqttClient | number | string> {
      const options = { protocolVersion: 4 as const, reconnectPeriod: 0, connectTimeout: 5000, ca: authority.trustedPem, ...given };
      try {
        const client = await mqtt.connectAsync(`${scheme}://${host}:${address.port}`, options);
        client.on('error', () => {});
        clients.push(client);
        return client;
      } catch (error) {
        return (error as { code?: number | string }).code ?? (error as Error).message;
      }
    },
  };
}

const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
const isIn = (came: MqttClient | number | string): came is MqttClient => typeof came === 'object';
const NOT_AUTHORISED = 5;

test('an edge comes in by its certificate alone, a consumer by password, an edge with a token as before; plaintext has the same port', async (t) => {
  const { box, come, got, until, url, broker, link } = await rig(t);
  assert.match(url, /^mqtts:/);
  const { key, cert } = await box('pump-07');
  const pump = await come({ clientId: 'cv-pump-07', key, cert });
  assert.ok(isIn(pump));
  await pump.publishAsync('cv/v1/in/500112001/pump-07/up', 'by certificate', { qos: 1 });
  // The user is in it as well; whoever leaves the client id to the broker gets that of its certificate.
  const unnamed = await come({ clientId: '', key, cert, username: 'pump-07', password: 'whatever' });
  assert.ok(isIn(unnamed));
  await unnamed.publishAsync('cv/v1/in/500112001/pump-07/up', 'without a name', { qos: 1 });
  for (const scheme of ['mqtt', 'mqtts']) {
    const gate = await come({ clientId: 'cv-gate', username: 'gate', password: 'other' }, scheme);
    assert.ok(isIn(gate), scheme);
    await gate.publishAsync('cv/v1/in/500112001/gate/up', scheme, { qos: 1 });
  }
  await until(() => got.length === 4);
  assert.deepEqual(got.map((one) => one.split('/up ')[1]), ['by certificate', 'without a name', 'mqtt', 'mqtts']);
  assert.equal(broker.addressOf('pump-07'), '127.0.0.1');
  const board = await come({ clientId: 'board', username: 'board', password: 'pass' });
  assert.ok(isIn(board));
  const heard = new Promise<string>((resolve) => { board.on('message', (_topic, payload) => resolve(payload.toString())); });
  await board.subscribeAsync('cv/v1/out/#', { qos: 1 });
  await link.publish(OUT, 'hello');
  assert.equal(await heard, 'hello');
});

test('another name, another CA, its own CA, revoked, ended, none: refused with its reason; nobody publishes for another', async (t) => {
  const { box, come, enrolment, faults, later, told, until } = await rig(t);
  const pump = await box('pump-07');
  const refusedWith = async (given: IClientOptions, fault: string, why: RegExp) => {
    told.length = 0;
    assert.equal(await come(given), NOT_AUTHORISED, fault);
    await until(() => faults().includes(fault as never));
    assert.match(JSON.stringify(told), why);
  };
  const { key, cert } = pump;
  const asGate = { clientId: 'cv-gate', key, cert, username: 'gate', password: 'other' };
  await refusedWith(asGate, 'CV_CLIENT_REFUSED', /its certificate is that of pump-07/);
  await refusedWith({ clientId: 'cv-pump-07', key, cert, username: 'gate' }, 'CV_CLIENT_REFUSED', /the user of an edge is its id/);
  await refusedWith({ clientId: 'cv-pump-07' }, 'CV_CLIENT_REFUSED', /unknown edge/);
  await refusedWith({ clientId: 'gateway:g:in', key, cert }, 'CV_CLIENT_REFUSED', /kept for the gateway/);
  const foreign = await makeAuthority('other', Date.now());
  const spki = (await import('node:crypto')).createPublicKey(key).export({ type: 'spki', format: 'der' });
  const life = { notBeforeAt: Date.now(), notAfterAt: Date.now() + DAY_MS };
  const stranger = await issueEdge({ edge: 'pump-07', centres: ['500112001'], publicKeyDer: spki }, life, foreign);
  await refusedWith({ clientId: 'cv-pump-07', key, cert: stranger }, 'CV_CERTIFICATE_REFUSED', /not of our CA/);
  await refusedWith({ clientId: 'cv-x', key: foreign.keyPem, cert: foreign.certificatePem }, 'CV_CERTIFICATE_REFUSED', /not of our CA/);
  // A program shows whatever certificate it has: what counts is its password.
  assert.ok(isIn(await come({ clientId: 'board', username: 'board', password: 'pass', key, cert: stranger })));
  const own = await come({ clientId: 'cv-pump-07', key, cert });
  assert.ok(isIn(own));
  told.length = 0;
  const closed = new Promise<void>((resolve) => { own.once('close', () => resolve()); });
  own.publish('cv/v1/in/500112001/gate/up', 'for another', { qos: 1 });
  await closed;
  assert.deepEqual(faults(), ['CV_TOPIC_DENIED']);
  later(91 * DAY_MS);
  await refusedWith({ clientId: 'cv-pump-07', key, cert }, 'CV_CERTIFICATE_REFUSED', /its time has ended/);
  await enrolment.revoke('pump-07', CHIEF);
  await refusedWith({ clientId: 'cv-pump-07', key, cert }, 'CV_CERTIFICATE_REFUSED', /its time has ended|it was revoked/);
});

test('who is revoked is gone at once, and only who came by that certificate; a change of the configuration touches neither', async (t) => {
  const { box, come, enrolment, faults, broker } = await rig(t);
  const [pump, well] = [await box('pump-07'), await box('well-01')];
  const [first, second] = [await come({ clientId: 'cv-pump-07', ...pump }), await come({ clientId: 'cv-well-01', ...well })];
  assert.ok(isIn(first) && isIn(second));
  broker.admit({ edges: [], consumers: [], anonymous: 'none' });
  await first.publishAsync('cv/v1/in/500112001/pump-07/up', 'still here', { qos: 1 });
  const closed = new Promise<void>((resolve) => { first.once('close', () => resolve()); });
  await enrolment.revoke(pump.serialNumber, CHIEF);
  await closed;
  assert.deepEqual(faults(), ['CV_CERTIFICATE_REFUSED']);
  await second.publishAsync('cv/v1/in/500112001/well-01/up', 'so am I', { qos: 1 });
});

test('a subscriber over TLS that does not read is let go as one over plaintext', async (t) => {
  const { address, link, until, told, authority } = await rig(t);
  const socket: TLSSocket = connectTls({ ...address, ca: authority.trustedPem, servername: 'localhost' });
  socket.on('error', () => {});
  await new Promise((resolve) => { socket.once('secureConnect', resolve); });
  socket.write(connectPacket({ clientId: 'sleeper', user: 'board', password: 'pass' }));
  await new Promise((resolve) => { socket.once('data', resolve); });
  socket.write(subscribePacket('cv/v1/out/#', 0));
  await new Promise((resolve) => { socket.once('data', resolve); });
  socket.pause();
  let isDropped = false;
  const isStalled = (event: TelemetryEvent) => event.kind === 'client_dropped' && event.reason === 'stalled';
  const gone = until(() => told.some(isStalled)).then(() => { isDropped = true; });
  for (let count = 0; count < 2000 && !isDropped; count += 1) await link.publish(OUT, Buffer.alloc(64 << 10));
  await gone;
  socket.destroy();
});

test('half a handshake, garbage behind a TLS byte, old TLS, silence: none delays or ends anything', async (t) => {
  const { address, come, box, authority } = await rig(t);
  const sockets: Socket[] = [];
  for (const bytes of [[22], [22, 3, 1], [22, 3, 1, 0, 5, 1, 0, 0, 1, 0], [22, ...Array.from({ length: 400 }, (_, at) => at & 255)], []]) {
    const socket = connect(address);
    socket.on('error', () => {});
    await new Promise((resolve) => { socket.once('connect', resolve); });
    if (bytes.length > 0) socket.write(Buffer.from(bytes));
    sockets.push(socket);
  }
  const old = await new Promise<string>((resolve) => {
    const socket = connectTls({
      ...address, ca: authority.trustedPem, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0',
    });
    socket.once('secureConnect', () => resolve('in'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sockets.push(socket);
  });
  assert.notEqual(old, 'in');
  const pump = await come({ clientId: 'cv-pump-07', ...(await box('pump-07')) });
  assert.ok(isIn(pump));
  await pump.publishAsync('cv/v1/in/500112001/pump-07/up', 'in spite of them', { qos: 1 });
  for (const socket of sockets) socket.destroy();
});

test('from beyond the machine plaintext is named while it is let in, and refused with its reason after', async (t) => {
  if (ownAddress === undefined) return t.skip('no address beside loopback');
  const { come, broker, endPlaintext, faults, box } = await rig(t, { host: ownAddress });
  const gate = await come({ clientId: 'cv-gate', username: 'gate', password: 'other' }, 'mqtt');
  const pump = await come({ clientId: 'cv-pump-07', ...(await box('pump-07')) });
  assert.ok(isIn(gate) && isIn(pump));
  assert.deepEqual(broker.plaintextEdges(), ['gate']);
  gate.end(true);
  endPlaintext();
  assert.equal(await come({ clientId: 'cv-gate', username: 'gate', password: 'other' }, 'mqtt'), NOT_AUTHORISED);
  assert.deepEqual(faults(), ['CV_TLS_REQUIRED']);
  assert.ok(isIn(await come({ clientId: 'cv-gate', username: 'gate', password: 'other' })));
});
