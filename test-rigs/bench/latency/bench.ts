/** `latency`: from a sample at an edge to the store and to a warning on MQTT, while the gateway takes half of what it can. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import { startChild } from '../../processes/child.ts';
import type { BenchGateway } from '../gateway.ts';
import { singleRate } from '../ingest/bench.ts';
import { IngestLoad } from '../ingest/load.ts';
import { startOurs } from '../ingest/ours.ts';
import { INGEST_CENTRE } from '../ingest/series.ts';
import { installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { benchPauseMs, printBench, withRig, type Rig } from '../rig.ts';
import { Floor } from './floor.ts';

export const LATENCY_NOTES = [
  'A sample of a device at an edge goes all the way: edge log on disk, MQTT, gateway log on disk, then store and rules. Each probe is a new device and raises one warning; those of the first four seconds, while edge, rules and load get warm, do not count. Meanwhile 35 other senders give the gateway single events at half the rate that it took in a closed loop just before.',
  'stored: until a query over HTTP shows it, asked again and again; warning: until a subscriber has the retained warning. Every other probe measures the one, every other the other, since the asking itself takes time of the gateway. floor: a bare QoS 1 round trip through a mosquitto of its own and two appends of 4 KB with fdatasync on the same disk, measured before every probe under the same load.',
  "Stages of a warning, each from the end of the one before: edge: spoken, qualified, on the edge's disk; uplink: MQTT, until the gateway's intake has it (whole ms); gateway: its log on disk, rules, their commit, the warning at its subscriber. idle: the same with nothing else to do, before the load begins: what is more under load is the wait for a turn of the gateway's one thread, at every step of the way.",
];

const INDICATOR = 'BN-PRB-001';
const EDGE = 'probe';
const MOST_PROBES = 500;
/** About one after the other: with fewer, the slowest hundredth would be a single one. */
const PROBES_A_SECOND = 20;
/** Compilers and caches of edge and rules get warm by probes that do not count. */
const WARM_PROBES = 80;
const IDLE_PROBES = 100;
const PAGE = 2000;
const MOST_SECONDS = 30;
const WARM_SECONDS = 4;
const PATIENCE_MS = 15_000;

export async function benchLatency(options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-ingest');
  const perSecond = (await singleRate(options.seconds)) / 2;
  const probes = Math.min(MOST_PROBES, Math.ceil(options.seconds * PROBES_A_SECOND));
  const { idle, loaded } = await withRig((rig) => probeAll(rig, perSecond, Math.min(options.seconds, MOST_SECONDS), probes));
  printBench(`${loaded.floor.length} probes at ${Math.round(perSecond)} events/s, ${idle.floor.length} without load`);
  const floor = percentiles(loaded.floor);
  return [
    ...medians('latency-idle', idle),
    ...medians('latency', loaded),
    ...(['stored', 'warning'] as const).flatMap((what) => {
      const found = percentiles(loaded[what]);
      return [
        result(`latency-${what}`, found.p99, 'ms (p99)', { floor: floor.p99 }),
        result(`latency-${what}-p50`, found.p50, 'ms', { floor: floor.p50 }),
        result(`latency-${what}-max`, found.max, 'ms', { floor: floor.max }),
      ];
    }),
  ];
}

/** Where the time of a warning goes, in order; each from the end of the one before. */
const STAGES = ['edge', 'uplink', 'gateway'] as const;

interface Times {
  floor: number[];
  stored: number[];
  warning: number[];
  /** Spoken → on the edge's disk. */
  edge: number[];
  /** → read by the gateway's intake. */
  uplink: number[];
  /** → the warning is at its subscriber. */
  gateway: number[];
}

/** One probe, in ms; `device` by which its time of receipt is looked up afterwards. */
interface Probe {
  device: string;
  floor: number;
  stored: number | null;
  warning: number;
  edge: number;
  /** When it was on the edge's disk, ms UTC. */
  keptAt: number;
}

function medians(name: string, times: Times): BenchResult[] {
  const floor = percentiles(times.floor).p50;
  const rows = STAGES.map((stage) => result(`${name}-stage-${stage}-p50`, percentiles(times[stage]).p50, 'ms', { floor }));
  return name === 'latency' ? rows : [...rows, result(`${name}-warning-p50`, percentiles(times.warning).p50, 'ms', { floor })];
}

function timesOf(probes: readonly Probe[], received: ReadonlyMap<string, number>): Times {
  // Asking the store again and again takes time of the gateway: such probes measure nothing else.
  const warned = probes.filter(({ stored }) => stored === null);
  const uplink = (probe: Probe) => (received.get(probe.device) ?? NaN) - probe.keptAt;
  return {
    floor: probes.map(({ floor }) => floor),
    stored: probes.flatMap(({ stored }) => stored ?? []),
    warning: warned.map(({ warning }) => warning),
    edge: warned.map(({ edge }) => edge),
    uplink: warned.map(uplink),
    gateway: warned.map((probe) => probe.warning - probe.edge - uplink(probe)),
  };
}

async function probeAll(rig: Rig, perSecond: number, seconds: number, probes: number): Promise<{ idle: Times; loaded: Times }> {
  const { gateway, running } = await startOurs(rig, 'embedded', { edges: [EDGE], rules: [join(import.meta.dirname, 'rule.yaml')] });
  const floor = await Floor.open(rig);
  const edge = await startEdge(rig, gateway, 2 * WARM_PROBES + IDLE_PROBES + probes);
  const warnings = await listen(rig, gateway);
  let next = 0;
  const one = (): Promise<Probe> => probe({ gateway, floor, edge, warnings }, next++);
  async function several(most: number, untilMs: number): Promise<Probe[]> {
    const done: Probe[] = [];
    while (done.length < most && performance.now() < untilMs) done.push(await one());
    return done;
  }
  await several(WARM_PROBES, Infinity);
  const idle = await several(IDLE_PROBES, Infinity);
  const load = await IngestLoad.open(running, 'single');
  rig.undo(() => load.close());
  const holding = load.hold(seconds, perSecond);
  const warmUntilMs = performance.now() + WARM_SECONDS * 1000;
  await several(WARM_PROBES, warmUntilMs);
  await benchPauseMs(Math.max(0, warmUntilMs - performance.now()));
  const loaded = await several(probes, performance.now() + seconds * 1000);
  await holding;
  const received = await receivedAt(gateway);
  return { idle: timesOf(idle, received), loaded: timesOf(loaded, received) };
}

interface Way {
  gateway: BenchGateway;
  floor: Floor;
  edge: ProbeEdge;
  warnings: { of(device: number): Promise<bigint> };
}

async function probe({ gateway, floor, edge, warnings }: Way, device: number): Promise<Probe> {
  const floorMs = await floor.measure();
  const [spoke, kept, warned] = [edge.next('spoke'), edge.next('kept'), warnings.of(device)];
  edge.speak(device);
  const { atNs } = await spoke;
  const storedNs = device % 2 === 0 ? await stored(gateway, device) : null;
  const [warnedNs, onDisk] = await Promise.all([
    within(warned, `the warning of probe ${device}`),
    within(kept, `the edge's word of probe ${device}`),
  ]);
  const ms = (to: bigint) => Number(to - atNs) / 1e6;
  return {
    device: `probe-${device}`,
    floor: floorMs,
    stored: storedNs === null ? null : ms(storedNs),
    warning: ms(warnedNs),
    edge: ms(onDisk.atNs),
    keptAt: onDisk.at,
  };
}

/** When the gateway's intake had the event of each probe, ms UTC. */
async function receivedAt(gateway: BenchGateway): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let after = ''; ;) {
    const answer = await fetch(`${gateway.httpUrl}/api/v1/events?limit=${PAGE}${after}`);
    const { items, next } = (await answer.json()) as {
      items: { edge: string; device: string; kind: string; receivedAt: number }[];
      next: string;
    };
    if (items.length === 0) return found;
    for (const item of items) if (item.edge === EDGE && item.kind === 'state') found.set(item.device, item.receivedAt);
    after = `&after=${next}`;
  }
}

interface ProbeEdge {
  speak(device: number): void;
  /** Its next word of this kind: probes come one after the other, and each is its only event. */
  next(kind: string): Promise<{ atNs: bigint; at: number }>;
}

async function startEdge(rig: Rig, gateway: BenchGateway, probes: number): Promise<ProbeEdge> {
  const dir = join(rig.dir, 'probe');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'edge.yaml');
  writeFileSync(
    path,
    stringify({
      edge: EDGE,
      centre: INGEST_CENTRE,
      gateway: { url: `mqtt://127.0.0.1:${gateway.brokerPort}`, token: gateway.token },
      log: { dir: './log' },
      devices: Array.from({ length: probes }, (_, device) => ({
        // A state: like a warning it goes at once, while measurements are gathered for a quarter of a second.
        id: `probe-${device}`,
        driver: 'probe',
        every: '1h',
        settings: { device },
        points: [{ id: 'v', indicator: INDICATOR, kind: 'state' }],
      })),
    }),
  );
  const edge = await startChild({
    name: 'edge',
    module: join(import.meta.dirname, 'probe-main.ts'),
    args: [path],
    logFile: join(dir, 'edge.log'),
  });
  rig.undo(() => edge.stop());
  const waiting = new Map<string, (word: { atNs: bigint; at: number }) => void>();
  edge.onMessage(({ kind, atNs, at }) => waiting.get(kind)?.({ atNs: BigInt(String(atNs)), at: Number(at) }));
  return {
    speak: (device) => { edge.send({ kind: 'speak', device }); },
    next: (kind) => new Promise((resolve) => { waiting.set(kind, resolve); }),
  };
}

async function listen(rig: Rig, gateway: BenchGateway): Promise<{ of(device: number): Promise<bigint> }> {
  const waiting = new Map<string, (atNs: bigint) => void>();
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, {
    username: 'bench',
    password: gateway.token,
    clientId: 'listener',
    protocolVersion: 4,
  });
  rig.undo(() => client.endAsync(true));
  client.on('message', (_topic, payload) => {
    const atNs = process.hrtime.bigint();
    const subject = /"subject":"(probe-\d+)"/.exec(payload.toString())?.[1] ?? '';
    waiting.get(subject)?.(atNs);
    waiting.delete(subject);
  });
  await client.subscribeAsync(`cv/v1/out/${INGEST_CENTRE}/warnings/+`, { qos: 1 });
  return { of: (device) => new Promise((resolve) => { waiting.set(`probe-${device}`, resolve); }) };
}

/** When a query shows it first. */
async function stored(gateway: BenchGateway, device: number): Promise<bigint> {
  for (const untilMs = performance.now() + PATIENCE_MS; performance.now() < untilMs; await benchPauseMs(1)) {
    const answer = await fetch(`${gateway.httpUrl}/api/v1/series?device=probe-${device}&indicator=${INDICATOR}&point=v`);
    const { items } = (await answer.json()) as { items: unknown[] };
    if (items.length > 0) return process.hrtime.bigint();
  }
  throw new Error(`probe ${device} was not stored within ${PATIENCE_MS} ms`);
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function percentiles(times: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
