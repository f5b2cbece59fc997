/** `cityvitals verify` as it is called: over folders that are sound, damaged, in use, and not there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { StatusView } from '../api/status.ts';
import { openEdgeLog } from '../log/edge-log.ts';
import { directStorage } from '../log/worker-storage.ts';
import { testDrafts } from '../core/testing/drafts.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { encodeBatch } from '../core/wire/batch.ts';
import { realWorld } from '../core/world.ts';
import { runGateway } from '../gateway/main.ts';
import { loadGateway } from './load.ts';

const CENTRE = '500112001';
const EDGE = { edge: 'e1', centre: CENTRE, maxBytes: 64 << 20, ballastBytes: 0 };

interface Ran {
  code: number;
  out: string;
  lines: Record<string, unknown>[];
  err: string;
}

function verify(config: string, ...more: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'verify', '--config', config, ...more], (error, out, err) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        out,
        err,
        lines: more.includes('--json')
          ? out
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line) as Record<string, unknown>)
          : [],
      });
    });
  });
}

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

async function edgeConfig(dir: string): Promise<string> {
  const path = join(dir, 'edge.yaml');
  await writeFile(
    path,
    `edge: e1\ncentre: "${CENTRE}"\ngateway: { url: "mqtt://127.0.0.1:9" }\nlog: { dir: log }\ndevices:\n  - { id: plc, driver: modbus, settings: { transport: tcp, host: 127.0.0.1, port: 9, unit: 1 }, every: 1s, points: [{ id: level, address: "holding:1", type: uint16, unit: m, indicator: X-1 }] }\n`,
  );
  return path;
}

test('an edge: nothing there yet is 3; sound is 0; flipped bytes are 1, with numbers and what to do, in both languages', async (t) => {
  const dir = await folder(t);
  const config = await edgeConfig(dir);
  const nothing = await verify(config, '--json');
  assert.deepEqual([nothing.code, nothing.lines[0]?.fault], [3, 'CV_VERIFY_NO_FOLDER']);

  const log = await openEdgeLog({ ...EDGE, dir: join(dir, 'log') }, testWorld(), directStorage());
  for (let at = 1; at <= 300; at += 3) await log.append(testDrafts(at, 3, { kind: 'state' }));
  await log.close();
  const sound = await verify(config, '--json');
  assert.deepEqual(
    [sound.code, sound.err, sound.lines.map(({ part, ok, events }) => ({ part, ok, events }))],
    [0, '', [{ part: 'log', ok: true, events: 300 }]],
  );

  const name = (await readdir(join(dir, 'log'))).find((one) => one.startsWith('state-')) as string;
  const bytes = await readFile(join(dir, 'log', name));
  bytes.fill(0x5a, 4096 * 4, 4096 * 5);
  await writeFile(join(dir, 'log', name), bytes);
  const damaged = await verify(config, '--json');
  const missing = damaged.lines
    .filter(({ fault }) => fault === 'CV_VERIFY_LOG_MISSING')
    .map(({ params }) => params as { fromSeq: number; toSeq: number });
  assert.ok(
    damaged.code === 1 && missing.length > 0 && missing.every(({ fromSeq, toSeq }) => fromSeq >= 1 && toSeq >= fromSeq && toSeq <= 300),
  );
  const words = await verify(config, '--lang', 'zh-CN');
  assert.equal(words.code, 1);
  assert.match(words.out, new RegExp(`✗ 事件日志 [^]*编号 ${missing[0]?.fromSeq} 至 ${missing[0]?.toSeq}（[^]*→ （重新）启动`));
});

test(
  'a gateway: beside it the store is read back by itself; when it is stopped, from the file, damage and all',
  { timeout: 120_000 },
  async (t) => {
    const dir = await folder(t);
    const config = join(dir, 'gateway.yaml');
    const write = (port: number, broker: number) =>
      writeFile(
        config,
        `gateway: g\ncentre: "${CENTRE}"\nlog: { dir: log }\nstore: { dir: store }\nhttp: { port: ${port} }\nbroker: { embedded: { port: ${broker}, edges: [{ id: e1, token: t }] } }\n`,
      );
    await write(8080, 1883);
    const { setup } = await loadGateway({ path: config, text: await readFile(config, 'utf8') });
    assert.ok(setup);
    assert.ok(setup.broker.kind === 'embedded');
    const gateway = await runGateway(
      { ...setup, http: { ...setup.http, port: 0 }, broker: { ...setup.broker, port: 0 } },
      realWorld(() => {}),
    );
    t.after(() => gateway.close());
    await write(Number(new URL(gateway.httpUrl).port), 1883);
    const client = await mqtt.connectAsync(gateway.brokerUrl, {
      clientId: 'cv-e1',
      username: 'e1',
      password: 't',
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    await client.publishAsync(
      `cv/v1/in/${CENTRE}/e1/up`,
      Buffer.from(encodeBatch({ from: 'e1', stream: 'measurement', epoch: 1, seq: 1 }, testDrafts(1, 50, { occurredAt: Date.now() }))),
      { qos: 1 },
    );
    for (let stored = 0; stored < 50;)
      stored = ((await (await fetch(`${gateway.httpUrl}/api/v1/status`)).json()) as StatusView).path.stored;
    await client.endAsync(true);

  const beside = await verify(config, '--json');
  assert.equal(beside.code, 0, beside.out + beside.err);
  const [log, , store, state] = ['log', 'commands', 'store', 'state'].map((part) => beside.lines.find((line) => line.part === part));
  assert.deepEqual([(log?.live as string[] | undefined)?.length, store?.online, store?.rows, state?.live], [1, true, 50, true]);
  await gateway.close();

    const stopped = await verify(config, '--json');
    assert.equal(stopped.code, 0, stopped.out + stopped.err);
    assert.deepEqual(
      stopped.lines
        .filter(({ part }) => part === 'log' || part === 'store')
        .map(({ part, events, rows, online, live }) => ({ part, events, rows, online, live })),
      [
        { part: 'log', events: 50, rows: undefined, online: undefined, live: [] },
        { part: 'store', events: undefined, rows: 50, online: false, live: undefined },
      ],
    );
    assert.deepEqual(
      stopped.lines.filter(({ part }) => part === 'state').map(({ ok, warnings, outbox }) => ({ ok, warnings, outbox })),
      [{ ok: true, warnings: 0, outbox: 0 }],
    );
    const memory = new DatabaseSync(join(dir, 'store', 'state.db'));
    memory.exec(
      `INSERT INTO warnings VALUES ('w-1', 1, 1, '{"id":"w-1"}'), ('w-2', 1, 1, '{"id":'); INSERT INTO outbox (topic, payload, final) VALUES ('t', '', 1)`,
    );
    memory.close();
    const db = new DatabaseSync(join(dir, 'store', 'store.db'));
    db.exec(
      "UPDATE block SET body = zeroblob(length(body)); INSERT INTO chunk SELECT 1, 999, 1, 0, 2, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, x'00'",
    );
    db.close();
    const damaged = await verify(config);
    assert.equal(damaged.code, 1);
    assert.match(
      damaged.out,
      /CV_STORE_CHUNK_DAMAGED[^]*CV_VERIFY_STORE_WRONG[^]*2 warnings, 0 rule states, 1 queued for sending\n.*warnings w-2 cannot be understood \[CV_VERIFY_STATE_WRONG\]/,
    );
    await writeFile(join(dir, 'store', 'store.db'), 'not a database at all, '.repeat(1000));
    await writeFile(join(dir, 'store', 'state.db'), 'not a database at all, '.repeat(1000));
    const garbage = await verify(config, '--json');
    assert.deepEqual(
      [garbage.code, garbage.lines.filter(({ fault }) => fault).map(({ part, fault }) => [part, fault])],
      [
        1,
        [
          ['store', 'CV_STORE_DAMAGED'],
          ['state', 'CV_VERIFY_STATE_WRONG'],
        ],
      ],
    );
  },
);

test('a configuration with mistakes is 2', async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, 'x.yaml'), 'edge: e1\nlog: 7\n');
  assert.equal((await verify(join(dir, 'x.yaml'))).code, 2);
  assert.equal((await verify(join(dir, 'nowhere.yaml'))).code, 2);
});
