/**
 * The real edge with N devices that give as much as the log takes, one value a frame; its gateway is away.
 * `node --expose-gc growth-main.ts CONFIG SECONDS`; one line of JSON: events kept a second, resident bytes.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { defineDriver, type Link } from '../../../core/driver.ts';
import { realWorld } from '../../../core/world.ts';
import { runEdge } from '../../../edge/main.ts';
import { loadEdge } from '../../../cli/load.ts';

const [path = '', seconds = '5'] = process.argv.slice(2);
/** Values on their way to the log at one time. */
const WINDOW = 4000;
const TICK_MS = 2;

const feeds: ((value: number) => void)[] = [];
const driver = defineDriver({
  id: 'growth',
  title: { zh: '数字源', en: 'numbers' },
  settings: z.object({}),
  points: { n: { zh: '数字', en: 'number', unit: '1' } },
  traits: ['listens'],
  async open(): Promise<Link<number>> {
    return {
      listen(take, signal) {
        // As little as a source can cost: what grows here is to be the edge.
        feeds.push(take);
        return new Promise((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
      },
      async close() {},
    };
  },
  decode: (value: number) => ({ ok: true, values: [{ point: 'n', value }] }),
});

const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') }, [driver]);
if (!setup) throw new Error(JSON.stringify(problems, null, 1));
let kept = 0;
const edge = await runEdge(
  setup,
  realWorld(() => {}),
  {
    extraDrivers: [driver],
    onKept: ({ drafts }) => {
      kept += drafts.filter(({ point }) => point === 'n').length;
    },
  },
);
const pause = (durationMs: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, durationMs);
  });
while (feeds.length < setup.devices.length) await pause(10);

let given = 0;
async function give(untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    for (; given - kept < WINDOW; given += 1) feeds[given % feeds.length]?.(given % 1000);
    await pause(TICK_MS);
  }
}
// Long enough for every device to have been heard many times, for the compiler to have seen it all and the heap to have its size.
await give(performance.now() + Number(seconds) * 1000);
const before = { kept, ms: performance.now() };
await give(before.ms + Number(seconds) * 1000);
const perSecond = ((kept - before.kept) * 1000) / (performance.now() - before.ms);
const heard = edge.states().filter(({ lastAt }) => lastAt !== null).length;
for (let round = 0; round < 3; round += 1) {
  globalThis.gc?.();
  await pause(50);
}
const { heapUsed, external } = process.memoryUsage();
process.stdout.write(`${JSON.stringify({ perSecond, heldBytes: heapUsed + external, heard })}\n`);
await edge.close();
process.exit(0);
