/** One edge for some seconds before a gateway: what it writes and forces, what is late, what is lost. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { fsyncCounts, slowDisk } from '../../fsync-shim/shim.ts';
import { startChild, type ChildProcessHandle, type ChildMessage } from '../../processes/child.ts';
import { startBenchGateway } from '../gateway.ts';
import { benchPauseMs, type Rig } from '../rig.ts';
import type { EdgeReport } from './edge-main.ts';

export interface WearPlan {
  devices: number;
  points: number;
  /** How often a pump of each station starts or stops. */
  stateEveryMs: number;
  /** Each fsync takes so much longer. */
  delayMs: number;
  seconds: number;
}

export interface WearMeasurement {
  /** Events made durable in the measured time, and after it what was in hand. */
  events: number;
  elapsedSeconds: number;
  /** By the whole process; and these events' groups once more, since the write-ahead log is written back every few minutes. */
  bytesWritten: number;
  fsyncs: number;
  /** Values that the driver gave and the edge's log or the gateway's store does not have. */
  lost: number;
  report: EdgeReport;
}

const EDGE = 'wear';
const CENTRE = '500112001';
/** The first group of each stream makes a file, which takes eleven flushes. */
const WARM_MS = 4000;
const WARM_FLUSHES = 44;
const DRAIN_MS = 30_000;

export async function measureEdge(rig: Rig, plan: WearPlan): Promise<WearMeasurement> {
  const gateway = await startBenchGateway(rig, { broker: 'embedded', edges: [EDGE], centre: CENTRE });
  const dir = join(rig.dir, `edge-${gateway.brokerPort}`);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'edge.yaml');
  const count = join(dir, 'fsyncs');
  writeFileSync(
    path,
    stringify({
      edge: EDGE,
      centre: CENTRE,
      gateway: { url: `mqtt://127.0.0.1:${gateway.brokerPort}`, token: gateway.token },
      log: { dir: './log' },
      devices: Array.from({ length: plan.devices }, (_, device) => ({
        id: `station-${device}`,
        driver: 'walk',
        every: '1m',
        settings: { device },
        points: [
          ...Array.from({ length: plan.points }, (_level, at) => ({
            id: `level-${at}`,
            indicator: `BN-LVL-${String(at).padStart(3, '0')}`,
          })),
          { id: 'running', indicator: 'BN-RUN-001' },
        ],
      })),
    }),
  );
  const edge = await startChild({
    name: 'edge', module: join(import.meta.dirname, 'edge-main.ts'), args: [path, JSON.stringify(plan)], logFile: join(dir, 'edge.log'),
    env: await slowDisk({ count, ...(plan.delayMs > 0 ? { delayMs: plan.delayMs } : {}) }),
  });
  rig.undo(() => edge.stop());
  await benchPauseMs(WARM_MS + WARM_FLUSHES * plan.delayMs);
  const before = await asked(edge, 'measure', 'measuring');
  const fsyncsBefore = fsyncCounts(count).calls;
  const startedMs = performance.now();
  await benchPauseMs(plan.seconds * 1000);
  const fsyncs = fsyncCounts(count).calls - fsyncsBefore;
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const after = (await asked(edge, 'report', 'report')) as unknown as EdgeReport;
  edge.send({ kind: 'stop-walk' });
  const report = await settled(edge);
  const stored = await storedBy(gateway, report.given);
  await edge.stop(15_000);
  await gateway.program.stop();
  const events = report.given - Number(before.given);
  const writtenBack = groupBytesAnEvent(join(dir, 'log')) * events;
  return {
    events,
    elapsedSeconds,
    bytesWritten: after.bytes - Number(before.bytes) + writtenBack,
    fsyncs,
    lost: report.given - Math.min(report.kept, stored),
    report,
  };
}

/** Until the log has taken everything, or it takes too long. */
async function settled(edge: ChildProcessHandle): Promise<EdgeReport> {
  for (const untilMs = performance.now() + DRAIN_MS; ; await benchPauseMs(50)) {
    const report = (await asked(edge, 'report', 'report')) as unknown as EdgeReport;
    if (report.kept >= report.given || performance.now() > untilMs) return report;
  }
}

async function storedBy(gateway: Awaited<ReturnType<typeof startBenchGateway>>, wanted: number): Promise<number> {
  for (const untilMs = performance.now() + DRAIN_MS; ; await benchPauseMs(50)) {
    const stored = await gateway.metric('cityvitals_points_stored_total');
    if (stored >= wanted || performance.now() > untilMs) return stored;
  }
}

function asked(child: ChildProcessHandle, question: string, answer: string): Promise<ChildMessage> {
  const answered = new Promise<ChildMessage>((resolve) => {
    child.onMessage((message) => {
      if (message.kind === answer) resolve(message);
    });
  });
  child.send({ kind: question });
  return answered;
}

/** What the groups of an event take in the log's files, which are sealed by now. */
function groupBytesAnEvent(dir: string): number {
  let [bytes, events] = [0, 0];
  for (const name of readdirSync(dir).filter((one) => /^(measurement|state)-.*\.db$/.test(one))) {
    const db = new DatabaseSync(join(dir, name), { readOnly: true });
    const sums = db.prepare('SELECT coalesce(sum(length(b)), 0) AS bytes, coalesce(sum(n), 0) AS events FROM g').get() as {
      bytes: number;
      events: number;
    };
    db.close();
    bytes += sums.bytes;
    events += sums.events;
  }
  return bytes / events;
}
