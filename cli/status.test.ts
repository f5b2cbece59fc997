import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as serve } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { StatusView } from '../api/status.ts';
import { openTelemetryOutput } from './observe.ts';
import { testDrafts } from '../core/testing/drafts.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import { realWorld } from '../core/world.ts';
import { runGateway } from '../gateway/main.ts';

const HEALTH = {
  ok: true,
  edge: 'e1',
  centre: '500112001',
  version: '1',
  now: 100_000,
  log: { writing: true, depth: 7, bytes: 2048, byStream: { measurement: 7 } },
  uplink: { online: true, address: 'mqtt://g', clockOffsetMs: 3 },
  devices: [
    { id: 'plc', driver: 'modbus', online: false, reason: 'CV_LINK_REFUSED', lastAt: 40_000 },
    { id: 'cam', driver: 'camera', online: true, reason: 'CV_MODEL_OUTPUT', lastAt: 99_000 },
  ],
};

const run = (...args: string[]) =>
  new Promise<{ code: number; out: string }>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'status', ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), out: `${stdout}${stderr}` });
    });
  });

async function edge(t: TestContext): Promise<string> {
  const server = serve((request, response) => { response.writeHead(request.url === '/healthz' ? 200 : 404).end(JSON.stringify(HEALTH)); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an edge: what it holds, who is away, since when and what to do; found wrong is 1', async (t) => {
  const url = await edge(t);
  const { code, out } = await run('--url', url, '--lang', 'en');
  assert.equal(code, 1);
  assert.match(
    out,
    /edge e1.*\n.*devices 1\/2 → log 7 \(2KB\) → gateway mqtt:\/\/g.*\n.*measurement: 7[^]*✗ plc \(modbus\) CV_LINK_REFUSED · last seen 1m ago[^]*! cam \(camera\) answers · CV_MODEL_OUTPUT\n +→ check family/,
  );
  assert.match((await run('--url', url, '--lang', 'zh-CN')).out, /边缘节点 e1[^]*最后收到于 1m 前/);
  assert.equal((JSON.parse((await run('--url', url, '--json')).out) as { edge: string }).edge, 'e1');
});

test('a gateway in process: accepted, stored and what each consumer is behind, in both languages', { timeout: 120_000 }, async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const observer = openTelemetryOutput({ component: 'gateway', language: 'en', nowMs: () => 0, log: null });
  const gateway = await runGateway(
    {
      gateway: 'g7',
      centre: '500112001',
      accepts: ['live'],
      exercise: false,
      relays: [],
      sinks: [],
      notifiers: [],
      rules: [],
      catalogue: [],
      broker: {
        kind: 'embedded',
        host: '127.0.0.1',
        port: 0,
        edges: [{ id: 'e1', token: 't' }],
        consumers: [],
        anonymous: 'none',
        maxConnections: 9,
      },
      log: { dir: join(dir, 'log'), maxBytes: 1 << 30, keepMs: 86_400_000 },
      store: { dir: join(dir, 'store'), retentionMs: Infinity, maxBytes: 1 << 30 },
      http: { host: '127.0.0.1', port: 0 },
    },
    realWorld(observer.tell),
    { metrics: observer.metrics },
  );
  t.after(() => gateway.close());
  const client = await mqtt.connectAsync(gateway.brokerUrl, {
    clientId: 'cv-e1',
    username: 'e1',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  await client.publishAsync(
    'cv/v1/in/500112001/e1/state',
    JSON.stringify({
      v: 1,
      edge: 'e1',
      centre: '500112001',
      online: true,
      version: '1',
      at: Date.now(),
      logDepth: 0,
      clockOffsetMs: 2,
      devices: [],
    }),
    { qos: 1, retain: true },
  );
  await client.publishAsync(
    'cv/v1/in/500112001/e1/up',
    Buffer.from(encodeBatch({ from: 'e1', stream: 'measurement', epoch: 1, seq: 1 }, testDrafts(1, 12, { occurredAt: Date.now() }))),
    { qos: 1 },
  );
  for (let stored = 0; stored < 12;) stored = ((await (await fetch(`${gateway.httpUrl}/api/v1/status`)).json()) as StatusView).path.stored;
  // Told by telemetry, a moment after it is so.
  let out = '';
  while (!out.includes('store 0 · warnings 0')) ({ out } = await run('--url', gateway.httpUrl, '--lang', 'en'));
  assert.match(out, /gateway g7 · 500112001\n.*accepted 12 → stored 12 \(lag 0\) → rules lag 0[^]*lag by consumer, events: .*store 0/);
  assert.match((await run('--url', gateway.httpUrl, '--lang', 'zh-CN')).out, /网关 g7[^]*已接收 12[^]*各下游积压事件数：.*warnings 0/);
  const { counts } = JSON.parse((await run('--url', gateway.httpUrl, '--json')).out) as { counts: { behind: Record<string, number> } };
  assert.deepEqual(Object.keys(counts.behind).toSorted(), ['audit', 'store', 'streams', 'warnings']);
  await client.endAsync(true);
});

test('what does not run is said, with what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => { server.close(() => resolve()); });
  const { code, out } = await run('--url', `http://127.0.0.1:${port}`, '--lang', 'en');
  assert.equal(code, 1);
  assert.match(out, /CV_STATUS_UNREACHABLE.*\n.*cityvitals edge/);
});
