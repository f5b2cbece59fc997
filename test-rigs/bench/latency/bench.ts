/** `latency`: from a sample at an edge to the store and to a warning on MQTT, while the gateway takes half of what it can. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import { startChild, type Child } from '../../processes/child.ts';
import type { BenchGateway } from '../gateway.ts';
import { singleRate } from '../ingest/bench.ts';
import { Load } from '../ingest/load.ts';
import { startOurs } from '../ingest/ours.ts';
import { CENTRE } from '../ingest/series.ts';
import { installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { pauseMs, say, withRig, type Rig } from '../rig.ts';
import { Floor } from './floor.ts';

export const LATENCY_NOTES = [
  'A sample of a device at an edge goes all the way: edge log on disk, MQTT, gateway log on disk, then store and rules. Each probe is a new device and raises one warning; those of the first four seconds, while edge, rules and load get warm, do not count. Meanwhile 35 other senders give the gateway single events at half the rate that it took in a closed loop just before.',
  'stored: until a query over HTTP shows it, asked again and again; warning: until a subscriber has the retained warning. Every other probe measures the one, every other the other, since the asking itself takes time of the gateway. floor: a bare QoS 1 round trip through a mosquitto of its own and two appends of 4 KB with fdatasync on the same disk, measured before every probe under the same load.',
  'Stages of a warning, each from the end of the one before: edge: spoken, qualified, on the edge\'s disk; gateway: MQTT there, the gateway\'s log on disk, the acknowledgement back at the edge; rules: rules, their commit, the warning at its subscriber. The last is below 0 where the warning is there before the acknowledgement.',
];

const INDICATOR = 'BN-PRB-001';
const EDGE = 'probe';
const MOST_PROBES = 500;
/** About one after the other: with fewer, the slowest hundredth would be a single one. */
const PROBES_A_SECOND = 20;
/** Compilers and caches of edge and rules get warm by probes that do not count. */
const WARM_PROBES = 80;
const MOST_SECONDS = 30;
const WARM_SECONDS = 4;
const PATIENCE_MS = 15_000;

export async function benchLatency(options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-ingest');
  const perSecond = (await singleRate(options.seconds)) / 2;
  const probes = Math.min(MOST_PROBES, Math.ceil(options.seconds * PROBES_A_SECOND));
  const times = await withRig((rig) => probeAll(rig, perSecond, Math.min(options.seconds, MOST_SECONDS), probes));
  const floor = percentiles(times.floor);
  say(`${times.floor.length} probes at ${Math.round(perSecond)} events/s`);
  const stages = STAGES.map((stage) => result(`latency-stage-${stage}-p50`, percentiles(times[stage]).p50, 'ms', { floor: floor.p50 }));
  return [...stages, ...(['stored', 'warning'] as const).flatMap((what) => {
    const found = percentiles(times[what]);
    return [
      result(`latency-${what}`, found.p99, 'ms (p99)', { floor: floor.p99 }),
      result(`latency-${what}-p50`, found.p50, 'ms', { floor: floor.p50 }),
      result(`latency-${what}-max`, found.max, 'ms', { floor: floor.max }),
    ];
  })];
}

/** Where the time of a warning goes, in order; each from the end of the one before. */
const STAGES = ['edge', 'gateway', 'rules'] as const;

interface Times {
  floor: number[];
  stored: number[];
  warning: number[];
  /** Spoken → on the edge's disk. */
  edge: number[];
  /** → the gateway's acknowledgement is at the edge: MQTT there, the gateway's log on disk, MQTT back. */
  gateway: number[];
  /** → the warning is at its subscriber: rules, their commit, MQTT. */
  rules: number[];
}

async function probeAll(rig: Rig, perSecond: number, seconds: number, probes: number): Promise<Times> {
  const { gateway, running } = await startOurs(rig, 'embedded', { edges: [EDGE], rules: [join(import.meta.dirname, 'rule.yaml')] });
  const floor = await Floor.open(rig);
  const edge = await startEdge(rig, gateway, WARM_PROBES + probes);
  const warnings = await listen(rig, gateway);
  const reached: Partial<Record<'kept' | 'settled', bigint>> = {};
  // Probes come one after the other, and each is the only event of this edge: the first that is told is its own.
  edge.onMessage(({ kind, atNs }) => { if (kind === 'kept' || kind === 'settled') reached[kind] ??= BigInt(String(atNs)); });
  const load = await Load.open(running, 'single');
  rig.undo(() => load.close());
  const probe = async (device: number): Promise<Partial<Record<keyof Times, number>>> => {
    const floorMs = await floor.measure();
    const spoke = new Promise<bigint>((resolve) => { edge.onMessage((message) => { if (message.kind === 'spoke' && message.device === device) resolve(BigInt(String(message.atNs))); }); });
    const warned = warnings.of(device);
    delete reached.kept;
    delete reached.settled;
    edge.send({ kind: 'speak', device });
    const atNs = await spoke;
    // Asking the store again and again costs the gateway time that no warning should be charged with.
    const storedNs = device % 2 === 0 ? await stored(gateway, device) : null;
    const warnedNs = await within(warned, `the warning of probe ${device}`);
    for (const untilMs = performance.now() + PATIENCE_MS; !(reached.settled && reached.kept) && performance.now() < untilMs;) await pauseMs(1);
    const { kept, settled: settledNs } = reached;
    if (kept === undefined || settledNs === undefined) throw new Error(`probe ${device} was not acknowledged within ${PATIENCE_MS} ms`);
    const ms = (from: bigint, to: bigint) => Number(to - from) / 1e6;
    if (storedNs !== null) return { floor: floorMs, stored: ms(atNs, storedNs) };
    return { floor: floorMs, warning: ms(atNs, warnedNs), edge: ms(atNs, kept), gateway: ms(kept, settledNs), rules: ms(settledNs, warnedNs) };
  };
  const times: Times = { floor: [], stored: [], warning: [], edge: [], gateway: [], rules: [] };
  const holding = load.hold(seconds, perSecond);
  const warmUntilMs = performance.now() + WARM_SECONDS * 1000;
  let device = 0;
  for (; device < WARM_PROBES && performance.now() < warmUntilMs; device += 1) await probe(device);
  await pauseMs(Math.max(0, warmUntilMs - performance.now()));
  const untilMs = performance.now() + seconds * 1000;
  for (const last = device + probes; device < last && performance.now() < untilMs; device += 1) {
    for (const [what, ms] of Object.entries(await probe(device))) times[what as keyof Times].push(ms);
  }
  await holding;
  return times;
}

async function startEdge(rig: Rig, gateway: BenchGateway, probes: number): Promise<Child> {
  const dir = join(rig.dir, 'probe');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'edge.yaml');
  writeFileSync(path, stringify({
    edge: EDGE, centre: CENTRE, gateway: { url: `mqtt://127.0.0.1:${gateway.brokerPort}`, token: gateway.token }, log: { dir: './log' },
    devices: Array.from({ length: probes }, (_, device) => ({
      // A state: like a warning it goes at once, while measurements are gathered for a quarter of a second.
      id: `probe-${device}`, driver: 'probe', every: '1h', settings: { device }, points: [{ id: 'v', indicator: INDICATOR, kind: 'state' }],
    })),
  }));
  const edge = await startChild({ name: 'edge', module: join(import.meta.dirname, 'probe-main.ts'), args: [path], logFile: join(dir, 'edge.log') });
  rig.undo(() => edge.stop());
  return edge;
}

async function listen(rig: Rig, gateway: BenchGateway): Promise<{ of(device: number): Promise<bigint> }> {
  const waiting = new Map<string, (atNs: bigint) => void>();
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, { username: 'bench', password: gateway.token, clientId: 'listener', protocolVersion: 4 });
  rig.undo(() => client.endAsync(true));
  client.on('message', (_topic, payload) => {
    const atNs = process.hrtime.bigint();
    const subject = /"subject":"(probe-\d+)"/.exec(payload.toString())?.[1] ?? '';
    waiting.get(subject)?.(atNs);
    waiting.delete(subject);
  });
  await client.subscribeAsync(`cv/v1/out/${CENTRE}/warnings/+`, { qos: 1 });
  return { of: (device) => new Promise((resolve) => { waiting.set(`probe-${device}`, resolve); }) };
}

/** When a query shows it first. */
async function stored(gateway: BenchGateway, device: number): Promise<bigint> {
  for (const untilMs = performance.now() + PATIENCE_MS; performance.now() < untilMs; await pauseMs(1)) {
    const answer = await fetch(`${gateway.httpUrl}/api/v1/series?device=probe-${device}&indicator=${INDICATOR}&point=v`);
    const { items } = (await answer.json()) as { items: unknown[] };
    if (items.length > 0) return process.hrtime.bigint();
  }
  throw new Error(`probe ${device} was not stored within ${PATIENCE_MS} ms`);
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error(`${what} did not come within ${PATIENCE_MS} ms`)), PATIENCE_MS); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function percentiles(times: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
