/** The real edge with stations that speak; says what it wrote and how long a sample took to be durable. `edge-main.ts CONFIG PLAN` */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { openTelemetryOutput } from '../../../cli/observe.ts';
import { realWorld } from '../../../core/world.ts';
import { loadEdge } from '../../../cli/load.ts';
import { runEdge } from '../../../edge/main.ts';
import { endWithParent, tellParent, type ChildMessage } from '../../processes/child.ts';
import { bytesWritten } from '../disk.ts';
import { walkDriver } from './walk.ts';

/** What the edge says of the time between `measure` and `end`. */
export interface EdgeReport {
  /** Bytes the process has written since it began. */
  bytes: number;
  given: number;
  kept: number;
  /** Ms from the sample to its durable event, in order of size. */
  measuredMs: number[];
  statesMs: number[];
  /** Ms that the thread which does all but the disk stood still at most. */
  stalledMs: number;
}

const [path = '', plan = '{}'] = process.argv.slice(2);
const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
const walk = walkDriver(JSON.parse(plan) as Parameters<typeof walkDriver>[0]);
const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') }, [walk.driver]);
if (!setup) throw new Error(JSON.stringify(problems, null, 1));

let kept = 0;
let measuredMs: number[] = [];
let statesMs: number[] = [];
const edge = await runEdge(setup, realWorld(observer.tell), {
  metrics: observer.metrics,
  extraDrivers: [walk.driver],
  onKept({ stream, drafts }) {
    const nowMs = Date.now();
    for (const { device, occurredAt } of drafts) {
      if (!device.startsWith('station-')) continue;
      kept += 1;
      (stream === 'state' ? statesMs : measuredMs).push(nowMs - occurredAt);
    }
  },
});

let stalledMs = 0;
let lastMs = performance.now();
setInterval(() => {
  stalledMs = Math.max(stalledMs, performance.now() - lastMs - 20);
  lastMs = performance.now();
}, 20).unref();

const bySize = (times: readonly number[]) => times.toSorted((one, other) => one - other);
process.on('message', (message: ChildMessage) => {
  if (message.kind === 'measure') {
    measuredMs = [];
    statesMs = [];
    stalledMs = 0;
    tellParent({ kind: 'measuring', bytes: bytesWritten(), given: given() });
  }
  if (message.kind === 'stop-walk') walk.stop();
  if (message.kind === 'report')
    tellParent({
      kind: 'report',
      bytes: bytesWritten(),
      given: given(),
      kept,
      measuredMs: bySize(measuredMs),
      statesMs: bySize(statesMs),
      stalledMs,
    } satisfies EdgeReport & { kind: string });
});
const given = () => walk.given().measured + walk.given().states;

let closing: Promise<void> | null = null;
const close = () => (closing ??= edge.close());
endWithParent(close);
tellParent({ kind: 'ready', httpUrl: edge.httpUrl });
