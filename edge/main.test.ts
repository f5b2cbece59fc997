import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { defineDriver, type Driver, type FrameHandler } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { openTelemetryOutput } from '../cli/observe.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import type { EdgeSetup } from './config/setup.ts';
import type { EdgeHealth } from './http/health.ts';
import { runEdge, type RunningEdge } from './main.ts';
import { FakeGateway, type GatewayBehaviour } from './testing/fake-gateway.ts';
import { fastWorld, type FastWorld } from './testing/fast-world.ts';

/** A device that says numbers when the test wants it to. */
function speaker(): { driver: Driver; say(...values: number[]): void } {
  const early: number[][] = [];
  let take: FrameHandler<number[]> = (values) => { early.push(values); };
  const driver = defineDriver({
    id: 'speaker',
    title: { zh: '测试', en: 'test' },
    settings: z.object({}),
    points: { n: { zh: '数', en: 'n', unit: '1' } },
    traits: ['listens'],
    open: async () => ({
      listen(given: FrameHandler<number[]>, signal: AbortSignal) {
        take = given;
        for (const values of early.splice(0)) take(values);
        return new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
      },
      async close() {},
    }),
    decode: (values: number[]) => ({ ok: true, values: values.map((value) => ({ point: 'n' as const, value })) }),
  });
  return { driver, say: (...values) => take(values) };
}

const setupOf = (dir: string, url: string): EdgeSetup => ({
  edge: 'pump-07',
  centre: '500112001',
  gateway: { urls: [url], token: 'secret' },
  log: { dir: join(dir, 'log'), maxBytes: 64 << 20 },
  http: { host: '127.0.0.1', port: 0 },
  catalogue: [],
  rules: [],
  devices: [
    {
      id: 'a',
      driver: 'speaker',
      subject: 'a',
      settings: {},
      everyMs: 3_600_000,
      timeoutMs: 1000,
      points: [
        { id: 'n', indicator: 'T-1', unit: '1', scale: 1, offset: 0, faultCodes: [], limits: [], kind: 'measurement', own: { id: 'n' } },
      ],
    },
  ],
});

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

interface Started {
  edge: RunningEdge;
  world: FastWorld;
  kept: number[];
  say(...values: number[]): void;
  depth(): Promise<number>;
}

async function start(dir: string, url: string): Promise<Started> {
  const world = fastWorld(20);
  const { driver, say } = speaker();
  const kept: number[] = [];
  const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: world.clock.nowMs, log: null });
  const tell = world.tell;
  world.tell = (event) => {
    tell(event);
    observer.tell(event);
  };
  const edge = await runEdge(setupOf(dir, url), world, {
    extraDrivers: [driver],
    metrics: observer.metrics,
    onKept: ({ stream, drafts }) => {
      if (stream === 'measurement') kept.push(...drafts.map((draft) => draft.value as number));
    },
  });
  const depth = async () => ((await (await fetch(`${edge.httpUrl}/healthz`)).json()) as EdgeHealth).log.depth;
  return { edge, world, kept, say, depth };
}

async function gatewayOf(t: TestContext, behaviour: GatewayBehaviour = {}): Promise<FakeGateway> {
  const gateway = await FakeGateway.open(behaviour);
  t.after(() => gateway.close());
  return gateway;
}

/** What came of devices; what the edge says of itself is beside it. */
const measured = (gateway: FakeGateway) => [...gateway.events.values()].filter(({ stream }) => stream === 'measurement');

const drained = (started: Started) =>
  until(
    () =>
      started.world.told.findLast((event) => event.kind === 'log_depth' && event.stream === 'measurement' && event.value === 0) !==
      undefined,
  );

test('from a device through the real line and log to the gateway, over lost answers and cut connections: everything, once each, and the log is empty', async (t) => {
  const dir = await folder(t);
  const gateway = await gatewayOf(t, { seed: 5, lose: 0.1, forget: 0.15, repeat: 0.2 });
  const started = await start(dir, gateway.url);
  t.after(() => started.edge.close());
  let next = 1;
  for (let turn = 0; turn < 40; turn += 1) {
    started.say(...Array.from({ length: 50 }, () => next++));
    await new Promise<void>((resolve) => { started.world.clock.after(300, resolve); });
    if (turn % 12 === 5) gateway.cut();
  }
  const said = Array.from({ length: next - 1 }, (_, at) => at + 1);
  await until(() => measured(gateway).length >= said.length);
  assert.deepEqual(measured(gateway).map((event) => event.value as number).toSorted((a, b) => a - b), said);
  assert.deepEqual(started.kept, said);
  while ((await started.depth()) > 0)
    await new Promise<void>((resolve) => {
      started.world.clock.after(500, resolve);
    });
  const sumOf = (kind: 'samples_read' | 'events_kept' | 'events_settled' | 'samples_lost') =>
    started.world.told.reduce((sum, event) => {
      const isOther = 'stream' in event && event.stream !== 'measurement';
      return sum + (event.kind === kind && !isOther ? event.count : 0);
    }, 0);
  assert.deepEqual(
    [sumOf('samples_read'), sumOf('events_kept'), sumOf('events_settled'), sumOf('samples_lost')],
    [said.length, said.length, said.length, 0],
  );
});

test('what one run kept while the gateway was away, the next one delivers, in the old numbers', async (t) => {
  const dir = await folder(t);
  const first = await start(dir, 'mqtt://127.0.0.1:9');
  first.say(1, 2, 3);
  await until(() => first.kept.length === 3);
  first.say(4);
  await until(() => first.world.told.some((event) => event.kind === 'samples_read' && event.count === 1));
  await first.edge.close();
  assert.deepEqual(first.kept, [1, 2, 3, 4], 'closing commits what is in hand');
  const gateway = await gatewayOf(t);
  const second = await start(dir, gateway.url);
  t.after(() => second.edge.close());
  second.say(5);
  await until(() => measured(gateway).length === 5);
  await drained(second);
  const epochs = measured(gateway).toSorted((a, b) => (a.value as number) - (b.value as number)).map((event) => event.epoch);
  assert.equal(new Set(epochs.slice(0, 4)).size, 1);
  assert.ok((epochs[4] as number) > (epochs[0] as number));
});

test('a second edge on the same folder is refused, and the first goes on', async (t) => {
  const dir = await folder(t);
  const gateway = await gatewayOf(t);
  const first = await start(dir, gateway.url);
  t.after(() => first.edge.close());
  await assert.rejects(start(dir, gateway.url), (error) => error instanceof FaultError && error.fault.code === 'CV_LOG_LOCKED');
  first.say(1);
  await until(() => measured(gateway).length === 1);
});

test('local HTTP: health, metrics, page in both languages, and nothing else', async (t) => {
  const dir = await folder(t);
  const gateway = await gatewayOf(t);
  const { edge, say, kept, depth } = await start(dir, gateway.url);
  t.after(() => edge.close());
  say(7);
  await until(() => kept.length === 1 && measured(gateway).length === 1);
  const get = (path: string, init?: RequestInit) => fetch(`${edge.httpUrl}${path}`, init);
  const health = (await (await get('/healthz')).json()) as EdgeHealth;
  assert.deepEqual(
    [health.ok, health.edge, health.devices.map(({ id, online }) => [id, online]), health.uplink.online],
    [true, 'pump-07', [['a', true]], true],
  );
  assert.match(await (await get('/metrics')).text(), /cityvitals_events_kept_total\{stream="measurement"\} 1/);
  assert.match(await (await get('/', { headers: { 'accept-language': 'zh-CN,zh' } })).text(), /边缘节点/);
  assert.match(await (await get('/')).text(), /Uplink/);
  assert.deepEqual(
    await Promise.all(['/frames/a', '/frames/%E0%A4%A', '/../etc/passwd', '/log'].map(async (path) => (await get(path)).status)),
    [404, 404, 404, 404],
  );
  assert.equal((await get('/healthz', { method: 'POST' })).status, 405);
  assert.ok(await depth() >= 0);
});

test('a port that is taken is said, and nothing is left open', async (t) => {
  const dir = await folder(t);
  const gateway = await gatewayOf(t);
  const { edge } = await start(join(dir, 'one'), gateway.url);
  t.after(() => edge.close());
  const taken = { ...setupOf(join(dir, 'two'), gateway.url), http: { host: '127.0.0.1', port: Number(new URL(edge.httpUrl).port) } };
  const { driver } = speaker();
  const world = fastWorld(20);
  await assert.rejects(
    runEdge(taken, world, { extraDrivers: [driver] }),
    (error) => error instanceof FaultError && error.fault.code === 'CV_API_LISTEN',
  );
  const again = await runEdge({ ...taken, http: { host: '127.0.0.1', port: 0 } }, world, { extraDrivers: [driver] });
  await again.close();
  await again.close();
});
