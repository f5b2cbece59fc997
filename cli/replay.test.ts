import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../core/testing/temp-dir.ts';

const ROOT = join(import.meta.dirname, '..');
const RTU = 'drivers/modbus/recorded/pymodbus-rtu';

async function cityvitals(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const run = promisify(execFile);
  try {
    const { stdout, stderr } = await run(process.execPath, ['cli/main.ts', ...args], {
      cwd: ROOT,
      env: { ...process.env, LANG: 'en_US.UTF-8' },
    });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('replay gives the same bytes at speed 1, 60 and max, and twice at once, in whichever language', async () => {
  const runs = await Promise.all([
    ...['1', '60', 'max'].map((speed) => cityvitals('replay', RTU, '--json', '--speed', speed)),
    cityvitals('replay', RTU, '--json', '--lang', 'zh-CN'),
  ]);
  assert.deepEqual(runs.map(({ code }) => code), [0, 0, 0, 0]);
  assert.ok((runs[0]?.out.length ?? 0) > 500);
  assert.equal(new Set(runs.map(({ out }) => sha256(out))).size, 1);
  assert.equal(runs[0]?.out, await readFile(join(ROOT, RTU, 'expected.jsonl'), 'utf8'));
});

test('replay --to events gives what an edge would keep, marked as replayed', async () => {
  const { code, out } = await cityvitals('replay', RTU, '--to', 'events', '--json');
  assert.equal(code, 0);
  const events = out.trim().split('\n').map((line) => JSON.parse(line) as { origin: string; device: string; observedAt: number });
  assert.ok(events.length >= 6);
  assert.ok(events.every(({ origin, device }) => origin === 'replay' && device === 'meter'));
  assert.ok(events.every(({ observedAt }) => observedAt < Date.UTC(2026, 0, 1, 0, 1)), 'recorded times');
});

test('a case that gives something else: said in words, in TAP and JUnit; accepted when told to', async () => {
  const { dir, remove } = await tempDir();
  try {
    const folder = join(dir, 'meter');
    await cp(join(ROOT, RTU), folder, { recursive: true });
    const right = await readFile(join(folder, 'expected.jsonl'), 'utf8');
    await writeFile(join(folder, 'expected.jsonl'), right.replace('"value":230', '"value":231'));
    const report = join(dir, 'report.xml');
    const judged = await cityvitals('replay', folder, '--tap', '--junit', report);
    assert.equal(judged.code, 1);
    assert.match(judged.out, /^TAP version 14\n1\.\.1\nnot ok 1 - modbus\/.*meter\n {2}---\n[^]*value was 231, is 230/);
    assert.match(await readFile(report, 'utf8'), /<testsuite [^>]*tests="1" failures="1"[^]*<failure /);
    const asked = await cityvitals('case', 'accept', folder);
    assert.equal(asked.code, 1);
    assert.match(asked.out, /meter\/voltage .*value was 231, is 230/);
    assert.notEqual(await readFile(join(folder, 'expected.jsonl'), 'utf8'), right);
    assert.equal((await cityvitals('case', 'accept', folder, '--yes')).code, 0);
    assert.equal(await readFile(join(folder, 'expected.jsonl'), 'utf8'), right);
    assert.equal((await cityvitals('case', 'diff', folder, RTU)).code, 0);
    assert.equal((await cityvitals('replay', folder, '--tap')).code, 0);
  } finally {
    await remove();
  }
});

test('a broken case is told with its place, exit code 2', async () => {
  const { dir, remove } = await tempDir();
  try {
    const folder = join(dir, 'meter');
    await cp(join(ROOT, RTU), folder, { recursive: true });
    await writeFile(join(folder, 'traffic.jsonl'), '{"afterUs":1,"conn":1,"dir":"in"}\n');
    const { code, err } = await cityvitals('replay', folder);
    assert.equal(code, 2);
    assert.match(err, /traffic\.jsonl:1.*bytes missing/);
  } finally {
    await remove();
  }
});

test('Ctrl-C in the middle of a replay ends it with 130, without a word of a failure', async () => {
  const child = spawn(process.execPath, ['cli/main.ts', 'replay', 'drivers/hj212/recorded', '--json', '--speed', '1'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => { said += text.toString(); });
  child.stdout.on('data', (text: Buffer) => { said += text.toString(); });
  child.stdout.once('data', () => { child.kill('SIGINT'); });
  const code = await new Promise((resolve) => { child.once('close', resolve); });
  assert.deepEqual([code, said.includes('CV_COMMAND_FAILED')], [130, false]);
});
