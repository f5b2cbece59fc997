import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import type { DemoOutcome } from './outcome.ts';

const CLI = join(import.meta.dirname, '../../cli/main.ts');
const { dir, remove } = await tempDir();
after(remove);

interface Run {
  code: number | null;
  lines: string[];
}

/** Runs the demo; every process of it bears our folder in its environment. */
function run(args: readonly string[], onLine: (line: string, stop: () => void) => void = () => {}): Promise<Run> {
  const child = spawn(process.execPath, [CLI, 'demo', '--no-open', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CITYVITALS_DEMO_TEST: dir },
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      onLine(line, () => child.kill('SIGINT'));
    }
  });
  return new Promise((resolve) => { child.once('close', (code) => resolve({ code, lines })); });
}

/** Without a camera: its clip is not ours to fetch in a test. */
const demo = (args: readonly string[], onLine?: (line: string, stop: () => void) => void): Promise<Run> =>
  run(['--no-camera', '--dir', join(dir, 'data'), ...args], onLine);

/** Everything ends within 5 s: what still runs of it after that, by command line. */
async function leftOver(): Promise<string[]> {
  for (const untilMs = performance.now() + 5000; ;) {
    const found = await running();
    if (found.length === 0 || performance.now() > untilMs) return found;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

async function running(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if ((await procText(pid, 'environ')).includes(`CITYVITALS_DEMO_TEST=${dir}`)) found.push(await procText(pid, 'cmdline'));
  }
  return found;
}

test(
  'an unattended minute: warned and cleared in time, through a kill of the edge; nothing lost, nothing twice, nothing left behind',
  { timeout: 150_000 },
  async () => {
    let runningAt = 0;
    const { code, lines } = await demo(['--for', '60s', '--json'], (line) => {
      if (line === 'demo running') runningAt = Date.now();
    });
    const outcome = JSON.parse(lines.at(-1) ?? '') as DemoOutcome;
    assert.deepEqual(
      { lost: outcome.lost, duplicates: outcome.duplicates, backlog: outcome.backlog },
      { lost: 0, duplicates: 0, backlog: 0 },
    );
    assert.deepEqual(Object.keys(outcome.events.byDevice).toSorted(), ['air-03', 'air-05', 'gate-02', 'pump-07']);
    assert.equal(
      Object.values(outcome.events.byDevice).reduce((sum, count) => sum + count, 0),
      outcome.events.total,
    );
    const [warning] = outcome.warnings;
    assert.equal(outcome.warnings.length, 1);
    assert.deepEqual([warning?.subject, warning?.level], ['pump-07', 2]);
    assert.ok(((warning?.raisedAt ?? Infinity) - runningAt) / 1000 <= 45);
    assert.ok(((warning?.clearedAt ?? Infinity) - runningAt) / 1000 <= 80);
    assert.equal(code, 0);
    assert.deepEqual(await leftOver(), []);
  },
);

test('with TLS the edge comes in by the certificate that a code gave it, and a browser on this machine needs none', { timeout: 120_000 }, async () => {
  const looked: Promise<unknown[]>[] = [];
  const { code, lines } = await demo(['--tls', '--for', '3s', '--json'], (line) => {
    if (line === 'demo running') looked.push(lookAt(join(dir, 'data')));
  });
  const outcome = JSON.parse(lines.at(-1) ?? '') as DemoOutcome;
  assert.deepEqual([code, outcome.lost, outcome.duplicates, await Promise.all(looked)], [0, 0, 0, [[200, 'demo', 200]]]);
  const [edge, gateway] = await Promise.all(
    ['edge', 'gateway'].map(async (name) => readFile(join(dir, 'data', `${name}.yaml`), 'utf8')),
  );
  assert.match(edge ?? '', /url: mqtts:[^]*identity: \.\/identity/);
  // Nobody has a token, so whoever came in did by certificate.
  assert.doesNotMatch(`${edge}${gateway}`, /token/);
  assert.deepEqual(await leftOver(), []);
});

/** What a browser finds at the console's address: it needs neither TLS nor a name, and is signed in as an administrator. */
async function lookAt(data: string): Promise<unknown[]> {
  const port = /http:[^]*?port: (\d+)/.exec(await readFile(join(data, 'gateway.yaml'), 'utf8'))?.[1];
  const url = `http://127.0.0.1:${port}/api/v1`;
  const { status } = await fetch(`${url}/status`);
  const signedIn = await fetch(`${url}/demo/session`, { method: 'POST' });
  const cookie = signedIn.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  const users = await fetch(`${url}/users`, { headers: { cookie } });
  return [status, ((await signedIn.json()) as { name: string }).name, users.status];
}

/** Of processes that are gone, or not ours to look at: nothing. */
const procText = (pid: string, name: string): Promise<string> =>
  readFile(`/proc/${pid}/${name}`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code ?? '')) return '';
    throw error;
  });

test('a second one keeps its hands off the first one\'s folder; Ctrl-C ends it and leaves no process', { timeout: 120_000 }, async () => {
  const second: Promise<Run>[] = [];
  const { code, lines } = await demo([], (line, stop) => {
    if (line === 'demo running') second.push(demo(['--json']).finally(stop));
  });
  const [refused] = await Promise.all(second);
  assert.deepEqual([refused?.code, (JSON.parse(refused?.lines.at(-1) ?? '') as { fault: string }).fault], [2, 'CV_DEMO_FOLDER']);
  assert.ok(lines.includes('demo running'));
  assert.equal(code, 0);
  assert.deepEqual(await leftOver(), []);
});

test('told to stop while it starts, it stops', { timeout: 120_000 }, async () => {
  const { code, lines } = await demo([], (line, stop) => { if (line.includes('http://')) stop(); });
  assert.deepEqual([code, lines.includes('demo running')], [0, false]);
  assert.deepEqual(await leftOver(), []);
});

test('a folder that is not its own stays as it is, and a clip that shows nothing is said before anything starts', async () => {
  const own = join(dir, 'own');
  await mkdir(own);
  await writeFile(join(own, 'clip.mp4'), 'no film');
  const folder = await run(['--no-camera', '--json', '--dir', own]);
  const clip = await run(['--json', '--dir', join(dir, 'data'), '--clip', join(own, 'clip.mp4')]);
  for (const [{ code, lines }, faults] of [
    [folder, ['CV_DEMO_FOLDER']],
    [clip, ['CV_VIDEO_UNREADABLE', 'CV_FFMPEG_MISSING', 'CV_MODEL_MISSING']],
  ] as const) {
    assert.notEqual(code, 0);
    assert.ok(faults.some((fault) => lines.at(-1)?.includes(fault)), lines.at(-1));
  }
  assert.deepEqual(await readdir(own), ['clip.mp4']);
});
