/** What happens at an edge is in the audit record of its gateway, under the name by which the gateway knows that edge; end to end. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import type { AuditEntryView } from '../api/audit.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import { realWorld } from '../core/world.ts';
import { runEdge } from '../edge/main.ts';
import { publicKeysIn } from '../gateway/audit/key.ts';
import { verifyAuditRecord } from '../gateway/audit/verify-record.ts';
import { runGateway } from '../gateway/main.ts';
import { auditDraft } from '../log/audit/edge-entry.ts';
import { loadEdge, loadGateway } from './load.ts';

const CENTRE = '500112001';
const [PUMP_TOKEN, GATE_TOKEN, READ_TOKEN] = ['canary-of-pump-07', 'canary-of-gate-02', 'canary-of-the-local-page'];
const QUIET = realWorld(() => {});

async function rig(t: TestContext) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const gatewayText = stringify({
    gateway: 'g', centre: CENTRE, http: { port: 0 }, operators: [{ name: 'duty-1', token: 'a-token-of-the-operator' }],
    broker: { embedded: { port: 0, edges: [{ id: 'pump-07', token: PUMP_TOKEN }, { id: 'gate-02', token: GATE_TOKEN }] } },
    log: { dir: join(dir, 'log') }, store: { dir: join(dir, 'store') },
  });
  const { setup } = await loadGateway({ path: join(dir, 'gateway.yaml'), text: gatewayText });
  assert.ok(setup);
  const gateway = await runGateway(setup, QUIET);
  t.after(() => gateway.close());
  const set = await fetch(`${gateway.httpUrl}/api/v1/setup`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: gateway.setupLink?.split('/').at(-1), name: 'chief', password: 'correct horse battery' }),
  });
  const cookie = set.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  const get = async <T>(path: string): Promise<T[]> => {
    const answer = await fetch(`${gateway.httpUrl}/api/v1/${path}`, { headers: { cookie } });
    return ((await answer.json()) as { items: T[] }).items;
  };
  const edgeText = stringify({
    edge: 'pump-07', centre: CENTRE, gateway: { url: gateway.brokerUrl, token: PUMP_TOKEN },
    http: { host: '0.0.0.0', port: 0, token: READ_TOKEN }, log: { dir: join(dir, 'edge-log') },
    devices: [{
      id: 'plc', driver: 'modbus', every: '1h', settings: { host: '127.0.0.1', port: 1 },
      points: [{ id: 'level', address: 'holding:0', type: 'uint16', indicator: 'YJ-FLD-001', unit: 'm' }],
    }],
  });
  const { setup: edgeSetup, problems } = await loadEdge({ path: join(dir, 'edge.yaml'), text: edgeText });
  assert.ok(edgeSetup, JSON.stringify(problems));
  return {
    dir, gateway, get, cookie, edgeSetup,
    shipped: async () => (await get<AuditEntryView>('audit?limit=1000')).filter(({ origin }) => origin !== undefined).toReversed(),
  };
}

/** Lines of `audit show`. */
async function showFolder(dir: string, edge: string): Promise<string[]> {
  const args = [join(import.meta.dirname, 'main.ts'), 'audit', 'show', '--dir', dir, '--edge', edge, '--lang', 'en'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.split('\n').filter((line) => line !== '');
}

const short = ({ kind, who, from, what, outcome, origin }: AuditEntryView): string => [origin, kind, who, from, what, outcome].join(' | ');

test('start, refusal, sign-in, tap, refused command, reload and stop of an edge are in the record, once', { timeout: 120_000 }, async (t) => {
  const { dir, gateway, get, cookie, edgeSetup, shipped } = await rig(t);
  const edge = await runEdge(edgeSetup, QUIET);
  t.after(() => edge.close());
  const { port } = new URL(edge.httpUrl);
  const local = (path: string, token: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);
  assert.deepEqual([await local('/', 'wrong'), await local('/', READ_TOKEN), await local('/tap/plc', READ_TOKEN)], [401, 200, 403]);
  await until(async () => (await shipped()).length >= 4);
  const asked = await fetch(`${gateway.httpUrl}/api/v1/commands`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer a-token-of-the-operator' },
    body: JSON.stringify({ kind: 'write', device: 'plc', point: 'level', value: 7, reason: 'W-118' }),
  });
  assert.equal(asked.status, 202, await asked.text());
  await until(async () => (await shipped()).some(({ kind }) => kind === 'command'));
  await edge.reload({ ...edgeSetup, rules: [] });
  await assert.rejects(edge.reload({ ...edgeSetup, devices: edgeSetup.devices.map((device) => ({ ...device, driver: 'none' })) }));
  await edge.close();
  await until(async () => (await shipped()).some(({ kind }) => kind === 'stop'));
  const all = await shipped();
  assert.deepEqual(all.map(short).map((line) => line.replace(/(edge pump-07) \d.*? \|/, '$1 |')), [
    'edge:pump-07 | start | edge | local | edge pump-07 | done',
    'edge:pump-07 | refusal |  | 127.0.0.1 | read | refused',
    'edge:pump-07 | sign_in | token | 127.0.0.1 | token | done',
    'edge:pump-07 | tap |  | 127.0.0.1 | plc | refused',
    'edge:pump-07 | command | duty-1 | gateway | write plc level | refused',
    'edge:pump-07 | config_change | edge | local | configuration reloaded | done',
    'edge:pump-07 | config_change | edge | local | configuration refused | refused',
    'edge:pump-07 | stop | edge | local | edge pump-07 | done',
  ]);
  assert.ok(all.every(({ centre, occurredAt, at, log }) => centre === CENTRE && Math.abs(Number(occurredAt) - at) < 60_000 && log));
  assert.deepEqual((await get<{ indicator: string }>('events?limit=1000')).filter(({ indicator }) => indicator === 'CV-AUDIT'), []);
  const read = await fetch(`${gateway.httpUrl}/api/v1/audit?limit=1000&edge=pump-07`, { headers: { cookie } });
  assert.equal(((await read.json()) as { items: unknown[] }).items.length, 8);
  await gateway.close();
  const shown = await showFolder(join(dir, 'log', 'audit'), 'pump-07');
  assert.equal(shown.length, 8);
  assert.match(shown.at(-1) ?? '', /^\S+Z {2}start +edge +local +edge pump-07 \S+ {2}@500112001 edge:pump-07 occurredAt=\S+Z$/);
  assert.deepEqual(await showFolder(join(dir, 'log', 'audit'), 'gate-02'), []);
  const folder = join(dir, 'log', 'audit');
  const { faults } = await verifyAuditRecord(folder, await publicKeysIn(join(dir, 'log', 'audit-key')));
  assert.deepEqual(faults, []);
  const written = (await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))).join('');
  assert.deepEqual([PUMP_TOKEN, GATE_TOKEN, READ_TOKEN].filter((secret) => written.includes(secret)), []);
});

test('an edge cannot speak as another, nor keep another from being heard', { timeout: 120_000 }, async (t) => {
  const { gateway, edgeSetup, shipped } = await rig(t);
  const client = await mqtt.connectAsync(gateway.brokerUrl, {
    clientId: 'cv-gate-02', username: 'gate-02', password: GATE_TOKEN, protocolVersion: 4, reconnectPeriod: 0,
  });
  t.after(() => { client.end(true); });
  const entry = { kind: 'sign_in', who: 'chief', from: '10.0.0.1', what: 'token', outcome: 'done' } as const;
  const draft = auditDraft({ edge: 'pump-07', centre: CENTRE }, entry, QUIET.clock);
  const batch = encodeBatch({ from: 'gate-02', stream: 'diagnostic', epoch: 1, seq: 1 }, [draft]);
  await client.publishAsync(`cv/v1/in/${CENTRE}/gate-02/up`, Buffer.from(batch), { qos: 1 });
  const ours = encodeBatch({ from: 'pump-07', stream: 'diagnostic', epoch: 1, seq: 1 }, [draft]);
  // The broker does not take it, and may let go of whoever tries: nobody acknowledges.
  client.publish(`cv/v1/in/${CENTRE}/pump-07/up`, Buffer.from(ours), { qos: 1 });
  await until(async () => (await shipped()).length > 0);
  assert.deepEqual((await shipped()).map(({ origin, who }) => [origin, who]), [['edge:gate-02', 'chief']]);
  const edge = await runEdge(edgeSetup, QUIET);
  t.after(() => edge.close());
  await until(async () => (await shipped()).some(({ origin, kind }) => origin === 'edge:pump-07' && kind === 'start'));
});
