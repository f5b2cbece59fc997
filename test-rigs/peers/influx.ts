/** VictoriaMetrics as the target of the InfluxDB sink: numbers from an edge's batch to another program's disk and back. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { StatusView } from '../../api/status.ts';
import type { Draft, Value } from '../../core/event.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { checkGateway } from '../../gateway/config/check.ts';
import { runGateway } from '../../gateway/main.ts';
import { startVictoria, type Victoria } from '../bench/peers/victoria.ts';
import { withRig } from '../bench/rig.ts';
import '../../gateway/sinks/faults.ts';

const CENTRE = '500112001';
const WAIT_MS = 20_000;
/** VictoriaMetrics keeps about 12 decimal digits. */
const TOLERANCE = 1e-11;

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'victoria-metrics: numbers, booleans and equal times of one edge arrive by the InfluxDB sink, each once', run: arrives },
  { name: 'victoria-metrics: an event that it refuses, and all others with it, is set aside alone', run: setAside },
  { name: 'victoria-metrics: away and back, nothing is missing and nobody else waited', run: awayAndBack },
];

interface Bench {
  victoria: Victoria;
  send(values: readonly Value[], more?: Partial<Draft> | ((at: number) => Partial<Draft>)): Promise<void>;
  sink(): Promise<NonNullable<StatusView['sinks']>[number]>;
  storeLag(): Promise<number>;
}

async function arrives(): Promise<void> {
  await withBench(async ({ victoria, send, sink }) => {
    const odd = [0, 7, -3, 1.5, Math.PI, 1e-7, 123_456.789, 2 ** 40, -2.5e15];
    const walk = Array.from({ length: 2000 }, (_, index) => Math.round(Math.sin(index / 50) * 1e6) / 1000);
    // Each a series of its own: within a block all values share one decimal exponent there.
    for (const [index, value] of odd.entries()) await send([value], { point: `odd-${index}` });
    await send([true, false, true], { point: 'pump', unit: '' });
    for (let offset = 0; offset < walk.length; offset += 500) await send(walk.slice(offset, offset + 500), { point: 'walk' });
    await send([1, 2, 3], { point: 'tie', occurredAt: Date.now() - 5000 });
    await send(['text, with "quotes" and = signs\nand lines'], { point: 'note', unit: '', subject: '泵站 7,b=侧\\' });
    await send([null], { point: 'gone', quality: 'bad', flags: ['comm'] });
    await within(
      'the sink has caught up',
      async () => (await sink()).lag === 0 && (await sink()).written === odd.length + 3 + walk.length + 3 + 2,
    );
    await victoria.flush();
    for (const [index, value] of odd.entries())
      close(await victoria.read('cityvitals_value', { point: `odd-${index}`, unit: 'm' }), [value]);
    close(await victoria.read('cityvitals_value', { point: 'walk', quality: 'good' }), walk);
    assert.deepEqual(await victoria.read('cityvitals_value_bool', { point: 'pump' }), [1, 0, 1]);
    assert.deepEqual((await victoria.read('cityvitals_value', { point: 'tie' })).toSorted(), [1, 2, 3]);
    assert.equal((await victoria.read('cityvitals_value_text', { point: 'note', subject: '泵站 7,b=侧/' })).length, 1);
    assert.equal((await victoria.read('cityvitals_flags', { point: 'gone', quality: 'bad' })).length, 1);
    assert.deepEqual([(await sink()).setAside, (await sink()).problem], [0, null]);
  });
}

async function setAside(): Promise<void> {
  await withBench(async ({ victoria, send, sink }) => {
    // A clock that is off by 270,000 years: its time in ns has no place in 64 bits.
    await send(Array.from({ length: 200 }, (_, at) => at), (at) => (at === 77 ? { occurredAt: 8.64e15, clock: 'unsynced' } : {}));
    await within('the sink has caught up', async () => (await sink()).lag === 0 && (await sink()).written === 199);
    await victoria.flush();
    assert.deepEqual(
      await victoria.read('cityvitals_value', { point: 'level' }),
      Array.from({ length: 200 }, (_, at) => at).filter((at) => at !== 77),
    );
    assert.deepEqual([(await sink()).setAside, (await sink()).problem], [1, null]);
  });
}

async function awayAndBack(): Promise<void> {
  await withBench(async ({ victoria, send, sink, storeLag }) => {
    await send([1, 2, 3]);
    await within('the first are there', async () => (await sink()).lag === 0);
    process.kill(victoria.program.pid, 'SIGSTOP');
    await send([4, 5, 6]);
    await within('the sink is behind, the store is not', async () => (await sink()).lag === 3 && (await storeLag()) === 0);
    await within('it says what is wrong', async () => (await sink()).problem?.code === 'CV_SINK_TIMEOUT');
    process.kill(victoria.program.pid, 'SIGCONT');
    await within('it has caught up', async () => (await sink()).lag === 0);
    await victoria.flush();
    // What it took while we had given up on its answer is kept twice there, at the same time: one value of each is left.
    assert.deepEqual([...new Set(await victoria.read('cityvitals_value', { point: 'level' }))], [1, 2, 3, 4, 5, 6]);
  });
}

function close(found: readonly number[], wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach((value, index) =>
    assert.ok(Math.abs(value - (wanted[index] as number)) <= TOLERANCE * Math.max(1, Math.abs(value)), `${value} for ${wanted[index]}`),
  );
}

function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  return withRig(async (rig) => {
    const victoria = await startVictoria(rig);
    const text = `
gateway: g
centre: "${CENTRE}"
broker: { embedded: { port: 0, edges: [{ id: pump, token: t }] } }
http: { port: 0 }
sinks: [{ kind: influxdb, id: city, settings: { url: "${new URL(victoria.writeUrl).origin}", timeout: 1s } }]
`;
    const { setup, problems } = await checkGateway({ path: join(rig.dir, 'gateway.yaml'), text }, { env: {} });
    assert.ok(setup, JSON.stringify(problems));
    const gateway = await runGateway(setup, realWorld(() => {}));
    rig.undo(() => gateway.close());
    const client = await mqtt.connectAsync(gateway.brokerUrl, {
      clientId: 'cv-pump',
      username: 'pump',
      password: 't',
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    rig.undo(() => {
      client.end(true);
    });
    const startedAt = Date.now() - 600_000;
    let seq = 1;
    const status = async () => (await (await fetch(`${gateway.httpUrl}/api/v1/status`)).json()) as StatusView;
    await run({
      victoria,
      sink: async () => (await status()).sinks?.[0] ?? assert.fail('no sink in the status'),
      storeLag: async () => (await status()).path.storeLag,
      async send(values, more = {}) {
        const drafts = values.map((value, index): Draft => ({
          device: 'plc',
          point: 'level',
          indicator: 'YJ-FLD-001',
          centre: CENTRE,
          kind: 'measurement',
          value,
          unit: 'm',
          occurredAt: startedAt + (seq + index) * 100,
          clock: 'edge',
          observedAt: startedAt,
          quality: 'good',
          origin: 'live',
          ...(typeof more === 'function' ? more(index) : more),
        }));
        await client.publishAsync(
          `cv/v1/in/${CENTRE}/pump/up`,
          Buffer.from(encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq }, drafts)),
          { qos: 1 },
        );
        seq += values.length;
        // One after the other: what is sent while the gateway is behind would come again by an edge of ours, not by this one.
        await within('they are accepted', async () => (await status()).path.accepted >= seq - 1);
      },
    });
  });
}

async function within(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + WAIT_MS; Date.now() < untilMs;) {
    if (await holds()) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`not within ${WAIT_MS} ms: ${what}`);
}
