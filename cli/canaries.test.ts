/** Edge and gateway as processes, with a canary in every secret setting: nothing that they say holds it, and what they keep is private. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import { tempDir } from '../core/testing/temp-dir.ts';
import { freePort } from '../core/free-port.ts';
import { canariesIn, plant, secretCanaries, type Canary } from './testing/secret-canaries.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const CENTRE = '500112001';
const PASSWORD = 'Kanari-of-a-person-vQ7mZx4L';

/** A process of ours, with all that it says; `running` is its first line of JSON that says so. */
function start(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const umask = process.umask(0o022);
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  process.umask(umask);
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  const running = Promise.withResolvers<Record<string, string>>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const line = said.split('\n').find((one) => one.startsWith('{"running"') && one.endsWith('}'));
      if (line) running.resolve(JSON.parse(line) as Record<string, string>);
    });
  const ended = once(child, 'close').then(() => {
    running.reject(new Error(said));
    return said;
  });
  running.promise.catch(() => {});
  return { child, running: running.promise, ended, said: () => said };
}

/** A device that accepts and never answers, so that whoever asks it goes on asking. */
async function silentDevice(t: TestContext): Promise<{ port: number; asked: Promise<unknown> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume();
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, asked: once(server, 'connection') };
}

/** Arguments of what this test has started, and of what that has started. Those of others are none of its business. */
function ownProcesses(): string[] {
  const read = (pid: string, name: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return ''; // It has ended meanwhile.
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, /^PPid:\s*(\d+)/m.exec(read(pid, 'status'))?.[1]]));
  const isOwn = (pid: string | undefined): boolean => pid !== undefined && (pid === String(process.pid) || isOwn(parents.get(pid)));
  return pids.filter((pid) => isOwn(parents.get(pid))).map((pid) => read(pid, 'cmdline'));
}

/** Devices of each driver that has a secret. One without a line here fails the test. */
const devices = (port: { camera: number; logger: number; closed: number; broker: string }): Record<string, Record<string, unknown>> => ({
  camera: { settings: { url: `rtsp://127.0.0.1:${port.camera}/live`, user: 'box' } },
  hj212: { settings: { listen: `127.0.0.1:${port.logger}`, mn: 'A1' }, points: [{ id: 'pm25', factor: 'a34004' }] },
  opcua: {
    settings: {
      endpoint: `opc.tcp://127.0.0.1:${port.closed}`, security: { policy: 'Basic256Sha256', mode: 'SignAndEncrypt' }, user: 'box',
    },
    points: [{ id: 'a', node: 'nsu=urn:x;s=A', indicator: 'A', unit: 'm' }],
  },
  'mqtt-in': {
    settings: { url: port.broker, user: 'box', topic: 'a' },
    points: [{ id: 'a', path: 'a', indicator: 'A', unit: 'm' }],
  },
});

const gatewayConfig = (broker: unknown, closed: number) => ({
  gateway: 'g', centre: CENTRE, broker,
  log: { dir: './gateway-log', maxBytes: '64MB' }, store: { dir: './gateway-store' }, evidence: { dir: './gateway-evidence' },
  atRest: { oldKeys: [] },
  http: { port: 0, readers: [{ name: 'duty-room' }] },
  operators: [{ name: 'duty-1' }],
  signIn: { oidc: { issuer: `http://127.0.0.1:${closed}/realm`, clientId: 'g' } },
  sinks: [{ kind: 'influxdb', settings: { url: `http://127.0.0.1:${closed}`, org: 'o', bucket: 'b' } }],
});

/** Each route of the document by GET, with names that are not there: what is answered, refusals among it. */
async function routesOf(url: string, headers: Record<string, string>): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/api/v1/openapi.json`, { headers })).json()) as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([path, methods]) => ('get' in methods ? [path.replace(/\{\w+\}/g, 'a')] : []));
  assert.ok(routes.length > 15);
  return routes;
}

function answersOf(url: string, routes: readonly string[], headers: Record<string, string>): Promise<string[]> {
  return Promise.all(routes.map(async (route) => {
    const answer = await fetch(url + route, { headers, redirect: 'manual' });
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream');
    if (isStream) await answer.body?.cancel();
    return `${answer.status} ${JSON.stringify([...answer.headers])} ${isStream ? '' : await answer.text()}`;
  }));
}

/** What a person and a program do wrong, and what they get for it. */
async function provoke(url: string, broker: string, logger: number, tokens: Canary[]): Promise<string[]> {
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(url + path, {
      method: 'POST', body, headers: { 'content-type': 'application/json', 'x-cityvitals': '1', ...headers },
    });
    return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
  };
  const answers = [
    await post('/api/v1/session', JSON.stringify({ user: 'chief', password: tokens[0]?.text })),
    await post('/api/v1/session', `{"user":"chief","password":"${tokens[0]?.text}`),
    await post('/api/v1/session', JSON.stringify({ user: 'chief', password: PASSWORD })),
    await post('/api/v1/commands', JSON.stringify({ token: tokens[1]?.text }), { authorization: `Bearer ${tokens[1]?.text}x` }),
    await (await fetch(`${url}/api/v1/devices?token=${tokens[2]?.text}`)).text(),
  ];
  const client = mqtt.connect(broker, { username: 'dashboard', password: `${tokens[0]?.text}x`, reconnectPeriod: 0 });
  client.on('error', () => {});
  await new Promise<void>((resolve) => { client.once('close', resolve); });
  const socket = connect(logger, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.end('##0080QN=20260101000000000;ST=22;CN=2011;PW=not-it;MN=A1;CP=&&a34004-Rtd=1&&0000\r\n');
  await once(socket.resume(), 'close');
  return answers;
}

test('no secret is in logs, answers, metrics, audit, processes or commands; nothing kept is open to others', { timeout: 120_000 }, async (t) => {
  const canaries = await secretCanaries();
  assert.ok(canaries.length >= 14, String(canaries.length));
  const { dir, remove } = await tempDir();
  t.after(remove);
  const [camera, closed, logger] = [await silentDevice(t), await freePort(), await freePort()];
  const written = (name: string, config: unknown) => {
    writeFileSync(join(dir, name), stringify(config), { mode: 0o600 });
    return join(dir, name);
  };

  // The embedded broker takes some of the gateway's canaries, an external one the others.
  const embedded = gatewayConfig({ embedded: { port: 0, edges: [{ id: 'e1' }], consumers: [{ user: 'dashboard' }] } }, closed);
  const otherBroker = { url: `mqtt://127.0.0.1:${closed}`, user: 'g', edges: [{ id: 'e1' }], consumers: [{ user: 'd' }] };
  const external = gatewayConfig(otherBroker, closed);
  const unplaced = plant(embedded, 'gateway', canaries);
  const left = new Set(plant(external, 'gateway', canaries));
  assert.deepEqual(unplaced.filter((canary) => left.has(canary)), [], 'each secret of a gateway is in one of the two files');
  for (const config of [embedded, external]) {
    // What belongs to the other kind of broker was left out there.
    const { broker } = config as { broker: { embedded?: unknown; password?: string; url?: string } };
    if (broker.embedded) delete broker.password;
    const kinds = config.sinks.map(({ kind, settings }) => plant(settings, `sink ${kind}`, canaries));
    assert.deepEqual(kinds.flat(), []);
    for (const owner of new Set(canaries.map((one) => one.owner).filter((one) => one.startsWith('sink '))))
      assert.ok(config.sinks.some(({ kind }) => owner === `sink ${kind}`), `${owner} needs a line in this test`);
  }
  const gatewayPath = written('gateway.yaml', embedded);
  const gateway = start(t, ['gateway', '--config', gatewayPath, '--json']);
  const { http = '', broker = '', setupLink = '' } = await gateway.running;

  const templates = devices({ camera: camera.port, logger, closed, broker });
  const drivers = [...new Set(canaries.flatMap(({ owner }) => (owner.startsWith('driver ') ? owner.slice(7) : [])))];
  const edgeDevices = drivers.map((driver) => {
    const template = templates[driver];
    assert.ok(template, `driver ${driver} needs a line in this test`);
    assert.deepEqual(plant(template.settings, `driver ${driver}`, canaries), []);
    return { id: driver, driver, every: '1s', timeout: '500ms', ...template };
  });
  const edgeConfig = {
    edge: 'e1', centre: CENTRE, gateway: { url: broker }, http: { port: 0 } as Record<string, unknown>,
    log: { dir: './edge-log', maxBytes: '64MB' }, atRest: { oldKeys: [] }, devices: edgeDevices,
  };
  assert.deepEqual(plant(edgeConfig, 'edge', canaries), []);
  const ofEdge = canaries.find(({ owner, path }) => owner === 'gateway' && path.join('.') === 'broker.embedded.edges.0.token');
  // Let in by the token that the gateway knows; the edge's own canary is refused first.
  const refusedPath = written('refused.yaml', {
    ...edgeConfig, devices: edgeDevices.filter(({ driver }) => driver === 'opcua'), log: { dir: './refused-log', maxBytes: '64MB' },
  });
  const refused = start(t, ['edge', '--config', refusedPath, '--json']);
  await refused.running;
  Object.assign(edgeConfig.gateway, { token: ofEdge?.text });
  const edgePath = written('edge.yaml', edgeConfig);
  const edge = start(t, ['edge', '--config', edgePath, '--json']);
  const { http: edgeHttp = '' } = await edge.running;
  await camera.asked;
  const processes = ownProcesses();
  assert.ok(processes.length >= 4 && processes.some((line) => line.includes('ffmpeg')), `${processes.length} processes`);
  const seen: Record<string, string> = { 'process list': processes.join('\n') };

  const set = await fetch(`${http}/api/v1/setup`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: setupLink.split('/').at(-1), name: 'chief', password: PASSWORD }),
  });
  assert.equal(set.status, 200, await set.clone().text());
  seen.setup = await set.text();
  const cookie = set.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const routes = await routesOf(http, { cookie });
  seen.API = (await answersOf(http, routes, { cookie })).join('\n');
  seen['API with a wrong token'] = (await answersOf(http, routes, { authorization: `Bearer ${canaries[0]?.text}` })).join('\n');
  assert.match(seen.API, /^200 /m);
  assert.match(seen['API with a wrong token'], /^401 /m);
  seen.refusals = (await provoke(http, broker, logger, canaries)).join('\n');
  for (const page of ['/metrics', '/healthz', '/']) {
    seen[`gateway ${page}`] = await (await fetch(http + page, { headers: { cookie } })).text();
    seen[`edge ${page}`] = await (await fetch(edgeHttp + page)).text();
  }
  const made = await fetch(`${http}/api/v1/account/tokens`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'x-cityvitals': '1', cookie },
    body: JSON.stringify({ name: 'auditor', permissions: ['read_audit'], centres: ['*'], days: 1 }),
  });
  const { token: auditor } = (await made.json()) as { token: string };
  const operator = canaries.find(({ path }) => path[0] === 'operators')?.text ?? '';
  const tokens = { CITYVITALS_READ_TOKEN: operator, CITYVITALS_OPERATOR_TOKEN: operator };
  const commands: string[][] = [
    ['status', '--url', http], ['status', '--url', edgeHttp, '--json'], ['status', '--config', gatewayPath],
    ['doctor', '--config', edgePath, '--for', '1s'], ['check', '--config', edgePath, '--offline'],
    ['check', '--config', gatewayPath, '--json'],
    ['check', '--config', written('external.yaml', external)], ['devices', 'list', '--gateway', http],
    // Mistakes beside secrets, and secrets that are mistakes.
    ['check', '--json', '--config', written('wrong.yaml', {
      ...edgeConfig, centre: 1, gateway: { ...edgeConfig.gateway, url: `mqtt//box:${ofEdge?.text}@x`, tokn: ofEdge?.text },
    })],
    ['check', '--config', written('list.yaml', { ...edgeConfig, http: { token: [edgeConfig.http.token] } })],
  ];
  for (const command of commands) seen[command.join(' ')] = await start(t, command, tokens).ended;
  seen['audit show'] = await start(t, ['audit', 'show', '--gateway', http, '--json'], { CITYVITALS_OPERATOR_TOKEN: auditor }).ended;
  for (const kind of ['start', 'sign_in', 'refusal', 'user_change', 'token_change'])
    assert.ok(seen['audit show'].includes(`"kind":"${kind}"`), `${kind}: ${seen['audit show']}`);
  // A refused reload tells of its mistakes, too.
  writeFileSync(edgePath, stringify({ ...edgeConfig, edge: '', gateway: { url: 'x', token: ofEdge?.text } }));
  edge.child.kill('SIGHUP');
  while (!edge.said().includes('"reloaded"')) await once(edge.child.stdout, 'data');

  for (const [name, running] of Object.entries({ edge, refused, gateway })) {
    running.child.kill('SIGTERM');
    seen[`what the ${name} said`] = await running.ended;
  }
  const audit = join(dir, 'gateway-log', 'audit');
  seen['audit folder'] = readdirSync(audit).map((name) => readFileSync(join(audit, name), 'utf8')).join('\n');
  assert.match(seen['audit folder'], /"kind":"stop"/);
  const files = readdirSync(dir).filter((name) => name.endsWith('.yaml') && name !== 'edge.yaml').map(
    (name) => readFileSync(join(dir, name), 'utf8'),
  );
  const planted = new Set(canariesIn(files.join('\n'), canaries));
  assert.equal(planted.size, canaries.length, 'each was planted, and is found where it is');
  const everyone = [
    ...canaries, { owner: 'person', path: ['password'], text: PASSWORD }, { owner: 'person', path: ['token'], text: auditor },
  ];
  const leaks = Object.entries(seen).flatMap(([where, text]) => canariesIn(text, everyone).map((which) => `${where}: ${which}`));
  assert.deepEqual(leaks, []);
  // The gateway prints the code for whoever stands before it, and only there.
  const code = setupLink.split('/').at(-1) as string;
  assert.ok(code.length > 20 && !`${seen['audit show']}${seen['audit folder']}`.includes(code));

  const kept = ['edge-log', 'refused-log', 'gateway-log', 'gateway-store', 'gateway-evidence'].flatMap((folder) => [
    folder, ...readdirSync(join(dir, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ]);
  assert.ok(kept.length > 20, String(kept.length));
  // Public keys are for others to read.
  const open = kept.filter((name) => (statSync(join(dir, name)).mode & 0o077) !== 0 && !name.endsWith('.pub.pem'));
  assert.deepEqual(open, []);
});
