/** SIGHUP to real processes: an edge, whose simulated device counts each time that it is asked, and a gateway. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { StatusView } from '../api/status.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { requestReader } from '../drivers/modbus/testing/simulated-device.ts';
import type { EdgeHealth } from '../edge/http/health.ts';
import { FakeGateway } from '../edge/testing/fake-gateway.ts';

interface Line {
  running?: string;
  reloaded?: string;
  [key: string]: unknown;
}

/** Unit n's register says how often it was read. */
async function countingDevice(t: TestContext): Promise<{ port: number; connections(): number; reads(unit: number): number }> {
  const counts = new Map<number, number>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const take = requestReader({ read: (unit) => [counts.set(unit, (counts.get(unit) ?? 0) + 1).get(unit) as number] }, 'tcp');
    socket
      .on('error', () => socket.destroy())
      .on('data', (bytes) => {
        for (const { answer } of take(bytes) ?? []) if (answer) socket.write(answer);
      });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections, reads: (unit) => counts.get(unit) ?? 0 };
}

function service(t: TestContext, command: 'edge' | 'gateway', path: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), command, '--config', path, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line);
    for (const look of waiting) look();
  });
  const line = (fits: (line: Line) => boolean) => new Promise<Line>((resolve) => {
    const look = () => {
      const found = lines.find(fits);
      if (found) resolve(found);
      if (found) waiting.delete(look);
    };
    waiting.add(look);
    look();
  });
  return { child, lines, line };
}

test(
  'a bad file is refused and the old one goes on; a good one touches only what changed: no value lost or twice, no link opened anew',
  { timeout: 120_000 },
  async (t) => {
    const { dir, remove } = await tempDir();
    t.after(remove);
    const device = await countingDevice(t);
    const gateway = await FakeGateway.open({ clockAheadMs: 0 });
    t.after(() => gateway.close());
    const path = join(dir, 'edge.yaml');
    const entry = (id: string, unit: number, more = '') =>
      `  - { id: ${id}, driver: modbus, every: 50ms, settings: { host: 127.0.0.1, port: ${device.port}, unit: ${unit} }, points: [{ id: n, address: "holding:0", type: uint16, unit: m, indicator: YJ-FLD-001${more} }] }\n`;
    const file = (devices: string, log = '64MB') =>
      writeFile(
        path,
        `edge: pump-07\ncentre: "500112001"\ngateway: { url: "${gateway.url}" }\nlog: { dir: ./log, maxBytes: ${log} }\ndevices:\n${devices}`,
      );
    const valuesOf = (id: string) =>
      [...gateway.events.values()]
        .filter((event) => event.device === id)
        .toSorted((a, b) => a.seq - b.seq)
        .map(({ value }) => value as number);

  await file(entry('a', 1) + entry('b', 2));
  const edge = service(t, 'edge', path);
  const { http } = await edge.line(({ running }) => running === 'edge') as unknown as { http: string };
  const config = async () => ((await (await fetch(`${http}/healthz`)).json()) as EdgeHealth).config;
  await until(() => valuesOf('a').length > 3 && valuesOf('b').length > 3);

  await file(entry('a', 1) + entry('b', 2, ', dedband: 1'));
  edge.child.kill('SIGHUP');
  await edge.line(({ reloaded, ok }) => reloaded === 'edge' && ok === false);
  assert.ok(edge.lines.some((line) => line.fault === 'CV_SETTING_UNKNOWN' && line.line === 7));
  assert.deepEqual((await config())?.refused?.problems.map(({ code }) => code), ['CV_SETTING_UNKNOWN']);
  const before = valuesOf('b').length;
  await until(() => valuesOf('b').length > before + 3);

  await file(entry('a', 1) + entry('c', 3), '32MB');
  edge.child.kill('SIGHUP');
  const done = await edge.line(({ reloaded, ok }) => reloaded === 'edge' && ok === true);
  assert.deepEqual([done.added, done.changed, done.removed, done.kept, done.restartNeeded], [['c'], [], ['b'], 1, ['log.maxBytes']]);
  assert.deepEqual([(await config())?.refused, (await config())?.restartNeeded], [null, ['log.maxBytes']]);
  const [after, reads] = [valuesOf('a').length, device.reads(2)];
  await until(() => valuesOf('a').length > after + 3 && valuesOf('c').length > 3);
  // What was read before may still be on its way to the gateway; the device itself is asked no more.
  assert.ok(device.reads(2) <= reads + 1, 'one request may have been on its way');

  await file(entry('a', 1, ', scale: 1, limits: [5]') + entry('c', 3), '64MB');
  edge.child.kill('SIGHUP');
  await edge.line(({ reloaded, changed }) => reloaded === 'edge' && (changed as string[] | undefined)?.[0] === 'a');
  await until(() => valuesOf('a').length > after + 8);
  for (const id of ['a', 'b', 'c']) assert.deepEqual(valuesOf(id), valuesOf(id).map((_, index) => index + 1), id);
  assert.equal(device.connections(), 1);

  edge.child.kill('SIGTERM');
  assert.equal(await new Promise((resolve) => { edge.child.on('close', resolve); }), 0);
});

test(
  'a gateway refuses a bad file and says so; of a good one it takes in edges, rules and what its store keeps, and names what a restart is needed for',
  { timeout: 120_000 },
  async (t) => {
    const { dir, remove } = await tempDir();
    t.after(remove);
    const path = join(dir, 'gateway.yaml');
    const file = (edges: string, more: string) =>
      writeFile(path, `gateway: g\ncentre: "500112001"\nbroker: { embedded: { port: 0, edges: [${edges}] } }\nhttp: { port: 0 }\n${more}`);
    await file('{ id: a, token: t-a }', 'store: { retention: 30d, maxBytes: 1GB }\n');
    const gateway = service(t, 'gateway', path);
    const { http, broker } = (await gateway.line(({ running }) => running === 'gateway')) as unknown as { http: string; broker: string };
    const config = async () => ((await (await fetch(`${http}/api/v1/status`)).json()) as StatusView).config;
    const isLetIn = async (edge: string) => {
      try {
        (
          await mqtt.connectAsync(broker, {
            clientId: `cv-${edge}`,
            username: edge,
            password: `t-${edge}`,
            protocolVersion: 4,
            reconnectPeriod: 0,
          })
        ).end(true);
        return true;
      } catch {
        return false;
      }
    };

    await writeFile(
      join(dir, 'rule.yaml'),
      'id: second\nversion: 1\ntype: treshold\nselect: { indicator: YJ-FLD-001 }\nlevels: { 2: { when: ">= 3" } }\n',
    );
    await file('{ id: a, token: t-a }, { id: b, token: t-b }', 'rules: [./rule.yaml]\nstore: { retention: 30d, maxBytes: 1GB }\n');
    gateway.child.kill('SIGHUP');
    await gateway.line(({ reloaded, ok }) => reloaded === 'gateway' && ok === false);
    assert.deepEqual(
      (await config())?.refused?.problems.map(({ place, code }) => [place, code]),
      [[`${join(dir, 'rule.yaml')}:3:7`, 'CV_SETTING_INVALID']],
    );
    assert.deepEqual([await isLetIn('a'), await isLetIn('b')], [true, false]);

    await writeFile(
      join(dir, 'rule.yaml'),
      'id: second\nversion: 1\ntype: threshold\nselect: { indicator: YJ-FLD-001 }\nlevels: { 2: { when: ">= 3" } }\n',
    );
    await file(
      '{ id: b, token: t-b }',
      'rules: [./rule.yaml]\nlog: { maxBytes: 32MB }\nstore: { retention: 10d, maxBytes: 2GB, compaction: { every: 1h } }\n',
    );
    gateway.child.kill('SIGHUP');
    const done = await gateway.line(({ reloaded, ok }) => reloaded === 'gateway' && ok === true);
    assert.deepEqual(
      [done.added, done.changed, done.removed],
      [['rule second', 'edge b'], ['store.retentionMs', 'store.maxBytes'], ['edge a']],
    );
    assert.deepEqual([(await config())?.refused, (await config())?.restartNeeded], [null, ['log.maxBytes', 'store.compaction']]);
    assert.deepEqual([await isLetIn('a'), await isLetIn('b')], [false, true]);

  gateway.child.kill('SIGTERM');
  assert.equal(await new Promise((resolve) => { gateway.child.on('close', resolve); }), 0);
});
