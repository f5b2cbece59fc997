/** `npm run bench -- [NAME … | all] [--seconds N] [--only CONTENDER,…] [--json] [--write]`: figures on this machine; `--write` puts them into docs/benchmarks.md. */
import { parseArgs } from 'node:util';
import { BENCHES } from './catalogue.ts';
import { machine, othersBusyPercent, versions } from './machine.ts';
import { writePage, type BenchSection } from './page.ts';
import type { BenchResult } from './result.ts';
import { printBench } from './rig.ts';

const DEFAULT_SECONDS = '30';
const USAGE = `usage: npm run bench -- [NAME … | all] [--seconds ${DEFAULT_SECONDS}] [--only CONTENDER,… (ingest; not with --write)] [--json] [--write]
benchmarks: ${Object.keys(BENCHES).join(', ')}
`;

const { values, positionals: asked } = parseArgs({
  options: { seconds: { type: 'string', default: DEFAULT_SECONDS }, only: { type: 'string' }, json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const seconds = Number(values.seconds);
const only = values.only?.split(',') ?? null;
const unknown = asked.filter((name) => name !== 'all' && !(name in BENCHES));
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (unknown.length > 0 || !(seconds > 0) || (only && values.write)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const names = asked.length === 0 || asked.includes('all') ? Object.keys(BENCHES) : asked;
const results: BenchResult[] = [];
for (const name of names) {
  const bench = await (BENCHES[name] as NonNullable<(typeof BENCHES)[string]>)();
  for (const note of bench.notes) printBench(`${name}: ${note}`);
  const before = await othersBusyPercent();
  const found = await bench.run({ seconds, only });
  const after = await othersBusyPercent();
  if (Math.max(before, after) > 10) printBench(`${name}: the machine was shared: others had ${before} % of it before and ${after} % after`);
  results.push(...found);
  const part: BenchSection = {
    day: new Date().toISOString().slice(0, 10), command: `npm run bench -- ${name}${values.seconds === DEFAULT_SECONDS ? '' : ` --seconds ${seconds}`}`, machine: machine(),
    othersBusyPercent: [before, after], versions: versions(bench.debian, bench.npm), notes: bench.notes, results: found,
  };
  // One after the other: what has run is kept if a later one fails.
  if (values.write) writePage({ [name]: part });
}
if (values.json) process.stdout.write(`${JSON.stringify({ results })}\n`);
else for (const { name, value, unit, ratioTo } of results) process.stdout.write(`${name}: ${value} ${unit}${Object.entries(ratioTo).map(([other, ratio]) => ` (${ratio} × ${other})`).join('')}\n`);
