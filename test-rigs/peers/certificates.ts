/** Other programs against our certificates: mosquitto as the broker with them, mosquitto_pub as a client, openssl as a judge. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../core/free-port.ts';
import type { Draft } from '../../core/event.ts';
import { until } from '../../core/testing/until.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { loadGateway } from '../../cli/load.ts';
import { signingRequestFor } from '../../gateway/certificates/testing/signing-request.ts';
import { runGateway } from '../../gateway/main.ts';
import type { RunningGateway } from '../../gateway/running-gateway.ts';
import { mosquittoProgram, runMosquitto } from '../processes/mosquitto.ts';

const CENTRE = '500112001';
const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

export const peers: { name: string; run(): Promise<void> }[] = [
  {
    name: 'mosquitto with our certificates: edges by them alone, each on its own topics; revoked at once by the gateway, then by the list',
    run: behindMosquitto,
  },
  {
    name: 'mosquitto_pub and openssl s_client: the embedded broker takes TLS 1.2 and newer, and an edge by its certificate alone',
    run: atTheEmbedded,
  },
];

interface Bench {
  dir: string;
  gateway: RunningGateway;
  /** `mosquitto_pub`; what it said, empty where all is well. */
  publish(port: number, topic: string, payload: string, ...more: string[]): Promise<string>;
  /** Key and certificate files of an edge that is enrolled by this. */
  enrol(edge: string): Promise<string[]>;
  api(path: string, body?: object): Promise<Record<string, unknown>>;
}

async function behindMosquitto(): Promise<void> {
  const [plainPort, gatewayPort, edgePort] = [await freePort(), await freePort(), await freePort()];
  const broker = `
  url: mqtt://127.0.0.1:${gatewayPort}
  edgeUrl: mqtts://127.0.0.1:${edgePort}
  user: gateway
  password: gateway-password
  consumers: [{ user: city, password: city-password }]`;
  await withGateway(broker, async ({ dir, gateway, publish, enrol, api }) => {
    const args = [CLI, 'gateway', '--config', join(dir, 'gateway.yaml'), '--mosquitto', join(dir, 'etc'), '--json'];
    const made = execFileSync(process.execPath, args, { encoding: 'utf8' });
    const { conf } = JSON.parse(made) as { conf: string };
    assert.doesNotMatch(conf, new RegExp(`^listener ${plainPort}`, 'm'));
    const asRoot = process.getuid?.() === 0;
    if (asRoot) execFileSync('chown', ['-R', 'mosquitto', join(dir, 'etc')]);
    await writeFile(join(dir, 'mosquitto.conf'), `${conf}persistence false\nlog_dest stderr\n${asRoot ? 'user mosquitto\n' : ''}`);
    const mosquitto = await runMosquitto(join(dir, 'mosquitto.conf'), edgePort);
    try {
      await until(async () => (await fetch(`${plain(gateway)}/healthz`)).ok);
      const [pump, gate] = [await enrol('pump'), await enrol('gate')];
      const accepted = async () => ((await api('status')).path as { accepted: number }).accepted;
      assert.equal(await publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 1), ...pump), '');
      await until(async () => (await accepted()) === 1);

      // No certificate, one of another CA, another's topic: nothing of it arrives.
      assert.match(await publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2)), /Error|error/);
      assert.match(await publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), ...(await foreign(dir))), /Error|error/);
      await publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), ...gate);
      await publish(edgePort + 1, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), '-u', 'city', '-P', 'city-password');
      assert.equal(await publish(edgePort, `cv/v1/in/${CENTRE}/gate/up`, batchOf('gate', 1), ...gate), '');
      await until(async () => (await accepted()) === 2);

      const { revoked } = await api('certificates/revocation', { which: 'pump' });
      assert.equal((revoked as unknown[]).length, 1);
      // mosquitto does not know it yet.
      assert.equal(await publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), ...pump), '');
      assert.equal(await publish(edgePort, `cv/v1/in/${CENTRE}/gate/up`, batchOf('gate', 2), ...gate), '');
      await until(async () => (await accepted()) === 3);
      process.kill(mosquitto.pid, 'SIGHUP');
      const asPump = () => publish(edgePort, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), ...pump);
      await until(async () => (await asPump()) !== '');
      assert.equal(await publish(edgePort, `cv/v1/in/${CENTRE}/gate/up`, batchOf('gate', 3), ...gate), '');
    } finally {
      await mosquitto.stop();
    }
  });
}

async function atTheEmbedded(): Promise<void> {
  await withGateway('{ embedded: { port: 0 } }', async ({ gateway, publish, enrol, api, dir }) => {
    const port = Number(new URL(gateway.brokerUrl).port);
    const pump = await enrol('pump');
    const id = ['-i', 'cv-pump'];
    assert.equal(await publish(port, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 1), ...pump, ...id), '');
    await until(async () => ((await api('status')).path as { accepted: number }).accepted === 1);
    for (const wrong of [id, [...(await foreign(dir)), ...id], [...pump, '-i', 'cv-gate']])
      assert.notEqual(await publish(port, `cv/v1/in/${CENTRE}/pump/up`, batchOf('pump', 2), ...wrong), '', String(wrong));
    const seen = async (at: number, ...version: string[]) => {
      const out = await outputOf('openssl', ['s_client', '-connect', `127.0.0.1:${at}`, '-brief', ...version]);
      return /Protocol *(?:version)?: (TLSv[\d.]+)/.exec(out)?.[1] ?? null;
    };
    for (const at of [port, Number(new URL(gateway.httpUrl).port)]) {
      assert.equal(await seen(at), 'TLSv1.3');
      assert.equal(await seen(at, '-tls1_2'), 'TLSv1.2');
      // At security level 0, so that openssl itself does not refuse to try.
      for (const old of ['-tls1_1', '-tls1']) assert.equal(await seen(at, old, '-cipher', 'ALL:@SECLEVEL=0'), null, old);
    }
  });
}

async function withGateway(broker: string, run: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-certificates-'));
  const shared = join(dir, 'broker');
  await chmod(dir, 0o755);
  await mkdir(shared);
  if (process.getuid?.() === 0 && mosquittoProgram()) {
    execFileSync('chgrp', ['mosquitto', shared]);
    await chmod(shared, 0o2750);
  }
  const file = join(dir, 'gateway.yaml');
  const tls = `{ loopback: true, plaintextUntil: never, copyTo: ${shared} }`;
  const text = `gateway: g\ncentre: "${CENTRE}"\nbroker: ${broker}\nhttp: { port: 0 }\ntls: ${tls}\n`;
  await writeFile(file, text);
  const { setup } = await loadGateway({ path: file, text });
  assert.ok(setup);
  const gateway = await runGateway(setup, realWorld(() => {}));
  try {
    await run(await benchOf(dir, gateway));
  } finally {
    await gateway.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Plaintext is for this machine. */
const plain = ({ httpUrl }: RunningGateway): string => httpUrl.replace('https:', 'http:');

async function benchOf(dir: string, gateway: RunningGateway): Promise<Bench> {
  const ca = join(dir, 'broker', 'ca.pem');
  let cookie = '';
  const api = async (path: string, body?: object) => {
    const answer = await fetch(`${plain(gateway)}/api/v1/${path}`, {
      headers: { 'content-type': 'application/json', 'x-cityvitals': '1', cookie },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    const made = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
    if (made.length > 0) cookie = made.join('; ');
    const given = (await answer.json()) as Record<string, unknown>;
    assert.ok(answer.ok, JSON.stringify(given));
    return given;
  };
  await api('setup', { code: gateway.setupLink?.split('/').at(-1), name: 'chief', password: 'long enough to keep' });
  return {
    dir, gateway, api,
    publish: (port, topic, payload, ...more) => {
      const to = ['-h', '127.0.0.1', '-p', String(port), '--cafile', ca, '-V', 'mqttv311', '-q', '1'];
      const args = [...to, '-t', topic, '-m', payload, ...more];
      return new Promise((resolve) => {
        execFile('mosquitto_pub', args, { timeout: 10_000 }, (error, out, errors) => {
          resolve(error ? `Error ${String(error.code)} ${out}${errors}` : errors);
        });
      });
    },
    async enrol(edge) {
      const { code } = await api('enrolment-codes', { edge, centres: [CENTRE] });
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const { certificate } = await api('enrolment', { edge, code: String(code).slice(0, 16), csr: await signingRequestFor(edge, key) });
      await writeFile(join(dir, `${edge}-key.pem`), key, { mode: 0o600 });
      await writeFile(join(dir, `${edge}.pem`), String(certificate));
      return ['--cert', join(dir, `${edge}.pem`), '--key', join(dir, `${edge}-key.pem`)];
    },
  };
}

/** One measurement, as an edge sends it. */
function batchOf(edge: string, seq: number): string {
  const draft: Draft = {
    device: `${edge}-plc`, point: 'level', indicator: 'YJ-FLD-001', centre: CENTRE, kind: 'measurement', value: seq, unit: 'm',
    occurredAt: 1_700_000_000_000 + seq, clock: 'edge', observedAt: 1, quality: 'good', origin: 'live',
  };
  return Buffer.from(encodeBatch({ from: edge, stream: 'measurement', epoch: 1, seq }, [draft])).toString();
}

/** Of a CA that nobody knows, with the right name. */
async function foreign(dir: string): Promise<string[]> {
  const [key, certificate] = [join(dir, 'foreign-key.pem'), join(dir, 'foreign.pem')];
  await outputOf('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-subj', '/CN=pump', '-days', '30', '-keyout', key, '-out', certificate,
  ]);
  return ['--cert', certificate, '--key', key];
}

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: 10_000 }, (_error, out, errors) => resolve(out + errors));
    child.stdin?.end();
  });
}
