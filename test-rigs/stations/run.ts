/** One run of the stations rig: stand as stations, break connections, kill the edge once, and compare what was answered with what is at the gateway. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Event } from '../../core/event.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { startCommand, type RunningCommand } from '../processes/command.ts';
import { freePort } from '../../core/free-port.ts';
import { startRelay } from '../processes/relay.ts';
import type { DeviceServerCounts } from '../replay/serve.ts';
import { answeredValues, isStored, reportKey, type AnsweredValue, type StoredRow } from './answered.ts';

export interface StationsOptions {
  stations: number;
  seconds: number;
  seed: number;
  /** Of each station's first connection, e.g. cut@30s. */
  fault: string;
  dir: string;
}

export interface StationsResult {
  stations: number;
  /** Stations of which at least one upload was answered. */
  answeredStations: number;
  /** Uploads that went out, and those that the stations were told to forget. */
  said: number;
  answered: number;
  /** Values of the answered ones, and how many of them are not at the gateway as they were sent. */
  values: number;
  lost: number;
  /** Values at the gateway more than once: sent again after a crash, between disk and answer. */
  repeated: number;
  /** Resident memory (MB) at the start, before the edge is killed, and at the end. */
  edgeMb: number[];
  standInsMb: number[];
}

const EDGE = 'stations-edge';
const CENTRE = '500112001';
const SUFFIX = extname(import.meta.url);
const CASE = join(import.meta.dirname, '..', '..', 'drivers', 'hj212', 'recorded', 'air-realtime-and-marks');
/** The network breaks for all at once, so often. */
const BREAK_EVERY_MS = 12_000;
const DRAIN_MS = 60_000;
const LOOK_MS = 200;

interface Recorded {
  settings: { mn: string };
  points: { id: string; factor: string; unit: string }[];
}

export async function runStations({ stations, seconds, seed, fault, dir }: StationsOptions): Promise<StationsResult> {
  const recorded = parse(readFileSync(join(CASE, 'case.yaml'), 'utf8')) as Recorded;
  const port = await freePort();
  const relay = await startRelay(() => port);
  const list = join(dir, 'answered.jsonl');
  const undo: (() => Promise<unknown>)[] = [() => relay.close()];
  try {
    const standIns = await startCommand(
      [
        'replay',
        CASE,
        '--serve',
        String(relay.port),
        '--times',
        String(stations),
        '--fault',
        fault,
        '--seed',
        String(seed),
        '--loop',
        '--acknowledged',
        list,
        '--json',
      ],
      join(dir, 'replay.log'),
    );
    undo.unshift(() => standIns.stop());
    const deviceOf = new Map((await identitiesOf(standIns, stations)).map((mn, index) => [mn, `station-${index}`]));
    const gateway = await startTown(dir, [...deviceOf], recorded, port);
    undo.unshift(() => gateway.stop());
    let edge = await startEdge(dir);
    undo.unshift(() => edge.stop());
    const [edgeMb, standInsMb] = [[rssMbOf(edge.pid)], [rssMbOf(standIns.pid)]];
    const breaking = setInterval(() => {
      relay.setCut(true);
      relay.setCut(false);
    }, BREAK_EVERY_MS);
    undo.unshift(async () => clearInterval(breaking));
    await pauseMs(seconds * 500);
    edgeMb.push(rssMbOf(edge.pid));
    await edge.kill();
    edge = await startEdge(dir);
    // Time enough for those that fell silent with the edge, too.
    const before = linesOf(list).length;
    await pauseMs(seconds * 500);
    for (const untilMs = Date.now() + DRAIN_MS; linesOf(list).length < before + stations && Date.now() < untilMs;) await pauseMs(LOOK_MS);
    edgeMb.push(rssMbOf(edge.pid));
    standInsMb.push(rssMbOf(standIns.pid));
    await standIns.stop();
    const { said } = JSON.parse(standIns.lines.at(-1) as string) as DeviceServerCounts;
    const answered = linesOf(list).map(answeredValues);
    const pointOf = new Map(recorded.points.map(({ id, factor }) => [factor, id]));
    const wanted = answered.flat().filter(({ factor }) => pointOf.has(factor));
    const keyOfValue = ({ mn, factor, at }: AnsweredValue) => reportKey(deviceOf.get(mn) ?? mn, pointOf.get(factor) as string, at);
    const stored = await storedAtLeast(String(gateway.ready.httpUrl), new Set(wanted.map(keyOfValue)));
    return {
      stations, answeredStations: new Set(wanted.map(({ mn }) => mn)).size, said, answered: answered.length, values: wanted.length,
      lost: wanted.filter((value) => !isStored(value, stored.get(keyOfValue(value)))).length,
      repeated: [...stored.values()].filter(({ times }) => times > 1).length, edgeMb, standInsMb,
    };
  } finally {
    for (const step of undo) await step();
  }
}

/** MNs of the stand-ins, as the command prints them: one device a line. */
async function identitiesOf({ lines }: RunningCommand, stations: number): Promise<string[]> {
  for (const untilMs = Date.now() + DRAIN_MS; lines.length < stations && Date.now() < untilMs;) await pauseMs(20);
  return lines.slice(0, stations).map((line) => (JSON.parse(line) as { identities: { MN: string } }).identities.MN);
}

async function startTown(
  dir: string,
  stations: readonly [mn: string, device: string][],
  { points }: Recorded,
  port: number,
): Promise<ChildProcessHandle> {
  const token = randomBytes(8).toString('hex');
  const brokerPort = await freePort();
  writeFileSync(
    join(dir, 'gateway.yaml'),
    stringify({
      gateway: 'stations-gateway',
      centre: CENTRE,
      broker: { embedded: { host: '127.0.0.1', port: brokerPort, edges: [{ id: EDGE, token }] } },
      log: { dir: './gateway-log' },
      store: { dir: './gateway-store' },
      http: { host: '127.0.0.1', port: await freePort() },
    }),
  );
  writeFileSync(
    join(dir, 'edge.yaml'),
    stringify({
      edge: EDGE,
      centre: CENTRE,
      gateway: { url: `mqtt://127.0.0.1:${brokerPort}`, token },
      log: { dir: './edge-log' },
      http: { host: '127.0.0.1', port: 0 },
      devices: stations.map(([mn, id]) => ({
        id,
        driver: 'hj212',
        every: '30s',
        settings: { listen: `127.0.0.1:${port}`, mn },
        points: points.map((point) => ({ ...point, indicator: `station.${point.id}` })),
      })),
    }),
  );
  return startChild({
    name: 'gateway',
    module: join(import.meta.dirname, '..', 'processes', `gateway-main${SUFFIX}`),
    args: [join(dir, 'gateway.yaml')],
    logFile: join(dir, 'gateway.log'),
  });
}

function startEdge(dir: string): Promise<ChildProcessHandle> {
  return startChild({
    name: 'edge',
    module: join(import.meta.dirname, '..', 'demo', `edge-main${SUFFIX}`),
    args: [join(dir, 'edge.yaml')],
    logFile: join(dir, 'edge.log'),
  });
}

/** Values of the durable events, once all that are `wanted` are among them, or after a while. */
async function storedAtLeast(gatewayUrl: string, wanted: ReadonlySet<string>): Promise<StoredRow> {
  const found: StoredRow = new Map();
  let cursor = '';
  for (const untilMs = Date.now() + DRAIN_MS; Date.now() < untilMs;) {
    const answer = await fetch(`${gatewayUrl}/api/v1/events?limit=1000${cursor && `&after=${cursor}`}`);
    const page = (await answer.json()) as { items: Event[]; next: string };
    for (const { device, point, occurredAt, value } of page.items) {
      const key = reportKey(device, point, occurredAt);
      found.set(key, { value, times: (found.get(key)?.times ?? 0) + 1 });
    }
    cursor = page.next;
    if (page.items.length > 0) continue;
    if ([...wanted].every((key) => found.has(key))) break;
    await pauseMs(LOOK_MS);
  }
  return found;
}

const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').filter(Boolean);

function rssMbOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}

function pauseMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, delayMs); });
}
