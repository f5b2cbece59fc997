/** OPC UA against a server that is not ours: open62541, with every policy, users, a cut line, and its own limits. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import type { Event } from '../../core/event.ts';
import { realWorld, seededRandom, type World } from '../../core/world.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import driver from '../../drivers/opcua/driver.ts';
import { ownCertificate, ownCertificatePath } from '../../drivers/opcua/own-certificate.ts';
import { resumeStateOf } from '../../drivers/opcua/resume-state.ts';
import { POLICIES, type OpcuaSettings } from '../../drivers/opcua/settings.ts';
import { read } from '../../edge/read/read.ts';
import type { DeviceSetup } from '../../edge/config/setup.ts';
import { isPicture } from '../../edge/item.ts';
import { qualify } from '../../edge/qualify/qualify.ts';
import type { Sample } from '../../core/sample.ts';
import { startOpen62541, type Open62541 } from '../../drivers/opcua/testing/open62541/server.ts';
import { startRelay } from '../processes/relay.ts';

const NSU = 'nsu=urn:cityvitals:rig:open62541;';
const USER = { user: 'plant', password: 'a word of many letters' };
const PERIOD_MS = 50;

interface Bench {
  server: Open62541;
  dir: string;
  world: World & { told: TelemetryEvent[] };
  settings(more?: Record<string, unknown>): unknown;
}

async function withServer(use: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-opcua-'));
  const told: TelemetryEvent[] = [];
  const world = { ...realWorld((event) => { told.push(event); }), told };
  try {
    await ownCertificate(dir, world);
    const server = await startOpen62541({ client: ownCertificatePath(dir), ...USER, periodMs: PERIOD_MS });
    const settings = (more: Record<string, unknown> = {}) =>
      driver.settings.parse({
        endpoint: `opc.tcp://127.0.0.1:${server.port}`,
        security: { policy: 'Basic256Sha256', mode: 'SignAndEncrypt' },
        ...USER,
        certificates: { dir },
        publishEvery: '100ms',
        sampleEvery: '0ms',
        queueSize: 1000,
        ...more,
      });
    await use({ server, dir, world, settings }).finally(() => server.stop());
  } finally {
    await rm(dir, { recursive: true });
  }
}

const trust = ({ server, dir }: Bench) => copyFile(server.certificate, join(dir, 'trusted', 'server.der'));
const pointsOf = (...names: string[]) =>
  names.map((name) => Object.assign(driver.point?.parse({ node: `${NSU}s=${name}` }) as object, { id: name }));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no fault',
    (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error)),
  );
const openAndClose = async (settings: unknown, world: World) => {
  await (await driver.open(settings, pointsOf('Fixed'), world)).close();
};

/** The first value of each point. */
async function firstValues(settings: unknown, points: ReturnType<typeof pointsOf>, world: World): Promise<Map<string, unknown>> {
  const link = await driver.open(settings, points, world);
  const values = new Map<string, unknown>();
  for await (const frame of linkFrames(link, new AbortController().signal)) {
    const decoded = driver.decode(frame);
    if (decoded.ok) for (const { point, value } of decoded.values ?? []) values.set(point, value);
    else for (const point of decoded.points ?? []) values.set(point, decoded.fault.code);
    if (values.size === points.length) break;
  }
  await link.close();
  return values;
}

async function trustAndLogin(): Promise<void> {
  await withServer(async (bench) => {
    const { settings, world, dir, server } = bench;
    assert.equal(await codeOf(openAndClose(settings(), world)), 'CV_OPCUA_CERTIFICATE_UNKNOWN');
    await trust(bench);
    for (const policy of POLICIES)
      for (const mode of ['Sign', 'SignAndEncrypt'])
        for (const login of [{}, { user: undefined, password: undefined }]) {
          assert.equal(
            await codeOf(openAndClose(settings({ security: { policy, mode }, ...login }), world)),
            'no fault',
            `${policy} ${mode}`,
          );
        }
    assert.equal(await codeOf(openAndClose(settings({ password: 'another' }), world)), 'CV_OPCUA_LOGIN');
    assert.equal(
      await codeOf(openAndClose(settings({ endpoint: `opc.tcp://localhost:${server.port}` }), world)),
      'CV_OPCUA_CERTIFICATE_HOST',
    );
    assert.equal(
      await codeOf(
        openAndClose(settings({ endpoint: `opc.tcp://localhost:${server.port}`, certificates: { dir, checkHost: false } }), world),
      ),
      'no fault',
    );
    const late = { ...world, clock: { ...world.clock, nowMs: () => Date.now() + 400 * 86_400_000 } };
    assert.equal(await codeOf(openAndClose(settings(), late)), 'CV_OPCUA_CERTIFICATE_TIME');
    // Two months before its end our certificate is renewed; this server knows only the one before.
    const renewing = { ...world, clock: { ...world.clock, nowMs: () => Date.now() + 1780 * 86_400_000 } };
    await ownCertificate(dir, renewing);
    assert.equal(await codeOf(openAndClose(settings(), world)), 'no fault');
    assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_OPCUA_RENEWED'));
    // A box whose certificate the server has never seen.
    const stranger = join(dir, 'stranger');
    await ownCertificate(stranger, world);
    await mkdir(join(stranger, 'trusted'), { recursive: true });
    await writeFile(join(stranger, 'trusted', 'server.der'), await readFile(server.certificate));
    assert.equal(await codeOf(openAndClose(settings({ certificates: { dir: stranger } }), world)), 'CV_OPCUA_UNTRUSTED_THERE');
  });
}

async function everyKindOfValue(): Promise<void> {
  await withServer(async (bench) => {
    await trust(bench);
    const { settings, world } = bench;
    const third = Object.assign(driver.point?.parse({ node: `${NSU}s=List`, index: 2 }) as object, { id: 'third' });
    for (const mode of ['subscribe', 'poll']) {
      const values = await firstValues(settings({ mode }), [...pointsOf('Fixed', 'Label', 'List', 'Gone'), third], world);
      assert.deepEqual(
        [...values].toSorted(),
        [
          ['Fixed', 1.25],
          ['Gone', null],
          ['Label', '泵房 7'],
          ['List', 'CV_OPCUA_TYPE'],
          ['third', 3],
        ],
        mode,
      );
    }
  });
}

async function writes(): Promise<void> {
  await withServer(async (bench) => {
    await trust(bench);
    const { settings, world } = bench;
    const points = pointsOf('Setpoint', 'Fixed');
    const chosen = settings();
    const link = await driver.open(chosen, points, world);
    const made = async (point: (typeof points)[number], value: number | boolean | string) => {
      const results: unknown[] = [];
      for (const request of driver.write?.(point as never, value, chosen) ?? []) {
        const decoded = driver.decode(await link.exchange?.(request, AbortSignal.timeout(3000)), request);
        results.push(decoded.ok ? decoded.values?.[0]?.value ?? 'written' : decoded.fault.params.status);
      }
      return results;
    };
    const [setpoint, fixed] = points as [(typeof points)[number], (typeof points)[number]];
    assert.deepEqual(await made(setpoint, 21.75), ['written', 21.75]);
    assert.deepEqual(await made(setpoint, 'warm'), ['BadTypeMismatch', 21.75]);
    assert.deepEqual(await made(fixed, 2), ['BadNotWritable', 1.25]);
    await link.close();
    // The same as a command of a centre does it, beside the subscription.
    const host = read([{ setup: deviceOf(settings(), 'Setpoint', 'Fixed'), driver }], world);
    let came = () => {};
    const first = new Promise<void>((resolve) => { came = resolve; });
    await host.open?.(() => came());
    await first;
    const set = (point: string, value: number) => host.write('plc', point, value, async () => {}, AbortSignal.timeout(5000));
    assert.deepEqual(await set('Setpoint', 18.5), { outcome: 'done', readBack: 18.5 });
    assert.equal((await set('Fixed', 3)).outcome, 'failed');
    await host.close?.();
  });
}

async function tenThousandPoints(): Promise<void> {
  await withServer(async (bench) => {
    await trust(bench);
    const { settings, world } = bench;
    const names = Array.from({ length: 10_000 }, (_, index) => `Many.${index}`);
    const values = await firstValues(settings({ sampleEvery: '1s' }), pointsOf(...names), world);
    assert.equal(values.size, 10_000);
    for (const [index, name] of names.entries()) assert.equal(values.get(name), index);
    const found = await driver.discover?.(settings(), world, new AbortController().signal) ?? [];
    assert.equal(found.length, 5000);
    assert.ok(
      found.some(
        ({ name, value, type, point }) => name === 'Setpoint' && value === 20.5 && type === 'Double' && point.node === `${NSU}s=Setpoint`,
      ),
      JSON.stringify(found.slice(0, 3)),
    );
  });
}

interface Run {
  samples: Sample[];
  gaps: NonNullable<Event['gap']>[];
}

const deviceOf = (settings: unknown, ...names: string[]): DeviceSetup => ({
  id: 'plc',
  driver: 'opcua',
  subject: 'plc',
  settings,
  everyMs: 1000,
  timeoutMs: 2000,
  points: pointsOf(...names).map((own) => ({
    id: own.id,
    indicator: 'X-1',
    unit: '1',
    scale: 1,
    offset: 0,
    faultCodes: [],
    limits: [],
    kind: 'measurement',
    own,
  })),
});

/** The edge's own host over a line that is cut and restored; the server counts on meanwhile. */
async function cutLine(cuts: number, queueSize: number, awayMs: number): Promise<Run & { first: number; last: number }> {
  const run: Run & { first: number; last: number } = { samples: [], gaps: [], first: 0, last: 0 };
  await withServer(async (bench) => {
    await trust(bench);
    const { server, world } = bench;
    const relay = await startRelay(() => server.port);
    const settings = bench.settings({ endpoint: `opc.tcp://127.0.0.1:${relay.port}`, queueSize });
    const setup = deviceOf(settings, 'Counter');
    let wake = () => {};
    const station = qualify({ centre: '500112001', devices: [setup] }, { polled: () => false }, world);
    const host = read([{ setup, driver }], world);
    await host.open?.((items) => {
      for (const item of items) {
        if (isPicture(item)) continue;
        if (item.value !== null && item.clock === 'device') run.samples.push(item);
        station.take?.([item], (drafts) => { for (const { gap } of drafts) if (gap) run.gaps.push(gap); });
      }
      wake();
    });
    const until = async (condition: () => boolean) => { while (!condition()) await new Promise<void>((resolve) => { wake = resolve; }); };
    const newest = () => Number(run.samples.at(-1)?.value ?? 0);
    await until(() => run.samples.length > 10);
    for (let cut = 0; cut < cuts; cut += 1) {
      relay.setCut(true);
      await new Promise((resolve) => { setTimeout(resolve, awayMs); });
      relay.setCut(false);
      const from = newest();
      await until(() => newest() > from + 10);
    }
    run.last = Number(/^AT (\d+)$/.exec(await server.ask('pause'))?.[1]);
    await until(() => newest() >= run.last);
    run.first = Number(run.samples[0]?.value);
    await host.close?.();
    await relay.close();
  });
  return run;
}

const TIMES = 10;

async function nothingLostThatTheQueueHeld(): Promise<void> {
  const { samples, gaps, first, last } = await cutLine(TIMES, 1000, 700);
  const counts = samples.map(({ value }) => Number(value));
  const missing = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((count) => !new Set(counts).has(count));
  process.stdout.write(
    `  cut ${TIMES} times, queue 1,000: ${last - first + 1} values counted, ${missing.length} missing, ${counts.length - new Set(counts).size} twice, ${gaps.length} gap records\n`,
  );
  assert.deepEqual(missing, []);
  assert.deepEqual(gaps, []);
  assert.deepEqual(counts, counts.toSorted((a, b) => a - b), 'in order');
}

async function whatIsLostIsNamed(): Promise<void> {
  const { samples, gaps, first, last } = await cutLine(3, 5, 2000);
  const at = new Map(samples.map(({ value, at }) => [Number(value), at]));
  const missing = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((count) => !at.has(count));
  const isNamed = (count: number) => {
    const before = Math.max(...[...at.keys()].filter((one) => one < count));
    const after = Math.min(...[...at.keys()].filter((one) => one > count));
    return gaps.some(({ fromAt, toAt }) => fromAt <= (at.get(before) as number) && toAt >= (at.get(after) as number));
  };
  const named = missing.filter(isNamed).length;
  process.stdout.write(
    `  cut 3 times, queue 5: ${last - first + 1} values counted, ${missing.length} missing, ${named} of these inside ${gaps.length} gap records, which reckon with ${gaps.reduce((sum, { count }) => sum + count, 0)}\n`,
  );
  assert.ok(missing.length > 0, 'the small queue ran over');
  assert.equal(named, missing.length);
}

/** The session is closed at the server, its subscription stays: a new session takes it over. */
async function transferred(): Promise<void> {
  await withServer(async (bench) => {
    await trust(bench);
    const { world } = bench;
    const settings = bench.settings() as OpcuaSettings;
    const counts: number[] = [];
    const listen = async (enough: () => boolean) => {
      const link = await driver.open(settings, pointsOf('Counter'), world);
      try {
        for await (const frame of linkFrames(link, new AbortController().signal)) {
          const decoded = driver.decode(frame);
          if (decoded.ok) counts.push(...(decoded.values ?? []).map(({ value }) => Number(value)));
          assert.ok(decoded.ok && !decoded.missed);
          if (enough()) break;
        }
      } catch (error) {
        assert.equal((error as FaultError).fault.code, 'CV_LINK_CLOSED');
      }
      await link.close();
    };
    await listen(() => {
      if (counts.length === 10) void resumeStateOf(settings).session?.close(false);
      return false;
    });
    const { session, subscription } = resumeStateOf(settings);
    const id = subscription?.id;
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    await listen(() => {
      assert.notEqual(resumeStateOf(settings).session, session);
      assert.equal(resumeStateOf(settings).subscription?.id, id);
      return counts.length > 40;
    });
    assert.deepEqual(counts, Array.from({ length: counts.length }, (_, index) => (counts[0] as number) + index));
  });
}

const ROUGH_CUTS = 60;

/** Cut at any moment, also while a link is being opened; links follow each other as fast as they can. */
async function cutAtAnyMoment(): Promise<void> {
  await withServer(async (bench) => {
    await trust(bench);
    const relay = await startRelay(() => bench.server.port);
    const settings = bench.settings({ endpoint: `opc.tcp://127.0.0.1:${relay.port}`, queueSize: 5000 });
    const random = seededRandom(7);
    const counts: number[] = [];
    let gaps = 0;
    let opened = 0;
    let failed = 0;
    let isOver = false;
    const cutting = (async () => {
      for (let cut = 0; cut < ROUGH_CUTS; cut += 1) {
        await new Promise((resolve) => { setTimeout(resolve, random.next() * 300); });
        relay.setCut(true);
        await new Promise((resolve) => { setTimeout(resolve, random.next() * 100); });
        relay.setCut(false);
      }
      isOver = true;
    })();
    for (let enough = false; !enough;) {
      try {
        const link = await driver.open(settings, pointsOf('Counter'), bench.world, AbortSignal.timeout(5000));
        opened += 1;
        try {
          for await (const frame of linkFrames(link, new AbortController().signal)) {
            const decoded = driver.decode(frame);
            if (!decoded.ok) continue;
            gaps += decoded.missed?.length ?? 0;
            counts.push(...(decoded.values ?? []).filter(({ deviceAt }) => deviceAt !== undefined).map(({ value }) => Number(value)));
            enough = isOver && counts.length > 50 && (decoded.values ?? []).length > 0;
            if (enough) break;
          }
        } finally {
          await link.close();
        }
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        failed += 1;
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
    }
    await cutting;
    await relay.close();
    const missing = Array.from(
      { length: (counts.at(-1) as number) - (counts[0] as number) + 1 },
      (_, index) => (counts[0] as number) + index,
    ).filter((count) => !counts.includes(count));
    process.stdout.write(
      `  cut ${ROUGH_CUTS} times at any moment: ${opened} links opened, ${failed} broken or refused, ${counts.length} values, ${missing.length} missing, ${counts.length - new Set(counts).size} twice, ${gaps} gaps\n`,
    );
    // On a busy machine the server may end a session before its subscription is taken over: then it is said what is gone.
    const runs = missing.filter((count, index) => missing[index - 1] !== count - 1).length;
    assert.ok(runs <= gaps, `${missing.length} missing in ${runs} places, ${gaps} gaps`);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
  });
}

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'opcua: open62541, trust, every policy, users', run: trustAndLogin },
  { name: 'opcua: open62541, every kind of value, subscribed and polled', run: everyKindOfValue },
  { name: 'opcua: open62541, writing and reading back', run: writes },
  { name: 'opcua: open62541, 10,000 points at 1,000 a call, discovery', run: tenThousandPoints },
  { name: 'opcua: open62541, a lost session, its subscription transferred', run: transferred },
  { name: `opcua: open62541, cut ${TIMES} times, nothing lost that its queue held`, run: nothingLostThatTheQueueHeld },
  { name: 'opcua: open62541, cut at any moment, also while opening', run: cutAtAnyMoment },
  { name: 'opcua: open62541, a queue too small, what is lost is named', run: whatIsLostIsNamed },
];
