/** `devices` against a real gateway: a device that has moved to another box, with nothing lost on the way. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { Draft } from '../core/event.ts';
import { verifyJournal } from '../log/journal.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import { realWorld } from '../core/world.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';
import { runGateway } from '../gateway/main.ts';

const CENTRE = '500112001';
const TOKEN = 'a-token-of-sixteen-and-more';

async function setupIn(t: TestContext): Promise<GatewaySetup> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return {
    gateway: 'g',
    centre: CENTRE,
    accepts: ['live'],
    exercise: false,
    relays: [],
    sinks: [],
    notifiers: [],
    rules: [],
    catalogue: [],
    operators: [{ name: 'duty-1', token: TOKEN }],
    bindings: [{ device: 'fixed', edges: ['pump'] }],
    broker: {
      kind: 'embedded',
      host: '127.0.0.1',
      port: 0,
      edges: [
        { id: 'pump', token: 't' },
        { id: 'gate', token: 't' },
      ],
      consumers: [],
      anonymous: 'loopback',
      maxConnections: 50,
    },
    log: { dir: join(dir, 'log'), maxBytes: 1 << 30, keepMs: 86_400_000 },
    store: { dir: join(dir, 'store'), retentionMs: Infinity, maxBytes: 1 << 30 },
    http: { host: '127.0.0.1', port: 0 },
  };
}

const draft = (device: string, value: number): Draft => ({
  device,
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: CENTRE,
  kind: 'measurement',
  value,
  unit: 'm',
  occurredAt: Date.now() - 1000 + value,
  clock: 'edge',
  observedAt: Date.now(),
  quality: 'good',
  origin: 'live',
});

/** Sends, and waits for the ack that settles it. */
async function sender(t: TestContext, url: string, edge: string) {
  const client = await mqtt.connectAsync(url, {
    clientId: `cv-${edge}`,
    username: edge,
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  await client.subscribeAsync(`cv/v1/in/${CENTRE}/${edge}/ack`, { qos: 1 });
  let acked = { upTo: 0, refused: [] as { code: string }[] };
  client.on('message', (_topic, payload) => {
    const message = JSON.parse(String(payload)) as Partial<typeof acked>;
    if (message.upTo !== undefined) acked = { upTo: message.upTo, refused: [...acked.refused, ...(message.refused ?? [])] };
  });
  let seq = 1;
  return async (drafts: Draft[]) => {
    await client.publishAsync(
      `cv/v1/in/${CENTRE}/${edge}/up`,
      Buffer.from(encodeBatch({ from: edge, stream: 'measurement', epoch: 1, seq }, drafts)),
      { qos: 1 },
    );
    seq += drafts.length;
    await until(() => Promise.resolve(acked.upTo), (upTo) => upTo >= seq - 1);
    return acked.refused.map(({ code }) => code);
  };
}

function devices(url: string, ...args: string[]): Promise<{ code: number | null; out: Record<string, unknown>[]; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), 'devices', ...args, '--gateway', url, '--json', '--lang', 'en'],
      { env: { ...process.env, CITYVITALS_OPERATOR_TOKEN: TOKEN } },
    );
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      text += String(chunk);
    });
    child.on('close', (code) =>
      resolve({
        code,
        text,
        out: text
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      }),
    );
  });
}

test('a device that has moved to another box: refused, bound by an operator, and all of it is there', { timeout: 120_000 }, async (t) => {
  const setup = await setupIn(t);
  let gateway = await runGateway(setup, realWorld(() => {}));
  t.after(() => gateway.close());
  const [pump, gate] = [await sender(t, gateway.brokerUrl, 'pump'), await sender(t, gateway.brokerUrl, 'gate')];
  await pump([draft('plc', 1)]);
  assert.deepEqual(await gate([draft('plc', 2), draft('cam', 3), draft('plc', 4)]), ['CV_DEVICE_FOREIGN', 'CV_DEVICE_FOREIGN']);

  const listed = await devices(gateway.httpUrl, 'list', '--foreign');
  assert.deepEqual(listed.out, [{ device: 'plc', edges: ['pump'], configured: false, foreign: [{ edge: 'gate', count: 2 }] }]);
  const wrong = await devices(gateway.httpUrl, 'bind', 'fixed', 'gate', '--reason', 'x');
  assert.deepEqual([wrong.code, /CV_BINDING_CONFIGURED/.test(wrong.text)], [1, true]);
  assert.equal((await devices(gateway.httpUrl, 'bind', 'plc', 'nobody', '--reason', 'x')).code, 1);

  assert.deepEqual((await devices(gateway.httpUrl, 'bind', 'plc', 'gate', '--reason', 'new box')).out, [
    { edge: 'gate', device: 'plc', before: ['pump'], taken: 2 },
  ]);
  assert.equal((await gate([draft('plc', 5)])).length, 2);
  assert.deepEqual((await pump([draft('plc', 6)])).at(-1), 'CV_DEVICE_FOREIGN');

  const values = async () => {
    const { items } = (await (await fetch(`${gateway.httpUrl}/api/v1/events?limit=100`)).json()) as {
      items: { edge: string; device: string; seq: number; value: number }[];
    };
    return items
      .filter(({ device }) => device === 'plc')
      .map(({ edge, seq, value }) => `${edge} ${seq}: ${value}`)
      .toSorted();
  };
  const wanted = ['gate 1: 2', 'gate 3: 4', 'gate 4: 5', 'pump 1: 1'];
  assert.deepEqual(await values(), wanted);
  // Once only, also when it is bound again and after a restart; and it stays bound.
  assert.deepEqual((await devices(gateway.httpUrl, 'bind', 'plc', 'gate', '--reason', 'again')).out[0]?.taken, 0);
  await gateway.close();
  gateway = await runGateway(setup, realWorld(() => {}));
  assert.deepEqual(await values(), wanted);
  assert.deepEqual((await devices(gateway.httpUrl, 'list', '--foreign')).out, [
    { device: 'plc', edges: ['gate'], configured: false, foreign: [{ edge: 'pump', count: 1 }] },
  ]);

  const { lines, faults } = await verifyJournal(join(setup.log.dir, 'bindings'));
  assert.deepEqual(
    [faults, lines.map(({ by, device, edge, was, reason }) => [by, device, edge, was, reason])],
    [
      [],
      [
        ['duty-1', 'plc', 'gate', ['pump'], 'new box'],
        ['duty-1', 'plc', 'gate', ['gate'], 'again'],
      ],
    ],
  );
  assert.match(await readFile(join(setup.log.dir, 'bindings.jsonl'), 'utf8'), /"device":"plc"/);
});

test('an edge of another centre is moved there by an operator, and what it said comes in', { timeout: 120_000 }, async (t) => {
  const gateway = await runGateway(await setupIn(t), realWorld(() => {}));
  t.after(() => gateway.close());
  const gate = await sender(t, gateway.brokerUrl, 'gate');
  assert.deepEqual(await gate([draft('cam', 1), { ...draft('cam', 2), centre: '500112002' }]), ['CV_CENTRE_FOREIGN']);
  assert.deepEqual((await devices(gateway.httpUrl, 'move', 'gate', '500112002', '--reason', 'new town')).out, [
    { edge: 'gate', centre: '500112002', before: [CENTRE], taken: 1 },
  ]);
});
