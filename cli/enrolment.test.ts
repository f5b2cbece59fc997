/** A box gets in by a code, is shut out, and another takes its place: real processes of gateway, edge and commands. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort } from '../core/free-port.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';

const CENTRE = '500112001';

function cli(t: TestContext, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args, '--lang', 'en'], {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { out += String(chunk); });
  const ended = new Promise<{ code: number | null; out: string }>((resolve) => { child.on('close', (code) => resolve({ code, out })); });
  return { child, ended, out: () => out };
}

const edgeConfig = (edge: string, port: number) => `edge: ${edge}
centre: "${CENTRE}"
gateway: { url: "mqtt://127.0.0.1:9" }
clock: { trust: system }
http: { port: ${port} }
log: { dir: ./log-${edge}, maxBytes: 64MB }
devices:
  - id: plc
    driver: modbus
    settings: { transport: tcp, host: 127.0.0.1, port: 9, unit: 1 }
    points:
      - { id: level, address: "holding:100", type: float32, unit: m, indicator: YJ-FLD-001 }
`;

test('enrolled by a code, shut out by revocation, and replaced by another box that gets its devices', { timeout: 180_000 }, async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const [httpPort, brokerPort] = [await freePort(), await freePort()];
  const gatewayFile = join(dir, 'gateway.yaml');
  await writeFile(gatewayFile, `gateway: town
centre: "${CENTRE}"
broker: { embedded: { port: ${brokerPort} } }
http: { port: ${httpPort} }
tls: { loopback: true }
`);
  const gateway = cli(t, ['gateway', '--config', gatewayFile, '--json']);
  const url = `http://127.0.0.1:${httpPort}/api/v1/`;
  const isUp = () => fetch(`http://127.0.0.1:${httpPort}/healthz`).then(({ ok }) => ok, () => false);
  await until(isUp);
  await until(() => gateway.out().includes('"setupLink"'));
  const setupCode = /#\/setup\/([\w-]{43})/.exec(gateway.out())?.[1];
  const post = async (path: string, body: object, cookie = '') => {
    const answer = await fetch(url + path, {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-cityvitals': '1', cookie }, body: JSON.stringify(body),
    });
    const cookies = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
    return { cookie: cookies.join('; '), body: (await answer.json()) as { token: string } };
  };
  const { cookie } = await post('setup', { code: setupCode, name: 'chief', password: 'long enough to keep' });
  const limit = { permissions: ['enrol_edges', 'read'], centres: ['*'] };
  const { body: { token } } = await post('account/tokens', { name: 'cli', ...limit, days: 1 }, cookie);
  assert.equal(typeof token, 'string');

  const secure = ['--gateway', `https://127.0.0.1:${httpPort}`];
  const asOperator = async (...args: string[]) => {
    const ca = join(dir, 'data/town/certificates/ca.pem');
    const { code, out } = await cli(t, [...args, ...secure, '--ca', ca], { CITYVITALS_OPERATOR_TOKEN: token }).ended;
    assert.equal(code, 0, out);
    return out;
  };
  const codeFor = async (...args: string[]) => {
    const out = await asOperator('enrolment', 'add', ...args, '--centre', CENTRE, '--json');
    return (JSON.parse(out) as { code: string }).code;
  };
  const enrol = async (edge: string, code: string, ...more: string[]) => {
    const file = join(dir, `${edge}.yaml`);
    await writeFile(file, edgeConfig(edge, await freePort()));
    return cli(t, ['enrol', ...secure, '--code', code, '--config', file, '--dir', join(dir, `identity-${edge}`), '--write', ...more]).ended;
  };
  const edges = async () => {
    const answer = await fetch(`${url}status`, { headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { edges: { id: string; online: boolean }[] }).edges;
  };
  const isOnline = async (id: string) => (await edges()).some((edge) => edge.id === id && edge.online);

  const code = await codeFor('pump-07');
  const enrolled = await enrol('pump-07', code);
  assert.equal(enrolled.code, 0, enrolled.out);
  const first = cli(t, ['edge', '--config', join(dir, 'pump-07.yaml'), '--json']);
  await until(() => isOnline('pump-07'));
  assert.match(await asOperator('enrolment', 'list'), /pump-07 +500112001 {2}used, until .* UTC, by chief/);

  assert.equal(
    await readFile(join(dir, 'identity-pump-07/command-key.pem'), 'utf8'),
    await readFile(join(dir, 'data/town/certificates/command-key.pub.pem'), 'utf8'),
  );

  const twice = await cli(t, [
    'enrol', ...secure, '--code', code, '--config', join(dir, 'pump-07.yaml'), '--dir', join(dir, 'thief'),
  ]).ended;
  assert.equal(twice.code, 1);
  assert.match(twice.out, /CV_ENROLMENT_CODE_USED/);

  assert.match(await asOperator('certificates', 'revoke', 'pump-07'), /^pump-07 +[0-9A-F]+ {2}500112001 {2}revoked on /);
  await until(async () => !(await isOnline('pump-07')));

  const replacing = await codeFor('pump-08', '--replaces', 'pump-07');
  assert.match((await enrol('pump-08', replacing)).out, /CV_ENROLMENT_CODE_EDGE/);
  const replaced = await enrol('pump-08', replacing, '--replaces', 'pump-07');
  assert.equal(replaced.code, 0, replaced.out);
  first.child.kill('SIGTERM');
  await first.ended;
  const second = cli(t, ['edge', '--config', join(dir, 'pump-08.yaml'), '--json']);
  await until(() => isOnline('pump-08'));
  const bound = async () => {
    const answer = await fetch(`${url}devices/plc`, { headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { edge?: string }).edge;
  };
  await until(async () => (await bound()) === 'pump-08');
  assert.match(await asOperator('certificates', 'list'), /pump-07 .* revoked on .*\npump-08 .* until /);
  for (const { child, ended } of [second, gateway]) {
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
  }
  assert.doesNotMatch(gateway.out() + second.out(), new RegExp(`PRIVATE KEY|${code}|${replacing}`));
});
