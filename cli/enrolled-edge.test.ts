/** Enrolled, connected, renewed, away for long, and back: real processes against a server that keeps to the contract. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort } from '../core/free-port.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { commandKeyId } from '../core/wire/signed-commands.ts';
import { EnrolmentServer } from '../edge/identity/testing/enrolment-server.ts';
import { DAY_MS, testAuthority } from '../edge/identity/testing/test-authority.ts';
import { TlsBroker } from '../edge/identity/testing/tls-broker.ts';

/** The machine's clock is what it is. */
const now = Date.now();
const ALWAYS = { fromAt: now - 1000 * DAY_MS, toAt: now + 1000 * DAY_MS };

function cli(t: TestContext, ...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { out += String(chunk); });
  const ended = new Promise<{ code: number | null; out: string }>((resolve) => { child.on('close', (code) => resolve({ code, out })); });
  return { child, ended, out: () => out };
}

test('a box is enrolled and connects; long after the end of its certificate it renews that by its old key', { timeout: 120_000 }, async (t) => {
  const authority = await testAuthority('centre', ALWAYS);
  const shows = await authority.server(['127.0.0.1'], ALWAYS);
  let gatewayAt = now - 200 * DAY_MS;
  const broker = await TlsBroker.open({ shows, ca: authority.pem, nowMs: () => gatewayAt });
  const server = await EnrolmentServer.open({ authority, shows, nowMs: () => gatewayAt, broker: broker.url });
  const { dir, remove } = await tempDir();
  t.after(async () => {
    await server.close();
    await broker.close();
    await remove();
  });
  const config = join(dir, 'edge.yaml');
  await writeFile(config, `edge: pump-07
centre: "500112001"
gateway: { url: "mqtt://127.0.0.1:9" }
clock: { trust: system }
atRest: { key: "\${file:./at-rest.key}" }
http: { port: ${await freePort()} }
log: { dir: ./log, maxBytes: 64MB }
devices:
  - id: plc
    driver: modbus
    settings: { transport: tcp, host: 127.0.0.1, port: 9, unit: 1 }
    points:
      - { id: level, address: "holding:100", type: float32, unit: m, indicator: YJ-FLD-001 }
`);
  await writeFile(join(dir, 'at-rest.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
  const isKeyPlain = async () => (await readFile(join(dir, 'identity', 'key.pem'), 'utf8')).includes('PRIVATE KEY');
  const enrolled = await cli(t, 'enrol', '--gateway', server.url, '--code', server.code('pump-07'), '--config', config, '--write').ended;
  assert.equal(enrolled.code, 0, enrolled.out);
  const first = await readFile(join(dir, 'identity', 'certificate.pem'), 'utf8');
  const checked = await cli(t, 'check', '--config', config, '--offline', '--lang', 'en').ended;
  assert.match(checked.out, /CV_IDENTITY_EXPIRED/, 'by this machine it ended long ago');

  // By the gateway's clock it is valid still; the box asks for a new one, is refused, and connects with the old one.
  server.revoked.add('pump-07');
  const before = cli(t, 'edge', '--config', config, '--json');
  await until(() => broker.logins.length > 0 && server.requests.length > 1);
  before.child.kill('SIGTERM');
  assert.equal((await before.ended).code, 0);
  assert.equal(await isKeyPlain(), false, 'an edge that starts encrypts it');

  // Away for 200 days, and let in again.
  gatewayAt = now;
  server.revoked.clear();
  const after = cli(t, 'edge', '--config', config, '--json');
  const certificate = () => readFile(join(dir, 'identity', 'certificate.pem'), 'utf8');
  await until(async () => (await certificate()) !== first);
  // A login alone may still be one of before.
  const { serialNumber } = new X509Certificate(await certificate());
  await until(() => broker.arrivals.includes(serialNumber));
  const checkedAgain = await cli(t, 'check', '--config', config, '--offline', '--lang', 'en').ended;
  assert.match(checkedAgain.out, /identity of pump-07, valid until[^]*new files are encrypted: aes-256-gcm, key [0-9a-f]{16}/);
  assert.equal(await isKeyPlain(), false);
  const status = await cli(t, 'status', '--config', config, '--lang', 'en').ended;
  assert.match(status.out, /identity of pump-07, valid until \d{4}-\d\d-\d\d · CA [A-Z2-7]{26}/);
  const key = commandKeyId(createPublicKey(server.commandKey));
  assert.ok(status.out.includes(`commands are verified by key ${key.slice(0, 16)}`), status.out);
  after.child.kill('SIGTERM');
  const { code, out } = await after.ended;
  assert.equal(code, 0);
  assert.doesNotMatch(out, /PRIVATE KEY/);
});
