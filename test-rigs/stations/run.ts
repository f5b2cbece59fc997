/** One run of the stations rig: start, upload and break, kill the edge once, wait until nothing is owed, compare. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Event } from '../../core/event.ts';
import { seededRandom } from '../../core/world.ts';
import { dialLogger, stamp, type Logger } from '../../drivers/hj212/testing/logger.ts';
import { startChild, type Child } from '../processes/child.ts';
import { freePort } from '../processes/ports.ts';

export interface StationsOptions {
  stations: number;
  seconds: number;
  seed: number;
  dir: string;
}

export interface StationsResult {
  stations: number;
  uploaded: number;
  /** Uploads that the loggers were told to forget. */
  answered: number;
  /** Of those, not at the gateway. */
  lost: number;
  /** Values at the gateway more than once: sent again after a crash, between disk and answer. */
  repeated: number;
  drops: number;
  /** Resident memory of the edge: at the start, before it was killed, at the end. */
  rssMb: number[];
}

const EDGE = 'stations-edge';
/** Each station uploads once in so long. */
const UPLOAD_MS = 2000;
const OVER_TIME_MS = 3000;
const DROP_EVERY_MS = 50;
const DRAIN_MS = 60_000;

export async function runStations({ stations, seconds, seed, dir }: StationsOptions): Promise<StationsResult> {
  const random = seededRandom(seed);
  const port = await freePort();
  const ours = await start(dir, stations, port);
  let { edge } = ours;
  /** Value of an upload by station and QN: a number of its own. */
  const valueOf = new Map<string, number>();
  const loggers: Logger[] = [];
  try {
    const rssMb = [rssMbOf(edge.pid)];
    for (let at = 0; at < stations; at += 1) loggers.push(dialLogger(port, { mn: mnOf(at), overTimeMs: OVER_TIME_MS, resends: 1000 }));
    let count = 0;
    let drops = 0;
    const begunMs = Date.now();
    const upload = (at: number) => {
      const logger = loggers[at] as Logger;
      count += 1;
      // Stored by the logger and sent when it can be: that is what its resending is for.
      const qn = stamp(begunMs + count);
      valueOf.set(`${at} ${qn}`, count);
      logger.upload('2011', `DataTime=${stamp(Date.now()).slice(0, 14)};a34004-Rtd=${count},a34004-Flag=N`, { qn });
    };
    const timers = [
      setInterval(() => { for (let turn = 0; turn < stations / (UPLOAD_MS / 20); turn += 1) upload(Math.floor(random.next() * stations)); }, 20),
      setInterval(() => {
        drops += 1;
        loggers[Math.floor(random.next() * stations)]?.drop();
      }, DROP_EVERY_MS),
    ];
    await pauseMs((seconds * 1000) / 2);
    rssMb.push(rssMbOf(edge.pid));
    await edge.kill();
    edge = await startEdge(dir);
    await pauseMs((seconds * 1000) / 2);
    for (const timer of timers) clearInterval(timer);
    const answeredOf = () => loggers.reduce((sum, logger) => sum + logger.answered.size, 0);
    for (const untilMs = Date.now() + DRAIN_MS; answeredOf() < count && Date.now() < untilMs;) await pauseMs(200);
    rssMb.push(rssMbOf(edge.pid));
    const answered = loggers.flatMap((logger, at) => [...logger.answered].flatMap((qn) => valueOf.get(`${at} ${qn}`) ?? []));
    const stored = await storedAtLeast(String(ours.gateway.ready.httpUrl), new Set(answered));
    return {
      stations, uploaded: count, answered: answered.length, lost: answered.filter((value) => !stored.has(value)).length,
      repeated: [...stored.values()].filter((times) => times > 1).length, drops, rssMb,
    };
  } finally {
    await Promise.all(loggers.map((logger) => logger.stop()));
    await edge.stop();
    await ours.gateway.stop();
  }
}

const mnOf = (at: number) => `50011200100000000000${String(at).padStart(4, '0')}`;

async function start(dir: string, stations: number, port: number): Promise<{ edge: Child; gateway: Child }> {
  const token = randomBytes(8).toString('hex');
  const brokerPort = await freePort();
  writeFileSync(join(dir, 'gateway.yaml'), stringify({
    gateway: 'stations-gateway', centre: '500112001', broker: { embedded: { host: '127.0.0.1', port: brokerPort, edges: [{ id: EDGE, token }] } },
    log: { dir: './gateway-log' }, store: { dir: './gateway-store' }, http: { host: '127.0.0.1', port: await freePort() },
  }));
  writeFileSync(join(dir, 'edge.yaml'), stringify({
    edge: EDGE, centre: '500112001', gateway: { url: `mqtt://127.0.0.1:${brokerPort}`, token }, log: { dir: './edge-log' }, http: { host: '127.0.0.1', port: 0 },
    devices: Array.from({ length: stations }, (_, at) => ({
      id: `station-${at}`, driver: 'hj212', every: '10s', settings: { listen: `127.0.0.1:${port}`, mn: mnOf(at) }, points: [{ id: 'pm25', factor: 'a34004' }],
    })),
  }));
  const gateway = await startChild({ name: 'gateway', module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'), args: [join(dir, 'gateway.yaml')], logFile: join(dir, 'gateway.log') });
  return { gateway, edge: await startEdge(dir) };
}

function startEdge(dir: string): Promise<Child> {
  return startChild({ name: 'edge', module: join(import.meta.dirname, '..', 'demo', 'edge-main.ts'), args: [join(dir, 'edge.yaml')], logFile: join(dir, 'edge.log') });
}

/** Values of the durable events with how often each stands there, once all that are `wanted` do, or after a while. */
async function storedAtLeast(gatewayUrl: string, wanted: ReadonlySet<number>): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  let cursor = '';
  for (const untilMs = Date.now() + DRAIN_MS; Date.now() < untilMs;) {
    const answer = await fetch(`${gatewayUrl}/api/v1/events?limit=1000${cursor && `&after=${cursor}`}`);
    const page = (await answer.json()) as { items: Event[]; next: string };
    for (const { point, value } of page.items) if (point === 'pm25' && typeof value === 'number') found.set(value, (found.get(value) ?? 0) + 1);
    cursor = page.next;
    if (page.items.length > 0) continue;
    if ([...wanted].every((value) => found.has(value))) break;
    await pauseMs(200);
  }
  return found;
}

function rssMbOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}

function pauseMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, delayMs); });
}
