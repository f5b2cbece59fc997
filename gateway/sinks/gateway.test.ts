/** A whole gateway with a sink whose server is away at first: it starts, stores and answers all the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import type { StatusView } from '../../core/api.ts';
import { testDrafts } from '../../core/testing/drafts.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { checkGateway } from '../config/check.ts';
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
  const client = await mqtt.connectAsync(gateway.brokerUrl, { clientId: 'cv-pump', username: 'pump', password: 't', protocolVersion: 4, reconnectPeriod: 0 });
  t.after(() => client.end(true));
  await client.publishAsync(`cv/v1/in/${CENTRE}/pump/up`, Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, testDrafts(1, 5))), { qos: 1 });

  const status = async () => (await (await fetch(`${gateway.httpUrl}/api/v1/status`)).json()) as StatusView;
  const until = async (holds: (view: StatusView) => boolean) => {
    for (let turn = 0; ; turn += 1) {
      const view = await status();
      if (holds(view)) return view;
      assert.ok(turn < 3000, `never: ${holds.toString()}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  };
  const away = await until(({ path, sinks }) => path.stored === 5 && sinks?.[0]?.problem?.code === 'CV_SINK_UNREACHABLE');
  assert.deepEqual([away.path.storeLag, away.sinks?.[0]?.lag, away.sinks?.[0]?.id, away.sinks?.[0]?.kind], [0, 5, 'city', 'influxdb']);
  assert.match(away.sinks?.[0]?.problem?.zh ?? '', /无法连接/);
  const server = await startStrictServer({}, port);
  t.after(() => server.close());
  const back = await until(({ sinks }) => sinks?.[0]?.lag === 0);
  assert.deepEqual(back.sinks?.[0], { id: 'city', kind: 'influxdb', lag: 0, written: 5, setAside: 0, missed: 0, problem: null });
  assert.deepEqual(server.points().map(({ measurement, fields }) => [measurement, fields.value?.value]), [1, 2, 3, 4, 5].map((value) => ['YJ-FLD-001', value]));
});
