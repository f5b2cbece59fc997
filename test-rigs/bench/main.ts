/** `npm run bench -- [NAME … | all] [--seconds N] [--only CONTENDER,…] [--json] [--write]`: figures on this machine; `--write` puts them into docs/benchmarks.md. */
import { BENCHES } from './catalogue.ts';
import { machine, othersBusyPercent, versions } from './machine.ts';
import { writePage, type Part } from './page.ts';
import type { BenchResult } from './result.ts';
import { say } from './rig.ts';

const DEFAULT_SECONDS = 30;

const argv = process.argv.slice(2);
const secondsAt = argv.indexOf('--seconds');
const seconds = secondsAt < 0 ? DEFAULT_SECONDS : Number(argv[secondsAt + 1]);
const onlyAt = argv.indexOf('--only');
const only = onlyAt < 0 ? null : (argv[onlyAt + 1] ?? '').split(',');
const asked = argv.filter((argument, at) => !argument.startsWith('--') && (secondsAt < 0 || at !== secondsAt + 1) && (onlyAt < 0 || at !== onlyAt + 1));
const unknown = asked.filter((name) => name !== 'all' && !(name in BENCHES));
if (unknown.length > 0 || !(seconds > 0) || (only && argv.includes('--write'))) {
  process.stderr.write(`usage: npm run bench -- [NAME … | all] [--seconds N] [--only CONTENDER,… (ingest; not with --write)] [--json] [--write]\nbenchmarks: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

const names = asked.length === 0 || asked.includes('all') ? Object.keys(BENCHES) : asked;
const results: BenchResult[] = [];
for (const name of names) {
  const bench = await (BENCHES[name] as NonNullable<(typeof BENCHES)[string]>)();
  for (const note of bench.notes) say(`${name}: ${note}`);
  const before = await othersBusyPercent();
  const found = await bench.run({ seconds, only });
  const after = await othersBusyPercent();
  if (Math.max(before, after) > 10) say(`${name}: the machine was shared: others had ${before} % of it before and ${after} % after`);
  results.push(...found);
  const part: Part = {
    day: new Date().toISOString().slice(0, 10), command: `npm run bench -- ${name}${secondsAt < 0 ? '' : ` --seconds ${seconds}`}`, machine: machine(),
    othersBusyPercent: [before, after], versions: versions(bench.debian, bench.npm), notes: bench.notes, results: found,
  };
  // One after the other: what has run is kept if a later one fails.
  if (argv.includes('--write')) writePage({ [name]: part });
}
if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ results })}\n`);
else for (const { name, value, unit, ratioTo } of results) process.stdout.write(`${name}: ${value} ${unit}${Object.entries(ratioTo).map(([other, ratio]) => ` (${ratio} × ${other})`).join('')}\n`);
