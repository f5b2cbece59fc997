/** Sinks behind the feed: what goes in is written, set aside or missed, to the last one, and nobody else waits. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openGatewayLog } from '../../log/gateway-log.ts';
import { LOG_START, type Cursor, type GatewayLog } from '../../log/types.ts';
import { testDraft } from '../../core/testing/drafts.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { until } from '../../core/testing/until.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { realWorld, type World } from '../../core/world.ts';
import type { Consumer } from '../feed/consumer.ts';
import { loggedEvents } from '../feed/log-batch.ts';
import { openLogFeed, type LogFeed } from '../feed/log-feed.ts';
import { SetAsideFile, type SetAsideEntry } from './set-aside.ts';
import { SELF_MEASUREMENT } from './influxdb/lines.ts';
import { startStrictServer, type ServerBehaviour, type StrictServer, type StrictServerOptions } from './influxdb/testing/strict-server.ts';
import { Sinks, type OpenedSink } from './open.ts';

const ROOMY = { maxBytes: 64 << 20, maxFileBytes: 16 << 20 };
const TINY = { maxBytes: 1 << 20, maxFileBytes: 64 << 10 };
const HURRY = 20;

/** Real time, with every wait so many times shorter. */
function hurriedWorld(): World & { told: TelemetryEvent[] } {
  const told: TelemetryEvent[] = [];
  const world = realWorld((event) => { told.push(event); });
  return { ...world, told, clock: { ...world.clock, after: (delayMs, run) => world.clock.after(delayMs / HURRY, run) } };
}

interface Bench {
  dir: string;
  world: ReturnType<typeof hurriedWorld>;
  server: StrictServer;
  log: GatewayLog;
  /** Values go on from the last one; each is told apart by its time. */
  append(count: number, more?: { subject?: string; padBytes?: number }): Promise<void>;
  /** Opens sink and feed, beside a required consumer that takes everything. */
  start(settings?: Record<string, unknown>): Promise<{ sink: OpenedSink; feed: LogFeed; taken: () => number; close(): Promise<void> }>;
  reopenLog(): Promise<void>;
}

async function withBench(
  options: StrictServerOptions,
  size: { maxBytes: number; maxFileBytes: number },
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const { dir, remove } = await tempDir();
  const world = hurriedWorld();
  const server = await startStrictServer(options);
  const openLog = () => openGatewayLog({ dir: join(dir, 'log'), gateway: 'g', keepMs: 86_400_000, ...size }, world);
  const running = new Set<{ close(): Promise<void> }>();
  let next = 1;
  let required: Cursor = LOG_START;
  const bench: Bench = {
    dir, world, server, log: await openLog(),
    async append(count, { subject = 'pump-07', padBytes = 0 } = {}) {
      for (let left = count; left > 0; left -= 50) {
        const drafts = Array.from({ length: Math.min(left, 50) }, (_, at) => ({
          ...testDraft(next + at),
          device: 'pump-1',
          subject,
          ...(padBytes ? { point: noise(padBytes) } : {}),
        }));
        const payload = encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: next }, drafts);
        await bench.log.accept([
          {
            origin: {
              sender: 'pump',
              stream: 'measurement',
              epoch: 1,
              seq: next,
              span: drafts.length,
              receivedAt: 1_764_000_000_000 + next,
            },
            count: drafts.length,
            payload,
          },
        ]);
        next += drafts.length;
      }
    },
    async start(settings = {}) {
      const plug = {
        kind: 'influxdb',
        id: 'influxdb',
        settings: { url: server.url, org: '', bucket: 'city', measurement: 'cityvitals', batch: 100, timeout: 60_000, ...settings },
      };
      const sinks = await Sinks.open([plug], { gateway: 'g', store: { dir, retentionMs: Infinity, maxBytes: 1 << 30 } }, bench.log, world);
      const sink = sinks.all[0] as OpenedSink;
      let taken = 0;
      const store: Consumer = {
        name: 'store',
        required: true,
        start: () => Promise.resolve(required),
        take: (groups, upTo) => {
          taken += loggedEvents(groups).length;
          required = upTo;
          return Promise.resolve();
        },
        close: () => Promise.resolve(),
      };
      const feed = openLogFeed(bench.log, [store, sink.consumer], world);
      await feed.start();
      const started = { sink, feed, taken: () => taken, close: async () => { running.delete(started); await feed.close(); } };
      running.add(started);
      return started;
    },
    async reopenLog() {
      await bench.log.close();
      bench.log = await openLog();
    },
  };
  try {
    await run(bench);
  } finally {
    for (const { close } of running) await close();
    await bench.log.close();
    await server.close();
    await remove();
  }
}

const noise = (bytes: number) => randomBytes(bytes).toString('base64url');
const held = (server: StrictServer) => server.points().filter(({ measurement }) => measurement !== SELF_MEASUREMENT);
const valuesOf = (server: StrictServer) => held(server).map(({ fields }) => Number(fields.value?.value));
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);
const lost = (world: { told: TelemetryEvent[] }, reason: string) =>
  world.told.reduce((sum, event) => sum + (event.kind === 'samples_lost' && event.reason === reason ? event.count : 0), 0);
const codes = (world: { told: TelemetryEvent[] }) =>
  new Set(world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : [])));
const asides = async (dir: string): Promise<SetAsideEntry[]> =>
  (await readFile(join(dir, 'sinks', 'influxdb.aside.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SetAsideEntry);

test('a new sink begins with the oldest event there is, follows, and goes on from its place', () =>
  withBench({}, ROOMY, async ({ server, append, start, dir }) => {
    await append(120);
    const first = await start();
    await append(30);
    await until(() => first.feed.lag('sink-influxdb') === 0);
    await first.close();
    assert.deepEqual(valuesOf(server), upTo(150));
    assert.match(await readFile(join(dir, 'sinks', 'influxdb.json'), 'utf8'), /"cursor":"\d+-150"/);
    const second = await start();
    await append(5);
    await until(() => second.feed.lag('sink-influxdb') === 0);
    assert.deepEqual([server.lines.length, valuesOf(server)], [155, upTo(155)]);
  }));

for (const allOrNothing of [true, false]) {
  test(`lines that a target refuses are set aside one by one, all others arrive (${allOrNothing ? 'it takes all or nothing' : 'it takes what is good'})`, () =>
    withBench(
      {
        allOrNothing,
        refuse: (_line, { fields }) => ([7, 8, 130, 301].includes(Number(fields.value?.value)) ? 'beyond what it keeps' : null),
      },
      ROOMY,
      async ({ server, append, start, dir, world }) => {
        await append(301);
        const { feed, sink } = await start();
        await until(() => feed.lag('sink-influxdb') === 0);
        assert.deepEqual(
          valuesOf(server),
          upTo(301).filter((value) => ![7, 8, 130, 301].includes(value)),
        );
        const list = await asides(dir);
        assert.deepEqual(
          list.map((entry) => entry.kind === 'refused' && [entry.event, entry.status]),
          [7, 8, 130, 301].map((seq) => [`pump:measurement:1:${seq}`, 400]),
        );
        assert.ok(
          list.every((entry) => entry.kind === 'refused' && entry.line.includes('device=pump-1') && entry.detail.includes('beyond')),
        );
        assert.deepEqual([lost(world, 'sink_refused'), sink.consumer.counts.setAside, sink.consumer.counts.written], [4, 4, 297]);
      },
    ));
}

test('a target that refuses everything is no reason to set anything aside', () =>
  withBench({}, ROOMY, async ({ server, append, start, world }) => {
    server.setMood({ kind: 'status', status: 400, body: 'org name is required' });
    await append(10);
    const { feed, sink } = await start();
    await until(() => codes(world).has('CV_SINK_REFUSES_ALL'));
    assert.deepEqual(
      [sink.consumer.counts.setAside, feed.lag('sink-influxdb'), sink.consumer.counts.problem?.code],
      [0, 10, 'CV_SINK_REFUSES_ALL'],
    );
    server.setMood(null);
    await until(() => feed.lag('sink-influxdb') === 0);
    assert.deepEqual([valuesOf(server), sink.consumer.counts.problem], [upTo(10), null]);
    assert.ok(world.told.some((event) => event.kind === 'fault_cleared' && event.code === 'CV_SINK_REFUSES_ALL'));
  }));

test('a server that is away is lag, a fault with its address and never a stall of the others', () =>
  withBench({}, ROOMY, async ({ server, append, start, world }) => {
    const moods: ServerBehaviour[] = [
      { kind: 'close' },
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
      { kind: 'status', status: 401 },
      { kind: 'status', status: 404 },
      { kind: 'hang' },
      { kind: 'trickle' },
      { kind: 'store-and-close' },
    ];
    server.plan(...moods);
    await append(40);
    const { feed, taken } = await start({ timeout: 2000 });
    await append(10);
    await until(() => taken() === 50);
    await until(() => feed.lag('sink-influxdb') === 0);
    assert.deepEqual(valuesOf(server), upTo(50));
    for (const code of ['CV_SINK_UNREACHABLE', 'CV_SINK_BUSY', 'CV_SINK_DENIED', 'CV_SINK_TARGET_MISSING', 'CV_SINK_TIMEOUT'] as const)
      assert.ok(codes(world).has(code), code);
    assert.ok(
      world.told.some(
        (event) =>
          event.kind === 'fault' &&
          event.fault.params.status === 429 &&
          event.fault.params.retryAfterMs === 3000 &&
          event.fault.params.waitMs === 3000,
      ),
    );
    assert.equal(codes(world).has('CV_CONSUMER_FAILED'), false);
    assert.ok(
      world.told.some((event) => event.kind === 'consumer_lag' && event.consumer === 'sink-influxdb' && event.value > 0),
      'its lag is told while it waits',
    );
  }));

test('a full log goes past a sink whose server is away: counted to the last one, told in its target and in its list', () =>
  withBench({}, TINY, async (bench) => {
    const { server, append, world, dir } = bench;
    const first = await bench.start();
    await append(100);
    await until(() => first.feed.lag('sink-influxdb') === 0);
    server.setMood({ kind: 'close' });
    for (let round = 0; round < 2; round += 1) {
      await append(250, { padBytes: 1500 });
      await until(() => first.taken() === 100 + (round + 1) * 250);
    }
    await first.close();
    // A second life of the gateway, in an epoch of its own, in which the log goes past the rest of the first one.
    await bench.reopenLog();
    const second = await bench.start();
    await append(1200, { padBytes: 1500 });
    await until(() => second.taken() === 1200);
    const tail = bench.log.tail();
    assert.deepEqual([tail.epoch, tail.seq > 0], [bench.log.epoch, true]);
    server.setMood(null);
    await until(() => second.feed.lag('sink-influxdb') === 0);
    const holes = server.points().filter(({ measurement }) => measurement === SELF_MEASUREMENT);
    const missing = holes.reduce((sum, { fields }) => sum + Number(fields.missing?.value), 0);
    assert.ok(missing > 600 && missing < 1600, String(missing));
    const values = valuesOf(server).toSorted((a, b) => a - b);
    assert.equal(new Set(values).size, values.length);
    assert.equal(values.length + missing, 1800, 'every event is there or counted as missing');
    assert.equal(values.at(-1), 1800);
    assert.deepEqual([lost(world, 'sink_overrun'), second.sink.consumer.counts.missed], [missing, missing]);
    assert.ok(
      holes.every(({ tags, fields }) => tags.gateway === 'g' && tags.sink === 'influxdb' && fields.reason?.value === 'sink_overrun'),
    );
    assert.equal(
      (await asides(dir)).reduce((sum, entry) => sum + (entry.kind === 'missed' ? entry.count : 0), 0),
      missing,
    );
    assert.ok(codes(world).has('CV_LOG_OVERRUN') && codes(world).has('CV_CONSUMER_OVERRUN') && !codes(world).has('CV_LOG_FULL'));
  }));

test('a place that is no place any more begins with the oldest event, and changes nothing in the target', () =>
  withBench({}, ROOMY, async ({ server, append, start, dir }) => {
    await append(20);
    const first = await start();
    await until(() => first.feed.lag('sink-influxdb') === 0);
    await first.close();
    for (const garbage of ['', '{"cursor":', '{"v":1,"cursor":"x","receivedAt":1}', '[]', 'null']) {
      await writeFile(join(dir, 'sinks', 'influxdb.json'), garbage);
      const again = await start();
      await until(() => again.feed.lag('sink-influxdb') === 0);
      await again.close();
    }
    assert.deepEqual([server.lines.length, valuesOf(server)], [120, upTo(20)]);
  }));

test('the list of what was set aside is two files of 4 MB at most', () =>
  withBench({}, ROOMY, async ({ dir }) => {
    const path = join(dir, 'sinks', 'x.aside.jsonl');
    const aside = new SetAsideFile(path, 'x');
    const entry: SetAsideEntry = { at: 1, kind: 'refused', event: 'e', cursor: '1-1', status: 400, detail: 'd', line: 'l' };
    await aside.add(entry);
    await writeFile(path, 'x'.repeat(5 << 20));
    await aside.add(entry);
    await aside.add(entry);
    assert.deepEqual([(await readFile(path, 'utf8')).split('\n').length, (await readFile(`${path}.1`, 'utf8')).length], [3, 5 << 20]);
  }));

test('told to stop while its server hangs, the feed has stopped', () =>
  withBench({}, ROOMY, async ({ server, append, start }) => {
    server.setMood({ kind: 'hang' });
    await append(3);
    const { close } = await start();
    await server.until(() => server.requests > 0);
    await close();
    assert.equal(held(server).length, 0);
  }));

test('any moods of the target and any restarts: every event once, or set aside with its reason', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.constantFrom<ServerBehaviour>(
          { kind: 'close' },
          { kind: 'store-and-close' },
          { kind: 'status', status: 500 },
          { kind: 'status', status: 413 },
          { kind: 'status', status: 400 },
        ),
        { maxLength: 12 },
      ),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      (moods, counts, batch, allOrNothing) =>
        withBench(
          { allOrNothing, refuse: (_line, { fields }) => (Number(fields.value?.value) % 23 === 0 ? 'no' : null) },
          ROOMY,
          async ({ server, append, start, dir }) => {
            server.plan(...moods);
            let total = 0;
            for (const count of counts) {
              await append(count);
              total += count;
              const { feed, close } = await start({ batch });
              await until(() => feed.lag('sink-influxdb') === 0);
              await close();
            }
            const aside =
              total < 23 && moods.every((mood) => mood.kind !== 'status' || mood.status === 500) ? [] : await asides(dir).catch(() => []);
            const gone = aside.map((entry) => (entry.kind === 'refused' ? Number(entry.event.split(':').at(-1)) : 0));
            // What a target kept without saying so may be refused by it the next time: then it is in both places.
            const apart = moods.some(({ kind }) => kind === 'store-and-close')
              ? gone.filter((value) => !valuesOf(server).includes(value))
              : gone;
            assert.deepEqual(
              [...valuesOf(server), ...apart].toSorted((a, b) => a - b),
              upTo(total),
            );
            for (let value = 23; value <= total; value += 23) assert.ok(gone.includes(value));
          },
        ),
    ),
    { numRuns: 6 },
  ));

test('killed between write and place, again and again: written again, and still each event once', () =>
  withBench({}, ROOMY, async ({ dir, server, append, log }) => {
    await append(400);
    await log.close();
    for (let life = 1; life <= 3; life += 1) {
      const target = server.requests + life * 2;
      const child = fork(join(import.meta.dirname, 'influxdb', 'testing', 'feeder.ts'), [dir, server.url], { stdio: 'inherit' });
      const gone = once(child, 'exit');
      await Promise.race([server.until(() => server.requests >= target || held(server).length === 400), gone]);
      child.kill('SIGKILL');
      await gone;
    }
    const last = fork(join(import.meta.dirname, 'influxdb', 'testing', 'feeder.ts'), [dir, server.url], { stdio: 'inherit' });
    await server.until(() => held(server).length === 400);
    last.kill('SIGKILL');
    await once(last, 'exit');
    assert.deepEqual(valuesOf(server), upTo(400));
    assert.ok(server.lines.length > 400, 'something was written again');
  }));
