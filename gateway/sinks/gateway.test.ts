/** A whole gateway with a sink whose server is away at first: it starts, stores and answers all the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import type { StatusView } from '../../api/status.ts';
import { testDrafts } from '../../core/testing/drafts.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { checkGateway } from '../config/check.ts';
import type { PlugSetup } from '../config/setup.ts';
import { runGateway } from '../main.ts';
import { startStrictServer } from './influxdb/testing/strict-server.ts';

const CENTRE = '500112001';

test('a gateway whose sink is away starts, stores and says so; when the server comes, all of it arrives', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const gone = await startStrictServer();
  const port = Number(new URL(gone.url).port);
  await gone.close();
  const text = `
gateway: g
centre: "${CENTRE}"
broker: { embedded: { port: 0, edges: [{ id: pump, token: t }] } }
http: { port: 0 }
sinks: [{ kind: influxdb, id: city, settings: { url: "${gone.url}", measurement: "{indicator}", timeout: 2s } }]
`;
  const { setup, problems } = await checkGateway({ path: join(dir, 'gateway.yaml'), text }, { env: {} });
  assert.ok(setup, JSON.stringify(problems));
  const gateway = await runGateway(setup, realWorld(() => {}));
  t.after(() => gateway.close());
  const client = await mqtt.connectAsync(gateway.brokerUrl, {
    clientId: 'cv-pump',
    username: 'pump',
    password: 't',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  await client.publishAsync(
    `cv/v1/in/${CENTRE}/pump/up`,
    Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, testDrafts(1, 5))),
    { qos: 1 },
  );

  const status = async () => (await (await fetch(`${gateway.httpUrl}/api/v1/status`)).json()) as StatusView;
  const away = await until(status, ({ path, sinks }) => path.stored === 5 && sinks?.[0]?.problem?.code === 'CV_SINK_UNREACHABLE');
  assert.deepEqual([away.path.storeLag, away.sinks?.[0]?.lag, away.sinks?.[0]?.id, away.sinks?.[0]?.kind], [0, 5, 'city', 'influxdb']);
  assert.match(away.sinks?.[0]?.problem?.zh ?? '', /无法连接/);
  const server = await startStrictServer({}, port);
  t.after(() => server.close());
  const back = await until(status, ({ sinks }) => sinks?.[0]?.lag === 0);
  assert.deepEqual(back.sinks?.[0], { id: 'city', kind: 'influxdb', lag: 0, written: 5, setAside: 0, missed: 0, problem: null });
  assert.deepEqual(
    server.points().map(({ measurement, fields }) => [measurement, fields.value?.value]),
    [1, 2, 3, 4, 5].map((value) => ['YJ-FLD-001', value]),
  );

  // The setup changes while it runs: one goes on at its place under another measurement, one comes and has all of it, one goes.
  const [city] = setup.sinks as [PlugSetup];
  const other = await startStrictServer();
  t.after(() => other.close());
  const renamed = { ...city, settings: { ...city.settings, measurement: 'renamed' } };
  const told = await gateway.reload({
    ...setup,
    sinks: [{ ...city, id: 'second', settings: { ...city.settings, url: other.url } }, renamed],
  });
  assert.deepEqual([told.added, told.changed, told.removed, told.restartNeeded], [['sink second'], ['sink city'], [], []]);
  await client.publishAsync(
    `cv/v1/in/${CENTRE}/pump/up`,
    Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 6 }, testDrafts(6, 2))),
    { qos: 1 },
  );
  const both = await until(status, ({ sinks }) => sinks?.[0]?.written === 7 && sinks[1]?.written === 2);
  assert.deepEqual(
    both.sinks?.map(({ id, lag }) => [id, lag]),
    [
      ['second', 0],
      ['city', 0],
    ],
  );
  assert.deepEqual(
    server.points().map(({ measurement }) => measurement),
    [...Array.from({ length: 5 }, () => 'YJ-FLD-001'), 'renamed', 'renamed'],
  );
  assert.equal(other.points().length, 7);
  assert.deepEqual((await gateway.reload({ ...setup, sinks: [renamed] })).removed, ['sink second']);
  await client.publishAsync(
    `cv/v1/in/${CENTRE}/pump/up`,
    Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 8 }, testDrafts(8, 1))),
    { qos: 1 },
  );
  assert.deepEqual(
    (await until(status, ({ sinks }) => sinks?.[0]?.written === 3)).sinks?.map(({ id }) => id),
    ['city'],
  );
  assert.equal(other.points().length, 7);
});
