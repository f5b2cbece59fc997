/**
 * `npm run rig -- flakes [FILES] [--touching] [--runs 5] [--load 3] [--at-once N] [--state FILE] [--json]`: the whole test
 * suite, or these files, so many times beside so many busy processes; names every test that failed once. With --touching
 * only the files that open a socket, a child or a disk, told by what they and their helpers import. As many files run side
 * by side as in `npm test`, or N, each with the same time-outs. With --state a run that was ended goes on where it was;
 * take the file away once what it names is mended. Exit code 1 when something failed.
 * The last line is {"runs","files","failed":[{"file","test","times","error"}]}.
 */
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { readSources } from '../../tools/imports.ts';
import { FlakeTally } from './tally.ts';
import { startCpuLoad } from './load.ts';
import { runTestFile } from './test-file.ts';
import { touchingFiles } from './touching.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** As many as `npm test` has. */
const AT_ONCE = Math.max(2, availableParallelism() - 1);

export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options: {
    touching: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' }, load: { type: 'string', default: '3' },
    'at-once': { type: 'string', default: String(AT_ONCE) }, state: { type: 'string' }, json: { type: 'boolean', default: false },
  } });
  const runs = Number(values.runs);
  const busy = Number(values.load);
  const atOnce = Number(values['at-once']);
  const sources = readSources(ROOT);
  const all = values.touching ? touchingFiles(sources) : sources.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));
  const files = positionals.length > 0 ? positionals : all;
  if (![runs, atOnce].every((count) => Number.isInteger(count) && count >= 1) || !(Number.isInteger(busy) && busy >= 0)) {
    process.stderr.write('flakes: [FILES] [--touching] --runs 5 --load 3 [--at-once N] [--state FILE]\n');
    return 2;
  }
  const tally = FlakeTally.read(values.state);
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, end);
  const load = startCpuLoad(busy);
  try {
    for (let round = 1; round <= runs && !ending.signal.aborted; round += 1) {
      const left = files.filter((file) => tally.runsOf(file) < round);
      await Promise.all(Array.from({ length: atOnce }, async () => {
        for (let file = left.shift(); file !== undefined; file = left.shift()) {
          const failures = await runTestFile(ROOT, file, ending.signal);
          if (!failures) return;
          tally.add(file, failures);
          if (values.state) tally.write(values.state);
          process.stderr.write(`run ${round} of ${runs}  ${failures.length > 0 ? 'FAILED' : 'ok    '} ${file}\n`);
          for (const { test, error } of failures) process.stderr.write(`  ${test}\n    ${error.replaceAll('\n', '\n    ')}\n`);
        }
      }));
    }
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, end);
    await load.stop();
  }
  const failed = tally.failedOf(files);
  if (!values.json)
    for (const { file, test, times, error } of failed)
      process.stdout.write(`${file}: ${test}: failed ${times} times\n  ${error.replaceAll('\n', '\n  ')}\n`);
  process.stdout.write(
    `${JSON.stringify({ runs: Math.min(...files.map((file) => tally.runsOf(file)), runs), files: files.length, failed })}\n`,
  );
  if (ending.signal.aborted) return 130;
  return failed.length > 0 ? 1 : 0;
}
