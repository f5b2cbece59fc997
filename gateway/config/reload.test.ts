/** A changed configuration taken in by a gateway that runs: rights, rules and catalogue, over real sockets and files. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import type { StatusView } from '../../api/status.ts';
import type { WarningView } from '../../api/warnings.ts';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import type { EmbeddedBrokerSetup, GatewaySetup } from './setup.ts';
import { runGateway } from '../main.ts';

const CENTRE = '500112001';
const RULE = join(import.meta.dirname, '..', '..', 'configs', 'rules', 'demo', 'water-level.yaml');

const draftOf = (device: string, value: number, at: number): Draft => ({
  device,
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: CENTRE,
  kind: 'measurement',
  value,
  unit: 'm',
  occurredAt: at,
  clock: 'edge',
  observedAt: at,
  quality: 'good',
  origin: 'live',
});

test(
  'edges come and go, tokens and rules change; who did not change notices nothing, and rules that are the same remember',
  { timeout: 120_000 },
  async (t) => {
    const { dir, remove } = await tempDir();
    t.after(remove);
    const rules = join(dir, 'rules');
    const other = join(dir, 'other.yaml');
    await writeFile(join(dir, 'one.yaml'), await readFile(RULE, 'utf8'));
    await writeFile(
      other,
      (await readFile(RULE, 'utf8')).replace('id: demo-water-level', 'id: second').replace('>= 2.9', '>= 1.0').replace('>= 3.0', '>= 9.0'),
    );
    const broker: EmbeddedBrokerSetup = {
      kind: 'embedded',
      host: '127.0.0.1',
      port: 0,
      edges: [
        { id: 'a', token: 't' },
        { id: 'b', token: 't' },
      ],
      consumers: [],
      anonymous: 'loopback',
      maxConnections: 50,
    };
    const setup: GatewaySetup = {
      gateway: 'g',
      centre: CENTRE,
      accepts: ['live', 'backfill'],
      exercise: false,
      relays: [],
      sinks: [],
      notifiers: [],
      rules: [join(dir, 'one.yaml')],
      catalogue: [],
      broker,
      log: { dir: join(dir, 'log'), maxBytes: 1 << 30, keepMs: 86_400_000 },
      store: { dir: join(dir, 'store'), retentionMs: Infinity, maxBytes: 1 << 30 },
      http: { host: '127.0.0.1', port: 0 },
    };
    const gateway = await runGateway(
      setup,
      realWorld(() => {}),
    );
    t.after(() => gateway.close());
    const connect = (edge: string, password = 't') =>
      mqtt.connectAsync(gateway.brokerUrl, { clientId: `cv-${edge}`, username: edge, password, protocolVersion: 4, reconnectPeriod: 0 });
    const [a, b] = [await connect('a'), await connect('b')];
    t.after(() => {
      a.end(true);
      b.end(true);
    });
    const send = (client: MqttClient, from: string, seq: number, value: number, at: number) =>
      client.publishAsync(
        `cv/v1/in/${CENTRE}/${from}/up`,
        Buffer.from(encodeBatch({ from, stream: 'measurement', epoch: 1, seq }, [draftOf(`${from}-plc`, value, at)])),
        { qos: 1 },
      );
    const get = async <T,>(path: string) => (await (await fetch(`${gateway.httpUrl}/api/v1/${path}`)).json()) as T;
    const warnings = async () => (await get<{ items: WarningView[] }>('warnings')).items;

  // Half of an onDelay lies before the change of setup, half after it.
  const at = Date.now() - 10_000;
  await send(a, 'a', 1, 2.95, at);
  await until(async () => (await get<StatusView>('status')).path, ({ accepted, rulesLag }) => accepted === 1 && rulesLag === 0);

    const gone = new Promise<void>((resolve) => {
      b.once('close', () => resolve());
    });
    const told = await gateway.reload({
      ...setup,
      name: { zh: '镇', en: 'town' },
      http: { ...setup.http, port: 1 },
      store: { ...setup.store, dir: join(dir, 'elsewhere'), retentionMs: 86_400_000 },
      rules: [...setup.rules, other],
      broker: {
        ...broker,
        maxConnections: 9,
        edges: [
          { id: 'a', token: 't' },
          { id: 'b', token: 'u' },
          { id: 'c', token: 't' },
        ],
      },
    });
    await gone;
    assert.deepEqual(told, {
      added: ['rule second', 'edge c'],
      changed: ['edge b', 'name', 'store.retentionMs'],
      removed: [],
      kept: 2,
      restartNeeded: ['store.dir', 'http.port', 'broker.maxConnections'],
    });
    assert.ok(a.connected, 'its rights are as they were');
    await assert.rejects(connect('b'));
    const again = await connect('b', 'u');
    again.end(true);
    (await connect('c')).end(true);
    assert.deepEqual((await get<StatusView>('status')).name, { zh: '镇', en: 'town' });

    await send(a, 'a', 2, 2.95, at + 2_000);
    const raised = await until(warnings, (items) => items.length === 1);
    assert.deepEqual(
      raised.map(({ rule, onsetAt }) => [rule, onsetAt]),
      [['demo-water-level', at]],
      'the delay counts from before the change',
    );
    await send(a, 'a', 3, 2.95, at + 4_000);
    await until(warnings, (items) => items.length === 2);

  await gateway.reload({ ...setup, broker: { ...broker, edges: [{ id: 'a', token: 't' }] } });
  const left = await until(warnings, (items) => items.some(({ rule, condition }) => rule === 'second' && condition === 'cleared'));
  assert.deepEqual(left.filter(({ condition }) => condition === 'active').map(({ rule }) => rule), ['demo-water-level']);
  assert.equal((await get<StatusView>('status')).name, undefined);
  assert.deepEqual((await get<StatusView>('status')).edges.map(({ id }) => id).filter((id) => id === 'c'), [], 'never spoke');

    await assert.rejects(
      gateway.reload({ ...setup, exercise: true, rules: [rules] }),
      (error) => error instanceof FaultError && error.fault.code === 'CV_CONFIG_UNREADABLE',
    );
    assert.equal((await get<StatusView>('status')).exercise, false, 'what cannot be read changes nothing');
    await send(a, 'a', 4, 2.95, at + 6_000);
    await until(
      async () => (await get<StatusView>('status')).path,
      ({ accepted, storeLag }) => accepted === 4 && storeLag === 0,
    );
  },
);
