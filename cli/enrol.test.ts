/** `enrol` as a process, against a server that keeps to the contract. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { EnrolmentServer } from '../edge/identity/testing/enrolment-server.ts';
import { testAuthority } from '../edge/identity/testing/test-authority.ts';

const LIFE = { fromAt: Date.UTC(2001, 0, 1), toAt: Date.UTC(2099, 0, 1) };

function enrol(env: Record<string, string>, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'enrol', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => { out += String(chunk); });
    child.stderr.on('data', (chunk) => { err += String(chunk); });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

async function bench(t: TestContext) {
  const authority = await testAuthority('centre', LIFE);
  const shows = await authority.server(['127.0.0.1'], LIFE);
  const server = await EnrolmentServer.open({ authority, shows, nowMs: () => Date.UTC(2026, 5, 1) });
  const { dir, remove } = await tempDir();
  t.after(async () => {
    await server.close();
    await remove();
  });
  const config = join(dir, 'edge.yaml');
  await writeFile(config, `# the pump at the river
edge: pump-07
centre: "500112001"
gateway: { url: "mqtt://127.0.0.1:1883", token: "\${env:NOT_THERE}" } # as before
devices: []
`, { mode: 0o640 });
  return { server, dir, config };
}

test('a box is enrolled, and its configuration written where that is wished, with all else as it was', async (t) => {
  const { server, dir, config } = await bench(t);
  const code = server.code('pump-07');
  const first = await enrol({}, '--gateway', server.url, '--code', code, '--config', config, '--write', '--json');
  assert.equal(first.code, 0, first.out + first.err);
  const said = JSON.parse(first.out) as Record<string, unknown>;
  assert.deepEqual(
    [said.edge, said.centre, said.dir, said.config, said.ca],
    ['pump-07', '500112001', join(dir, 'identity'), config, [code.slice(17)]],
  );
  assert.deepEqual((await readdir(dir)).toSorted(), ['edge.yaml', 'identity']);
  const text = await readFile(config, 'utf8');
  assert.match(text, /^# the pump at the river\nedge: pump-07\n/);
  const line = text.split('\n').find((one) => one.startsWith('gateway:')) ?? '';
  assert.match(line, /^gateway: \{ ?url: "?mqtts:\/\/127\.0\.0\.1:8883"?, token: "\$\{env:NOT_THERE\}", /);
  assert.match(line, /, identity: \.\/identity ?\} # as before$/);
  assert.equal((await stat(config)).mode & 0o777, 0o640);

  const again = await enrol(
    { CITYVITALS_ENROLMENT_CODE: server.code('pump-08') },
    '--gateway', server.url, '--edge', 'pump-08', '--dir', join(dir, 'other'), '--lang', 'zh-CN',
  );
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /边缘节点 pump-08 已接入中心 500112001/);
  assert.match(again.out, /gateway: \{ url: "mqtts:\/\/127\.0\.0\.1:8883", identity: .*other \}/);
});

test('what is wrong is said with what to do, by its exit code, and without the code', async (t) => {
  const { server, dir, config } = await bench(t);
  const code = server.code('pump-07');
  const cases: [args: string[], exit: number, says: RegExp][] = [
    [['--gateway', 'http://127.0.0.1:1', '--code', code, '--config', config], 2, /CV_INPUT_INVALID/],
    [['--gateway', server.url, '--code', code.slice(0, 30), '--config', config], 2, /CV_ENROLMENT_CODE/],
    [['--gateway', server.url, '--code', code, '--config', join(dir, 'none.yaml')], 2, /CV_CONFIG_UNREADABLE/],
    [['--gateway', server.url, '--code', code, '--config', config, '--edge', '../x'], 2, /CV_INPUT_INVALID/],
    [['--gateway', server.url, '--code', code, '--config', config, '--edge', 'pump-08'], 1, /CV_ENROLMENT_REFUSED.*\n.*ask for a new code/],
    [['--gateway', 'https://127.0.0.1:1', '--code', code, '--config', config], 1, /CV_TLS_FAILED.*ECONNREFUSED/],
  ];
  for (const [args, exit, says] of cases) {
    const { code: ended, out, err } = await enrol({}, ...args, '--lang', 'en');
    assert.equal(ended, exit, err);
    assert.match(err, says);
    assert.ok(!`${out}${err}`.includes(code.slice(0, 16)), 'a secret');
  }
});
