/** `npm run bench -- [NAME …] [--seconds N] [--json]`: figures on this machine; without a name, all of them. */
import type { BenchResult } from './result.ts';

const BENCHES: Record<string, () => Promise<(options: { seconds: number }) => Promise<BenchResult[]>>> = {
  log: () => import('./log.ts').then((bench) => bench.benchLog),
  ingest: () => import('./ingest/bench.ts').then((bench) => bench.benchIngest),
  latency: () => import('./latency/bench.ts').then((bench) => bench.benchLatency),
  memory: () => import('./memory/bench.ts').then((bench) => bench.benchMemory),
  modbus: () => import('./modbus/bench.ts').then((bench) => bench.benchModbus),
};
const DEFAULT_SECONDS = 30;

const argv = process.argv.slice(2);
const secondsAt = argv.indexOf('--seconds');
const seconds = secondsAt < 0 ? DEFAULT_SECONDS : Number(argv[secondsAt + 1]);
const names = argv.filter((argument, at) => !argument.startsWith('--') && (secondsAt < 0 || at !== secondsAt + 1));
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0 || !(seconds > 0)) {
  process.stderr.write(`usage: npm run bench -- [NAME …] [--seconds N] [--json]\nbenchmarks: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

const results: BenchResult[] = [];
for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  results.push(...(await (await load())({ seconds })));
}
if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ results })}\n`);
else for (const { name, value, unit, ratioTo } of results) process.stdout.write(`${name}: ${value} ${unit}${Object.entries(ratioTo).map(([other, ratio]) => ` (${ratio} × ${other})`).join('')}\n`);
