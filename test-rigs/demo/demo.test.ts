import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Outcome } from './outcome.ts';

const CLI = join(import.meta.dirname, '../../cli/main.ts');
let dir: string;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'cityvitals-demo-')); });
after(() => rm(dir, { recursive: true, force: true }));

/** Runs the demo without a camera (its clip is not ours to fetch in a test). */
function demo(args: readonly string[], onLine: (line: string, stop: () => void) => void = () => {}): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [CLI, 'demo', '--no-camera', '--no-open', '--port', '0', '--dir', join(dir, 'data'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
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

/** Command lines of running processes that name our folder. */
async function leftOver(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
      throw error;
    });
    if (line.includes(dir)) found.push(line);
  }
  return found;
}

test('an unattended minute: warned and cleared in time, through a kill of the edge; nothing lost, nothing twice, nothing left behind', { timeout: 150_000 }, async () => {
  let runningAt = 0;
  const { code, lines } = await demo(['--for', '60s', '--json'], (line) => { if (line === 'demo running') runningAt = Date.now(); });
  const outcome = JSON.parse(lines.at(-1) ?? '') as Outcome;
  assert.deepEqual({ lost: outcome.lost, duplicates: outcome.duplicates, backlog: outcome.backlog }, { lost: 0, duplicates: 0, backlog: 0 });
  assert.deepEqual(Object.keys(outcome.events.byDevice).toSorted(), ['air-03', 'pump-07']);
  assert.equal(Object.values(outcome.events.byDevice).reduce((sum, count) => sum + count, 0), outcome.events.total);
  const [warning] = outcome.warnings;
  assert.equal(outcome.warnings.length, 1);
  assert.deepEqual([warning?.subject, warning?.level], ['pump-07', 2]);
  assert.ok(((warning?.raisedAt ?? Infinity) - runningAt) / 1000 <= 45);
  assert.ok(((warning?.clearedAt ?? Infinity) - runningAt) / 1000 <= 80);
  assert.equal(code, 0);
  assert.deepEqual(await leftOver(), []);
});

test('Ctrl-C ends it and leaves no process', { timeout: 60_000 }, async () => {
  const { code, lines } = await demo([], (line, stop) => { if (line === 'demo running') stop(); });
  assert.ok(lines.includes('demo running'));
  assert.equal(code, 0);
  assert.deepEqual(await leftOver(), []);
});
