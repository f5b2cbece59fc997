/** The API over a real gateway: what it answers after a real batch fits the document, route by route. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { Draft } from '../../core/event.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { edgeTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import { realWorld } from '../../core/world.ts';
import { signingRequestFor } from '../certificates/testing/signing-request.ts';
import type { GatewaySetup } from '../config/setup.ts';
import { runGateway } from '../main.ts';
import { EXAMPLES } from './testing/examples.ts';
import { validatorOf, type Document } from './testing/document.ts';
import { follow } from './testing/http.ts';

const CENTRE = '500112001';
const CONFIGS = join(import.meta.dirname, '..', '..', 'configs');

async function setupFor(t: TestContext): Promise<GatewaySetup> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return {
    gateway: 'g',
    centre: CENTRE,
    name: { zh: '龙溪镇', en: 'Longxi town' },
    accepts: ['live'],
    exercise: true,
    relays: [],
    sinks: [],
    notifiers: [],
    rules: [join(CONFIGS, 'rules', 'demo')],
    catalogue: [join(CONFIGS, 'catalogue')],
    broker: {
      kind: 'embedded',
      host: '127.0.0.1',
      port: 0,
      edges: [{ id: 'pump', token: 't' }],
      consumers: [],
      anonymous: 'loopback',
      maxConnections: 50,
    },
    log: { dir: join(dir, 'log'), maxBytes: 1 << 30, keepMs: 86_400_000 },
    store: { dir: join(dir, 'store'), retentionMs: Infinity, maxBytes: 1 << 30 },
    http: { host: '127.0.0.1', port: 0 },
    tls: { dir: join(dir, 'tls'), loopback: true, own: null, plaintextUntilAt: null, edgeLifeMs: 86_400_000, edgeGraceMs: 86_400_000 },
  };
}

/** Enough water for long enough that a warning is raised, and one code that no catalogue knows. */
function drafts(now: number): Draft[] {
  const base = {
    device: 'plc',
    centre: CENTRE,
    kind: 'measurement',
    clock: 'edge',
    observedAt: now,
    quality: 'good',
    origin: 'live',
  } as const;
  const water = Array.from({ length: 30 }, (_, at): Draft => ({
    ...base,
    point: 'level',
    indicator: 'YJ-FLD-001',
    value: 3.6,
    unit: 'm',
    occurredAt: now - 30_000 + at * 1000,
  }));
  return [
    ...water,
    { ...base, point: 'odd', indicator: 'NEW-CODE', value: 7, unit: '', occurredAt: now },
    { ...base, point: 'bad', indicator: 'YJ-FLD-001', value: null, unit: 'm', quality: 'bad', flags: ['comm'], occurredAt: now },
  ];
}

test('a real gateway answers by the document, on every route and on live', { timeout: 120_000 }, async (t) => {
  const gateway = await runGateway(await setupFor(t), realWorld(() => {}));
  t.after(() => gateway.close());
  // One port for both; from this machine plaintext is let in.
  const [httpUrl, brokerUrl] = [gateway.httpUrl.replace('https:', 'http:'), gateway.brokerUrl.replace('mqtts:', 'mqtt:')];
  const viewer = await follow(httpUrl);
  const client = await mqtt.connectAsync(brokerUrl, {
    clientId: 'cv-pump',
    username: 'pump',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  const now = Date.now();
  await client.publishAsync(
    edgeTopic(CENTRE, 'pump', 'state'),
    JSON.stringify({
      v: WIRE_VERSION,
      edge: 'pump',
      centre: CENTRE,
      online: true,
      sentAt: now,
      version: '0.1.0',
      log: { depth: 0, bytes: 0, byStream: {} },
      devices: [{ id: 'plc', driver: 'modbus', online: false, reason: 'CV_LINK_TIMEOUT', lastAt: now, periodMs: 1000 }],
      unknown: [
        {
          driver: 'hj212',
          address: '0.0.0.0:8212',
          id: 'A1',
          peer: '10.0.0.9:1',
          said: { hex: '23', text: '#' },
          yaml: '',
          count: 2,
          firstAt: now,
          lastAt: now,
        },
      ],
    }),
    { qos: 1, retain: true },
  );
  await client.publishAsync(
    edgeTopic(CENTRE, 'pump', 'up'),
    Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, drafts(now))),
    { qos: 1 },
  );
  await client.publishAsync(edgeTopic(CENTRE, 'pump', 'up'), 'neither JSON nor zstd', { qos: 1 });
  const has = (kind: string) => viewer.messages.some((message) => message.kind === kind);
  await viewer.until(() => has('value') && has('warning') && has('device') && has('status'));

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-cityvitals': '1', ...headers },
      body: JSON.stringify(body),
    });
  const code = /#\/setup\/([\w-]{43})$/.exec(gateway.setupLink ?? '')?.[1];
  const setUp = await post('/api/v1/setup', { code, name: 'chief', password: 'long enough to keep' });
  const cookie = setUp.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  const token = { name: 'a', permissions: ['read'], centres: ['*'], days: 1 };
  assert.equal((await post('/api/v1/account/tokens', token, { cookie })).status, 200);
  assert.equal((await fetch(`${httpUrl}/api/v1/devices`)).status, 401, 'from the first administrator on everybody signs in');
  const inCode = await post('/api/v1/enrolment-codes', { edge: 'gate-02', centres: [CENTRE] }, { cookie });
  const { code: enrolmentCode } = (await inCode.json()) as { code: string };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const csr = await signingRequestFor('gate-02', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  assert.equal((await post('/api/v1/enrolment', { edge: 'gate-02', code: enrolmentCode.slice(0, 16), csr })).status, 200);
  const ask = async (path: string) =>
    (await fetch(`${httpUrl}${path}`, { headers: { cookie } })).json() as Promise<
      Record<string, unknown> & { items?: Record<string, unknown>[] }
    >;
  const document = (await ask('/api/v1/openapi.json')) as unknown as Document;
  const check = validatorOf(document);
  for (const message of viewer.messages) check({ $ref: '#/components/schemas/LiveMessage' }, message);
  const [warning] = (await ask('/api/v1/warnings')).items ?? [];
  assert.deepEqual([warning?.device, warning?.exercise], ['plc', true]);
  for (const [path, methods] of Object.entries(document.paths)) {
    const media = methods.get?.responses['200']?.content['application/json'];
    if (!media || path.endsWith('/picture') || path.includes('/commands')) continue;
    const id = path.includes('warnings') ? String(warning?.id) : 'plc';
    for (const query of path.endsWith('/series')
      ? ['', `?device=plc&point=level&from=${now - 60_000}&maxPoints=5`, `?device=plc&point=level&from=${now - 60_000}&limit=7`]
      : ['']) {
      const answer = await ask(`${path.replace('{id}', id)}${query}`);
      check(media.schema, answer);
      assert.notDeepEqual(answer.items, [], path);
    }
  }
  assert.equal((await ask('/api/v1/devices/plc/picture')).code, 'CV_API_NO_PICTURE');
  assert.deepEqual((await ask('/api/v1/status')).name, { zh: '龙溪镇', en: 'Longxi town' });
  assert.equal((await ask('/api/v1/indicators?known=false')).items?.[0]?.code, 'NEW-CODE');
  const plc = await ask('/api/v1/devices/plc');
  assert.equal(plc.freshness, 'lost');
  assert.ok((plc.remedy as typeof EXAMPLES.warning.title).zh.length > 0);
  assert.equal((await ask('/api/v1/events?after=9999999999999-1')).code, 'CV_API_CURSOR_AHEAD');
});
