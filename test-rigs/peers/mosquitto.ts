/** mosquitto as the broker between edges and gateway, with the files we make for it, and mosquitto_sub as a consumer. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import mqtt, { type MqttClient } from 'mqtt';
import type { Draft, Event } from '../../core/event.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import type { Ack } from '../../core/wire/messages.ts';
import type { OutMessage } from '../../core/wire/published.ts';
import { warningTopic } from '../../core/wire/topics.ts';
import { realWorld } from '../../core/world.ts';
import { mosquittoFiles } from '../../gateway/broker/mosquitto.ts';
import type { GatewaySetup } from '../../gateway/config/setup.ts';
import { runGateway } from '../../gateway/main.ts';
import type { RunningGateway } from '../../gateway/running-gateway.ts';
import { startMosquitto, type Mosquitto } from '../processes/mosquitto.ts';
import { freePort } from '../../core/free-port.ts';

const CENTRE = '500112001';
const ACCESS = {
  edges: [{ id: 'pump', token: 'pump-token' }, { id: 'gate', token: 'gate-token' }],
  gateway: { user: 'gateway', password: 'gateway-password' }, consumers: [{ user: 'city', password: 'city-password' }],
};
const WAIT_MS = 10_000;

interface Bench {
  mosquitto: Mosquitto;
  gateway: RunningGateway;
  edge(id: string, version?: 4 | 5): Promise<MqttClient>;
}

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'mosquitto: a batch goes through it, is acknowledged, and comes out to mosquitto_sub', run: () => withBench(goesThrough) },
  { name: 'mosquitto: our files keep edges and consumers apart', run: () => withBench(keptApart) },
  {
    name: 'mosquitto: killed and started again, gateway and edges find each other, retained warnings are cleared',
    run: () => withBench(restarted),
  },
  { name: 'mosquitto: with our mosquitto.conf, as the user mosquitto: no user takes the place of another by its client id', run: idsBound },
  { name: 'mosquitto_sub: reads the embedded broker by MQTT 3.1.1, and is told when it asks for 5 or $share', run: readsEmbedded },
];

async function goesThrough({ mosquitto, edge }: Bench): Promise<void> {
  for (const version of [4, 5] as const) {
    const seq = version === 4 ? 1 : 3;
    const client = await edge('pump', version);
    const acked = nextAck(client, seq + 1);
    const seen = subscribe(
      ['-p', String(mosquitto.port), '-u', 'city', '-P', 'city-password', '-V', version === 4 ? 'mqttv311' : 'mqttv5', '-t', 'cv/v1/out/#'],
      2,
    );
    await seen.ready;
    await send(client, 'pump', seq, [1, 2]);
    assert.equal((await acked).upTo, seq + 1);
    const messages = (await seen.lines).map((line) => JSON.parse(line) as Event & OutMessage);
    assert.deepEqual(messages.map(({ seq: number, value }) => [number, value]), [[seq, 1], [seq + 1, 2]]);
    assert.equal(messages[1]?.previous, messages[0]?.cursor);
    client.end(true);
  }
}

async function keptApart({ mosquitto, gateway, edge }: Bench): Promise<void> {
  const url = `mqtt://127.0.0.1:${mosquitto.port}`;
  for (const wrong of [{ username: 'pump', password: 'x' }, { username: 'nobody', password: 'x' }, {}]) {
    await assert.rejects(mqtt.connectAsync(url, { ...wrong, protocolVersion: 4, reconnectPeriod: 0 }));
  }
  const [pump, gate] = [await edge('pump'), await edge('gate')];
  const overheard: string[] = [];
  gate.on('message', (topic) => overheard.push(topic));
  for (const filter of ['cv/v1/in/+/pump/ack', '#', 'cv/v1/out/#']) await gate.subscribeAsync(filter, { qos: 1 }).catch(() => {});
  await send(gate, 'pump', 1, [13]);
  const acked = nextAck(pump, 1);
  await send(pump, 'pump', 1, [7]);
  await acked;
  const { items } = (await (await fetch(`${gateway.httpUrl}/api/v1/events`)).json()) as { items: Event[] };
  assert.deepEqual(items.map(({ value }) => value), [7]);
  assert.deepEqual(overheard, []);
  for (const client of [pump, gate]) client.end(true);
}

async function idsBound(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-mosquitto-'));
  await chmod(dir, 0o755);
  const [port, gatewayPort] = [await freePort(), await freePort()];
  const mosquitto = await startMosquitto(join(dir, 'etc'), port, await mosquittoFiles(ACCESS), gatewayPort);
  const url = `mqtt://127.0.0.1:${port}`;
  try {
    const gatewayUrl = `mqtt://127.0.0.1:${gatewayPort}`;
    await withGateway({ kind: 'external', url: gatewayUrl, user: 'gateway', password: 'gateway-password' }, async (gateway) => {
      await within('the gateway is connected', async () => (await fetch(`${gateway.httpUrl}/healthz`)).ok);
      const pump = await connectEdge(url, 'pump', 4);
      let isThere = true;
      pump.on('close', () => { isThere = false; });
      // Another user under every id that stands: the edge's, the user that it is known by, the gateway's.
      for (const clientId of ['cv-pump', 'pump', 'gateway:g:in', 'gateway:g:out']) {
        for (const version of [4, 5] as const)
          await (
            await mqtt.connectAsync(url, {
              clientId,
              username: 'city',
              password: 'city-password',
              protocolVersion: version,
              reconnectPeriod: 0,
            })
          ).endAsync();
      }
      await assert.rejects(
        mqtt.connectAsync(gatewayUrl, {
          clientId: 'gateway:g:in',
          username: 'city',
          password: 'city-password',
          protocolVersion: 4,
          reconnectPeriod: 0,
        }),
      );
      const acked = nextAck(pump, 2);
      await send(pump, 'pump', 1, [1, 2]);
      await acked;
      assert.ok(isThere && (await fetch(`${gateway.httpUrl}/healthz`)).ok);
      pump.end(true);
    });
  } finally {
    await mosquitto.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function restarted({ mosquitto, edge }: Bench): Promise<void> {
  const first = await edge('pump');
  const acked = nextAck(first, 1);
  await send(first, 'pump', 1, [1]);
  await acked;
  first.end(true);
  await mosquitto.kill();
  await mosquitto.start();
  // A leftover of another life of the gateway, as a broker with persistence would have it.
  const city = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, {
    username: 'gateway',
    password: 'gateway-password',
    clientId: 'leftover',
    protocolVersion: 4,
  });
  const topic = warningTopic(CENTRE, 'old');
  await city.publishAsync(topic, '{}', { qos: 1, retain: true });
  const again = await edge('pump');
  await within('the gateway answers after the restart', async () => {
    const answered = nextAck(again, 3);
    await send(again, 'pump', 2, [2, 3]);
    return Promise.race([answered.then(() => true), pauseMs(300).then(() => false)]);
  });
  await within('the old warning is cleared', async () => {
    const kept = await retainedUnder(city, topic);
    return kept === null;
  });
  again.end(true);
  city.end(true);
}

async function readsEmbedded(): Promise<void> {
  await withGateway(
    {
      kind: 'embedded',
      host: '127.0.0.1',
      port: 0,
      edges: ACCESS.edges,
      consumers: ACCESS.consumers,
      anonymous: 'loopback',
      maxConnections: 50,
    },
    async (gateway) => {
      const { port } = new URL(gateway.brokerUrl);
      const seen = subscribe(['-p', port, '-V', 'mqttv311', '-t', `cv/v1/out/${CENTRE}/+`], 2);
      await seen.ready;
      const client = await connectEdge(gateway.brokerUrl, 'pump', 4);
      const acked = nextAck(client, 2);
      await send(client, 'pump', 1, [1, 2]);
      await acked;
      assert.equal((await seen.lines).length, 2);
      client.end(true);
      assert.notEqual(await exitOf(['-p', port, '-V', 'mqttv5', '-t', 'cv/v1/out/#', '-W', '2', '-C', '1']), 0);
      assert.match(await errorOf(['-p', port, '-V', 'mqttv311', '-t', '$share/g/cv/v1/out/#', '-W', '2', '-C', '1']), /denied/i);
    },
  );
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-mosquitto-'));
  const mosquitto = await startMosquitto(dir, await freePort(), await mosquittoFiles(ACCESS));
  const url = `mqtt://127.0.0.1:${mosquitto.port}`;
  try {
    await withGateway({ kind: 'external', url, user: 'gateway', password: 'gateway-password' }, async (gateway) => {
      await within('the gateway is connected', async () => (await fetch(`${gateway.httpUrl}/healthz`)).ok);
      await run({ mosquitto, gateway, edge: (id, version = 4) => connectEdge(url, id, version) });
    });
  } finally {
    await mosquitto.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function withGateway(broker: GatewaySetup['broker'], run: (gateway: RunningGateway) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-peer-'));
  const gateway = await runGateway(
    {
      gateway: 'g',
      centre: CENTRE,
      broker,
      accepts: ['live'],
      exercise: false,
      relays: [],
      sinks: [],
      notifiers: [],
      rules: [],
      catalogue: [],
      log: { dir: join(dir, 'log'), maxBytes: 1 << 28, keepMs: 86_400_000 },
      store: { dir: join(dir, 'store'), retentionMs: Infinity, maxBytes: 1 << 28 },
      http: { host: '127.0.0.1', port: 0 },
    },
    realWorld(() => {}),
  );
  try {
    await run(gateway);
  } finally {
    await gateway.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function connectEdge(url: string, id: string, version: 4 | 5): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, {
    clientId: `cv-${id}`,
    username: id,
    password: `${id}-token`,
    protocolVersion: version,
    reconnectPeriod: 0,
  });
  await client.subscribeAsync(`cv/v1/in/${CENTRE}/${id}/ack`, { qos: 1 });
  return client;
}

function send(client: MqttClient, edge: string, seq: number, values: number[]): Promise<unknown> {
  const draft = (value: number): Draft => ({
    device: 'plc',
    point: 'level',
    indicator: 'YJ-FLD-001',
    centre: CENTRE,
    kind: 'measurement',
    value,
    unit: 'm',
    occurredAt: 1_700_000_000_000 + value,
    clock: 'edge',
    observedAt: 1,
    quality: 'good',
    origin: 'live',
  });
  const payload = Buffer.from(encodeBatch({ from: edge, stream: 'measurement', epoch: 1, seq }, values.map(draft)));
  return client.publishAsync(`cv/v1/in/${CENTRE}/${edge}/up`, payload, { qos: 1 });
}

function nextAck(client: MqttClient, upTo: number): Promise<Ack> {
  return new Promise((resolve) => {
    client.on('message', (_topic, payload) => {
      const ack = JSON.parse(payload.toString()) as Ack;
      if (ack.upTo >= upTo) resolve(ack);
    });
  });
}

/** Starts mosquitto_sub; `ready` when its subscription stands, `lines` when it has so many messages. */
function subscribe(args: string[], count: number): { ready: Promise<void>; lines: Promise<string[]> } {
  // Into a pipe it would keep its lines until it ends.
  const child = spawn(
    'stdbuf',
    ['-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-q', '1', '-d', '-C', String(count), '-W', '10', '-F', 'MSG %p', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  let stand = () => {};
  const ready = new Promise<void>((resolve) => { stand = resolve; });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('Subscribed')) stand();
    if (line.startsWith('MSG ')) lines.push(line.slice(4));
  });
  return { ready, lines: new Promise((resolve) => { child.on('close', () => resolve(lines)); }) };
}

function exitOf(args: string[]): Promise<number> {
  return new Promise((resolve) => {
    execFile('mosquitto_sub', ['-h', '127.0.0.1', ...args], (error) => resolve(error ? Number(error.code) : 0));
  });
}

function errorOf(args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('mosquitto_sub', ['-h', '127.0.0.1', ...args], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

async function retainedUnder(client: MqttClient, topic: string): Promise<string | null> {
  let found: string | null = null;
  const listen = (_topic: string, payload: Buffer) => { found = payload.toString() || null; };
  client.on('message', listen);
  await client.subscribeAsync(topic, { qos: 1 });
  await pauseMs(100);
  await client.unsubscribeAsync(topic);
  client.off('message', listen);
  return found;
}

async function within(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + WAIT_MS; Date.now() < untilMs;) {
    if (await holds()) return;
    await pauseMs(50);
  }
  throw new Error(`not within ${WAIT_MS} ms: ${what}`);
}

const pauseMs = (durationMs: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, durationMs); });
