import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, watch } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import type { EdgeState } from '../core/wire/messages.ts';
import { realFiles } from '../core/world.ts';
import { FakeGateway } from '../edge/testing/fake-gateway.ts';
import centernet320 from '../models/centernet-320/model.ts';
import { verifyModel } from '../models/verify.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const NO_GRAPH = (await verifyModel(centernet320, realFiles)) ? 'the graph is not made yet (node models/convert/main.ts)' : false;

interface Running {
  child: ChildProcess;
  out(): string;
  /** Resolves at the first line of stdout that is JSON and has `running`. */
  running: Promise<{ http: string; gateway: string[] }>;
  ended: Promise<{ code: number | null; out: string; err: string }>;
}

const edge = (t: TestContext, ...args: string[]): Running => edgeWith(t, {}, ...args);

function edgeWith(t: TestContext, env: Record<string, string>, ...args: string[]): Running {
  const child = spawn(process.execPath, [MAIN, 'edge', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => { err += chunk; });
  const running = Promise.withResolvers<{ http: string; gateway: string[] }>();
  child.stdout.on('data', (chunk) => {
    out += chunk;
    const line = out.split('\n').slice(0, -1).find((one) => one.includes('"running"'));
    if (line) running.resolve(JSON.parse(line));
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return { child, out: () => out, running: running.promise, ended };
}

async function config(t: TestContext, url: string, more = ''): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'edge.yaml');
  await writeFile(path, `edge: pump-07
centre: "500112001"
gateway: { url: "${url}", token: secret-token }
log: { dir: ./log, maxBytes: 64MB }
devices:
  - id: plc
    driver: modbus
    settings: { transport: tcp, host: 127.0.0.1, port: 9, unit: 1 }
    points:
      - { id: level, address: "holding:100", type: float32, unit: m, indicator: YJ-FLD-001 }
${more}`);
  return path;
}

test('runs, serves, refuses a second one on its folder, stops in order and says that it is gone', async (t) => {
  const gateway = await FakeGateway.open();
  t.after(() => gateway.close());
  const path = await config(t, gateway.url.replace('mqtt://', 'mqtt://someone:hidden@'));
  const first = edge(t, '--config', path, '--json');
  const { http, gateway: shown } = await first.running;
  assert.deepEqual(shown, [gateway.url]);
  assert.equal((await fetch(`${http}/healthz`)).status, 200);
  assert.match(await (await fetch(`${http}/metrics`)).text(), /cityvitals_faults_total/);
  const second = await edge(t, '--config', path, '--json').ended;
  assert.deepEqual(
    [second.code, (JSON.parse(second.out.trim().split('\n')[0] as string) as { fault: string }).fault],
    [2, 'CV_LOG_LOCKED'],
  );
  const online = gateway.states.findLast((state: EdgeState) => state.online);
  assert.equal(online?.http, http);
  first.child.kill('SIGTERM');
  const { code, out, err } = await first.ended;
  assert.equal(code, 0);
  assert.equal(gateway.states.at(-1)?.online, false);
  assert.ok(!`${out}${err}`.includes('secret-token') && !`${out}${err}`.includes('hidden'));
});

test('what it keeps is for its own user alone, whatever the umask it was started with', async (t) => {
  const gateway = await FakeGateway.open();
  t.after(() => gateway.close());
  const path = await config(t, gateway.url);
  const umask = process.umask(0o022);
  const running = edge(t, '--config', path, '--json');
  process.umask(umask);
  await running.running;
  const log = join(dirname(path), 'log');
  for (const name of ['', ...await readdir(log, { recursive: true })]) {
    const { mode } = await stat(join(log, name));
    assert.equal(mode & 0o077, 0, `${name} ${mode.toString(8)}`);
  }
  running.child.kill('SIGTERM');
  await running.ended;
});

test('every mistake of the file is said with its place, and nothing starts', async (t) => {
  const path = await config(t, 'mqtt://127.0.0.1:9', '      - { id: level, address: "holding:1", type: float99, unit: m, indicator: X }\n');
  const { code, out } = await edge(t, '--config', path, '--json').ended;
  const problems = out.trim().split('\n').map((line) => JSON.parse(line) as { line: number; remedy: string });
  assert.equal(code, 2);
  assert.ok(problems.length >= 2 && problems.every((problem) => problem.line === 11 && problem.remedy));
});

test('a file that is not there is exit code 2, with what to do', async (t) => {
  const { code, err } = await edge(t, '--config', '/nowhere/edge.yaml', '--lang', 'zh-CN').ended;
  assert.equal(code, 2);
  assert.match(err, /CV_CONFIG_UNREADABLE.*\n.*检查路径/);
});

test('told to end while a model opens: it ends at once and in order, and its log can be opened again', { skip: NO_GRAPH }, async (t) => {
  const gateway = await FakeGateway.open();
  t.after(() => gateway.close());
  const path = await config(t, gateway.url, '  - { id: gate, driver: camera, settings: { url: "file:./gate.avi" } }\n');
  const log = join(dirname(path), 'log');
  const marker = join(dirname(path), 'opening');
  const preload = join(dirname(path), 'slow.mjs');
  // A model that takes a minute: until then its process hears nothing.
  await writeFile(preload, `import { renameSync, writeFileSync } from 'node:fs';
if (process.argv[1]?.includes('/models/worker.')) process.on('message', () => { writeFileSync(${JSON.stringify(`${marker}.part`)}, String(process.pid)); renameSync(${JSON.stringify(`${marker}.part`)}, ${JSON.stringify(marker)}); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); });
`);
  const running = edgeWith(t, { NODE_OPTIONS: `--import=${preload}` }, '--config', path, '--json');
  const watching = watch(dirname(path));
  t.after(() => watching.close());
  const opening = new Promise<void>((resolve) => { watching.on('change', () => { if (existsSync(marker)) resolve(); }); });
  await Promise.race([opening, running.ended]);
  running.child.kill('SIGINT');
  const { code, out, err } = await running.ended;
  // Whoever has not ended after 5 s is ended, and says so.
  assert.deepEqual([code, out.trim().split('\n')], [0, ['{"stopped":true}']], err);
  assert.ok(!/CV_DETECTOR|CV_MODEL/.test(err), err);
  assert.ok(!(await readdir(log)).some((name) => name.endsWith('-wal')));
  assert.throws(() => process.kill(Number(readFileSync(marker, 'utf8')), 0), { code: 'ESRCH' });
});
