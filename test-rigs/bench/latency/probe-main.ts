/** The latency bench's edge: the real line with devices that say one value each when told to. `probe-main.ts CONFIG` */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { z } from 'zod';
import { defineDriver, type Link } from '../../../core/driver.ts';
import { openTelemetryOutput } from '../../../cli/observe.ts';
import { realWorld } from '../../../core/world.ts';
import { runEdge } from '../../../edge/main.ts';
import { loadEdge } from '../../../cli/load.ts';
import { endWithParent, tellParent, type ChildMessage } from '../../processes/child.ts';

const path = process.argv[2] as string;
const speak = new Map<number, (value: number) => void>();

const driver = defineDriver({
  id: 'probe',
  title: { zh: '延迟测试', en: 'probe' },
  settings: z.object({ device: z.number() }),
  points: { v: { zh: '数值', en: 'value', unit: '1' } },
  traits: ['listens'],
  async open({ device }): Promise<Link<number>> {
    return {
      listen(take, signal) {
        speak.set(device, take);
        return new Promise((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
      },
      async close() { speak.delete(device); },
    };
  },
  decode: (value: number) => ({ ok: true, values: [{ point: 'v', value }] }),
});

const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') }, [driver]);
if (!setup) throw new Error(JSON.stringify(problems, null, 1));
const edge = await runEdge(setup, realWorld(observer.tell), {
  metrics: observer.metrics,
  extraDrivers: [driver],
  onKept: ({ stream }) => {
    if (stream !== 'diagnostic')
      tellParent({ kind: 'kept', atNs: String(process.hrtime.bigint()), at: performance.timeOrigin + performance.now() });
  },
});
process.on('message', ({ kind, device }: ChildMessage) => {
  if (kind !== 'speak') return;
  // Linux has one monotonic clock for all processes.
  const atNs = String(process.hrtime.bigint());
  speak.get(Number(device))?.(9);
  tellParent({ kind: 'spoke', device, atNs });
});
endWithParent(() => edge.close());
for (; !edge.uplink().online;) await new Promise((resolve) => { setTimeout(resolve, 50); });
tellParent({ kind: 'ready' });
