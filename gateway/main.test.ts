/** The gateway whole: real sockets, real files, an edge that speaks the wire by hand. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import { EMPTY_STATE, reduceState } from '../console/data/state.ts';
import type { LiveMessage } from '../api/live.ts';
import type { Draft, Event } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { TelemetryEvent } from '../core/telemetry.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import type { Ack, AckMessage } from '../core/wire/messages.ts';
import type { OutMessage } from '../core/wire/published.ts';
import { realWorld } from '../core/world.ts';
import type { GatewaySetup } from './config/setup.ts';
import { runGateway } from './main.ts';
import type { RunningGateway } from './running-gateway.ts';

const CENTRE = '500112001';
const CONFIGS = join(import.meta.dirname, '..', 'configs');

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

function setupIn(dir: string, over: Partial<GatewaySetup> = {}): GatewaySetup {
  return {
    gateway: 'g',
    centre: CENTRE,
    accepts: ['live', 'backfill'],
    exercise: false,
    relays: [],
    sinks: [],
    notifiers: [],
    rules: [],
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
    ...over,
  };
}

async function start(t: TestContext, setup: GatewaySetup): Promise<RunningGateway & { told: TelemetryEvent[] }> {
  const told: TelemetryEvent[] = [];
  const gateway = await runGateway(setup, realWorld((event) => { told.push(event); }));
  t.after(() => gateway.close());
  return { ...gateway, told };
}

interface TestEdge {
  client: MqttClient;
  send(seq: number, values: number[], epoch?: number): Promise<unknown>;
  /** Resolves with the first answer that fits. */
  hears<T extends AckMessage>(fits: (message: AckMessage) => boolean): Promise<T>;
}

async function edge(t: TestContext, url: string): Promise<TestEdge> {
  const client = await mqtt.connectAsync(url, {
    clientId: 'cv-pump',
    username: 'pump',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  const answers: AckMessage[] = [];
  const waiting = new Set<() => void>();
  client.on('message', (_topic, payload) => {
    answers.push(JSON.parse(payload.toString()) as AckMessage);
    for (const look of waiting) look();
  });
  await client.subscribeAsync(`cv/v1/in/${CENTRE}/pump/ack`, { qos: 1 });
  return {
    client,
    send: (seq, values, epoch = 1) =>
      client.publishAsync(
        `cv/v1/in/${CENTRE}/pump/up`,
        Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch, seq }, values.map(draftOf))),
        { qos: 1 },
      ),
    hears: <T extends AckMessage>(fits: (message: AckMessage) => boolean) =>
      new Promise<T>((resolve) => {
        const look = () => {
          const found = answers.find(fits);
          if (!found) return;
          waiting.delete(look);
          resolve(found as T);
        };
        waiting.add(look);
        look();
      }),
  };
}

const draftOf = (value: number): Draft => ({
  device: 'plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: CENTRE,
  kind: 'measurement',
  value,
  unit: 'm',
  occurredAt: 1_700_000_000_000 + value,
  clock: 'edge',
  observedAt: 1_700_000_000_000,
  quality: 'good',
  origin: 'live',
});
const settledTo = (upTo: number) => (message: AckMessage) => 'upTo' in message && message.upTo >= upTo;

async function eventsOf(httpUrl: string): Promise<(Event & { cursor: string })[]> {
  const items: (Event & { cursor: string })[] = [];
  for (let after = ''; ;) {
    const page = (await (await fetch(`${httpUrl}/api/v1/events?limit=500${after && `&after=${after}`}`)).json()) as {
      items: (Event & { cursor: string })[];
      next: string;
    };
    if (page.items.length === 0) return items;
    items.push(...page.items);
    after = page.next;
  }
}

test('a batch goes in, is acknowledged, followed, stored and streamed; a restart keeps it and takes nothing twice', async (t) => {
  const setup = setupIn(await folder(t));
  const first = await start(t, setup);
  const reader = await mqtt.connectAsync(first.brokerUrl, { protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => reader.end(true));
  const streamed: OutMessage[] = [];
  const three = new Promise<void>((resolve) => {
    reader.on('message', (_topic, payload) => {
      if (streamed.push(JSON.parse(payload.toString()) as OutMessage) === 3) resolve();
    });
  });
  await reader.subscribeAsync(`cv/v1/out/${CENTRE}/+`, { qos: 1 });
  const one = await edge(t, first.brokerUrl);
  await one.send(1, [1, 2, 3]);
  assert.deepEqual((await one.hears<Ack>(settledTo(3))).have, []);
  await three;
  const events = await eventsOf(first.httpUrl);
  assert.deepEqual(
    streamed.map(({ cursor, previous }) => [cursor, previous]),
    [
      [events[0]?.cursor, null],
      [events[1]?.cursor, events[0]?.cursor],
      [events[2]?.cursor, events[1]?.cursor],
    ],
  );
  const range = await until(
    async () =>
      (await (
        await fetch(`${first.httpUrl}/api/v1/series?device=plc&indicator=YJ-FLD-001&point=level&from=0&to=2000000000000`)
      ).json()) as { items?: { value: number }[] },
    ({ items }) => items?.length === 3,
  );
  assert.deepEqual(
    range.items?.map(({ value }) => value),
    [1, 2, 3],
  );
  assert.deepEqual(
    first.told.filter(({ kind }) => kind === 'link_state').map((event) => 'online' in event && event.online),
    [true],
    'its two links to the broker are told as one',
  );
  await first.close();

  const second = await start(t, setup);
  const again = await edge(t, second.brokerUrl);
  await again.send(1, [1, 2, 3]);
  await again.send(4, [4]);
  await again.hears(settledTo(4));
  const after = await eventsOf(second.httpUrl);
  assert.deepEqual(after.map(({ seq, value }) => [seq, value]), [[1, 1], [2, 2], [3, 3], [4, 4]]);
  const status = (await (await fetch(`${second.httpUrl}/api/v1/status`)).json()) as { path: { accepted: number; duplicates: number } };
  assert.deepEqual([status.path.accepted, status.path.duplicates], [1, 3]);
});

test('what is refused lies in quarantine, over a restart, and the connection is kept', async (t) => {
  const setup = setupIn(await folder(t));
  const first = await start(t, setup);
  const one = await edge(t, first.brokerUrl);
  for (const payload of [
    'no json',
    '{"v":9}',
    Buffer.alloc(9 << 20, 32),
    '{"v":1,"from":"pump","stream":"state","epoch":1,"seq":1,"events":[{"value":NaN}]}',
  ]) {
    await one.client.publishAsync(`cv/v1/in/${CENTRE}/pump/up`, payload, { qos: 1 });
  }
  const codes = ['CV_WIRE_NOT_JSON', 'CV_WIRE_VERSION', 'CV_WIRE_TOO_LARGE'];
  for (const code of codes) await one.hears((message) => 'error' in message && message.error === code);
  await one.send(1, [1]);
  await one.hears(settledTo(1));
  await first.close();
  const second = await start(t, setup);
  const { items } = (await (await fetch(`${second.httpUrl}/api/v1/quarantine`)).json()) as { items: { code: string; sender: string }[] };
  assert.deepEqual(new Set(items.map(({ code }) => code)), new Set(codes));
  assert.equal(items.length, 4);
});

test('edges and devices are known by their state, also after a restart, and unobserved when the edge is lost', async (t) => {
  const setup = setupIn(await folder(t));
  const first = await start(t, setup);
  const devices = async (url: string) =>
    ((await (await fetch(`${url}/api/v1/devices`)).json()) as { items: { id: string; freshness: string }[] }).items;
  const will = {
    topic: `cv/v1/in/${CENTRE}/pump/state`,
    payload: Buffer.from(JSON.stringify({ v: 1, edge: 'pump', centre: CENTRE, online: false })),
    qos: 1 as const,
    retain: true,
  };
  const client = await mqtt.connectAsync(first.brokerUrl, {
    clientId: 'cv-pump',
    username: 'pump',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
    will,
  });
  t.after(() => client.end(true));
  const now = Date.now();
  await client.publishAsync(
    will.topic,
    JSON.stringify({
      v: 1,
      edge: 'pump',
      centre: CENTRE,
      online: true,
      sentAt: now,
      devices: [{ id: 'plc', driver: 'modbus', online: true, reason: '', lastAt: now, periodMs: 1000 }],
    }),
    { qos: 1, retain: true },
  );
  await until(
    () => devices(first.httpUrl),
    ([device]) => device?.freshness === 'fresh',
  );
  client.stream.destroy();
  await until(() => devices(first.httpUrl), ([device]) => device?.freshness === 'unobserved');
  await first.close();
  const second = await start(t, setup);
  assert.deepEqual((await devices(second.httpUrl)).map(({ id, freshness }) => [id, freshness]), [['plc', 'unobserved']]);
});

test('a sender that never says a state has its devices in the list, and on a console that was open before', async (t) => {
  const { brokerUrl, httpUrl, close } = await start(t, setupIn(await folder(t)));
  let page = EMPTY_STATE;
  const leave = new AbortController();
  const live = await fetch(`${httpUrl}/api/v1/live`, { signal: leave.signal });
  const reading = (async () => {
    let text = '';
    for await (const part of live.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(part).toString();
      const messages = text.split('\n\n');
      text = messages.pop() as string;
      for (const message of messages) {
        const data = /^data: (.*)$/m.exec(message)?.[1];
        if (data !== undefined) page = reduceState(page, { is: 'message', message: JSON.parse(data) as LiveMessage, now: 0 });
      }
    }
  })().catch(() => {});
  const sender = await edge(t, brokerUrl);
  await sender.send(1, [1]);
  await sender.hears(settledTo(1));
  await until(() => page.devices.find(({ id }) => id === 'plc') !== undefined);
  const { items } = (await (await fetch(`${httpUrl}/api/v1/devices`)).json()) as { items: { id: string; edge: string }[] };
  assert.deepEqual(items.map(({ id, edge: of }) => [id, of]), [['plc', 'pump']]);
  leave.abort();
  await reading;
  await close();
});

test('from other machines nothing is read without a token; a reload changes who reads; an edge\'s key is told to nobody', async (t) => {
  const dir = await folder(t);
  const token = (name: string) => ({ name, token: `token-of-${name}-0123456789` });
  const setup = setupIn(dir, { http: { host: '0.0.0.0', port: 0, readers: [token('first')] } });
  const gateway = await start(t, setup);
  const ask = async (path: string, by?: string) => {
    const answer = await fetch(`${gateway.httpUrl}${path}`, { headers: by ? { authorization: `Bearer ${token(by).token}` } : {} });
    return { status: answer.status, text: await answer.text() };
  };
  const client = await mqtt.connectAsync(gateway.brokerUrl, {
    clientId: 'cv-pump',
    username: 'pump',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  const state = {
    v: 1,
    edge: 'pump',
    centre: CENTRE,
    online: true,
    sentAt: Date.now(),
    http: 'http://127.0.0.1:1',
    httpKey: 'a-key-that-nobody-is-told',
    devices: [{ id: 'cam', driver: 'camera', online: true, reason: '', lastAt: Date.now(), pictures: true }],
  };
  await client.publishAsync(`cv/v1/in/${CENTRE}/pump/state`, JSON.stringify(state), { qos: 1, retain: true });
  await until(
    () => ask('/api/v1/devices', 'first'),
    ({ text }) => text.includes('"cam"'),
  );
  for (const path of ['/api/v1/devices', '/api/v1/status', '/metrics', '/api/v1/live', '/api/v1/openapi.json'])
    assert.equal((await ask(path)).status, 401, path);
  for (const path of ['/api/v1/devices', '/api/v1/status', '/api/v1/unknown-devices', '/api/v1/quarantine'])
    assert.ok(!(await ask(path, 'first')).text.includes('a-key-that'), path);
  const told = await gateway.reload({ ...setup, http: { ...setup.http, readers: [token('second')] } });
  assert.deepEqual([told.added, told.removed, told.restartNeeded], [['reader second'], ['reader first'], []]);
  assert.deepEqual([(await ask('/api/v1/devices', 'first')).status, (await ask('/api/v1/devices', 'second')).status], [401, 200]);
  await gateway.close();
  const saved = await readFile(join(dir, 'log', 'presence.db'), 'latin1');
  assert.deepEqual([saved.includes('camera'), saved.includes('a-key-that')], [true, false]);
});

test('closing twice is fine, and a second gateway in the same folder is refused', async (t) => {
  const setup = setupIn(await folder(t));
  const gateway = await start(t, setup);
  await assert.rejects(
    runGateway(
      setup,
      realWorld(() => {}),
    ),
    (error) => error instanceof FaultError && error.fault.code === 'CV_LOG_LOCKED',
  );
  await Promise.all([gateway.close(), gateway.close()]);
  const again = await start(t, setup);
  await again.close();
});

test('a gateway whose port is taken leaves nothing open behind', async (t) => {
  const dir = await folder(t);
  const gateway = await start(t, setupIn(dir));
  const port = Number(new URL(gateway.httpUrl).port);
  const other = setupIn(join(dir, 'other'), { http: { host: '127.0.0.1', port } });
  await assert.rejects(
    runGateway(
      other,
      realWorld(() => {}),
    ),
    (error) => error instanceof FaultError && error.fault.code === 'CV_API_LISTEN',
  );
  const free = await start(t, { ...other, http: { host: '127.0.0.1', port: 0 } });
  assert.ok(free.brokerUrl);
});

/** Ways in which a disk leaves a database. */
const DAMAGES: Record<string, (path: string) => Promise<void>> = {
  'its header is overwritten': (path) => overwritten(path, (bytes) => bytes.fill(0xa5, 0, 4096)),
  'it is cut in half': async (path) => truncate(path, Math.floor((await stat(path)).size / 2)),
  'bytes in its pages are flipped': (path) =>
    overwritten(path, (bytes) => {
      for (let at = 4100; at < bytes.length; at += 97) bytes[at] = (bytes[at] as number) ^ 0xff;
    }),
  'nothing is left of it': (path) => truncate(path, 0),
};

async function overwritten(path: string, change: (bytes: Buffer) => unknown): Promise<void> {
  const bytes = await readFile(path);
  change(bytes);
  await writeFile(path, bytes);
}

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`a gateway comes up although of its databases ${what}: it says so, has all that its log has, and takes in exactly once`, async (t) => {
    const dir = await folder(t);
    const setup = setupIn(dir, { rules: [join(CONFIGS, 'rules', 'demo')] });
    const first = await start(t, setup);
    const one = await edge(t, first.brokerUrl);
    const values = Array.from({ length: 300 }, (_, at) => at + 1);
    for (let from = 0; from < values.length; from += 50) await one.send(from + 1, values.slice(from, from + 50));
    await one.hears(settledTo(300));
    const stored = (url: string, count: number) =>
      until(
        async () =>
          (await (
            await fetch(`${url}/api/v1/series?device=plc&indicator=YJ-FLD-001&point=level&from=0&to=2000000000000&limit=1000`)
          ).json()) as { items?: { value: number }[] },
        ({ items }) => (items?.length ?? 0) >= count,
      );
    await stored(first.httpUrl, 300);
    await first.close();
    for (const name of ['store.db', 'state.db']) await damage(join(dir, 'store', name));

    const second = await start(t, setup);
    const told = second.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
    assert.deepEqual(
      told.filter((code) => code.endsWith('_SALVAGED')),
      ['CV_STORE_SALVAGED', 'CV_STATE_SALVAGED'],
    );
    assert.deepEqual((await readdir(join(dir, 'store'))).filter((name) => /damaged-\d+$/.test(name)).toSorted(), [
      'state.db.damaged-1',
      'store.db.damaged-1',
    ]);
    const again = await edge(t, second.brokerUrl);
    await again.send(251, values.slice(250));
    await again.send(301, [301]);
    await again.hears(settledTo(301));
    const { items } = await stored(second.httpUrl, 301);
    assert.deepEqual(items?.map(({ value }) => value), [...values, 301]);
    await second.close();
    const third = await start(t, setup);
    assert.ok(third.told.every((event) => event.kind !== 'fault' || !event.fault.code.endsWith('_SALVAGED')));
    assert.equal((await stored(third.httpUrl, 301)).items?.length, 301);
  });
}

test("a broker of one's own that is away is waited for", async (t) => {
  const gateway = await start(
    t,
    setupIn(await folder(t), { broker: { kind: 'external', url: 'mqtt://127.0.0.1:9', user: 'g', password: 'p' } }),
  );
  const health = await fetch(`${gateway.httpUrl}/healthz`);
  assert.match(await health.text(), /CV_BROKER_UNREACHABLE/);
  await gateway.close();
});

test('a warning is retained while it is open, and retained anew after a restart', async (t) => {
  const setup = setupIn(await folder(t), { rules: [join(CONFIGS, 'rules', 'demo')] });
  const first = await start(t, setup);
  const one = await edge(t, first.brokerUrl);
  const now = Date.now();
  const rising = [4000, 2000, 0].map((agoMs): Draft => ({ ...draftOf(3.4), device: 'pump-07', occurredAt: now - agoMs, observedAt: now }));
  await one.client.publishAsync(
    `cv/v1/in/${CENTRE}/pump/up`,
    Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, rising)),
    { qos: 1 },
  );
  const raised = await retained(t, first.brokerUrl);
  assert.deepEqual([raised.rule, raised.level, raised.condition], ['demo-water-level', 2, 'active']);
  await first.close();
  const second = await start(t, setup);
  assert.equal((await retained(t, second.brokerUrl)).id, raised.id);
});

interface RetainedWarning {
  id: string;
  rule: string;
  level: number;
  condition: string;
}

/** The warning that the broker keeps for whoever comes later, once it has come to its level. */
async function retained(t: TestContext, url: string): Promise<RetainedWarning> {
  const reader = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => reader.end(true));
  const found = new Promise<RetainedWarning>((resolve) => {
    reader.on('message', (_topic, payload) => {
      const warning = JSON.parse(payload.toString()) as RetainedWarning;
      if (warning.level === 2) resolve(warning);
    });
  });
  await reader.subscribeAsync(`cv/v1/out/${CENTRE}/warnings/+`, { qos: 1 });
  return found;
}
