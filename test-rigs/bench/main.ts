/** `npm run bench -- [NAME … | all] [--seconds N] [--only CONTENDER,…] [--json] [--write [--baseline]]`: figures on this machine; `--write` puts them into docs/benchmarks.md, `--baseline` has later ones compared with them. */
import { parseArgs } from 'node:util';
import { BENCHES } from './catalogue.ts';
import { machine, othersBusyPercent, versions } from './machine.ts';
import { ratioToBaseline, type BenchRun } from './baseline.ts';
import { keptRuns, writePage } from './page.ts';
import type { BenchResult } from './result.ts';
import { printBench } from './rig.ts';

const DEFAULT_SECONDS = '30';
const USAGE = `usage: npm run bench -- [NAME … | all] [--seconds ${DEFAULT_SECONDS}] [--only CONTENDER,… (ingest; not with --write)] [--json] [--write [--baseline]]
benchmarks: ${Object.keys(BENCHES).join(', ')}
`;

const { values, positionals: asked } = parseArgs({
  options: {
    seconds: { type: 'string', default: DEFAULT_SECONDS },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    baseline: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const seconds = Number(values.seconds);
const only = values.only?.split(',') ?? null;
const unknown = asked.filter((name) => name !== 'all' && !(name in BENCHES));
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (unknown.length > 0 || !(seconds > 0) || (only && values.write) || (values.baseline && !values.write)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const names = asked.length === 0 || asked.includes('all') ? Object.keys(BENCHES) : asked;
const results: { result: BenchResult; toBaseline: number | null }[] = [];
for (const name of names) {
  const bench = await (BENCHES[name] as NonNullable<(typeof BENCHES)[string]>)();
  for (const note of bench.notes) printBench(`${name}: ${note}`);
  const before = await othersBusyPercent();
  const found = await bench.run({ seconds, only });
  const after = await othersBusyPercent();
  if (Math.max(before, after) > 10) printBench(`${name}: the machine was shared: others had ${before} % of it before and ${after} % after`);
  const part: BenchRun = {
    day: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${name}${values.seconds === DEFAULT_SECONDS ? '' : ` --seconds ${seconds}`}`,
    machine: machine(),
    othersBusyPercent: [before, after],
    versions: versions(bench.debian, bench.npm),
    notes: bench.notes,
    results: found,
  };
  // One after the other: what has run is kept if a later one fails.
  const baseline = keptRuns()[name]?.baseline;
  results.push(...found.map((result) => ({ result, toBaseline: ratioToBaseline(result, part, baseline) })));
  if (values.write) writePage(name, part, values.baseline);
}
if (values.json) process.stdout.write(`${JSON.stringify({ results: results.map(({ result }) => result) })}\n`);
else for (const { result: { name, value, unit, ratioTo }, toBaseline } of results) {
  const ratios = { ...ratioTo, ...(toBaseline !== null && { baseline: toBaseline }) };
  process.stdout.write(`${name}: ${value} ${unit}${Object.entries(ratios).map(([other, ratio]) => ` (${ratio} × ${other})`).join('')}\n`);
}
