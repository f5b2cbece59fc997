/**
 * `npm run rig -- mutate --folders log,drivers/hj212 [--sites 40] [--seed 1] [--limit 60s] [--tests drivers]
 * [--state FILE] [--json]`:
 * small mistakes (a comparison, a constant, a dropped call …) are made in a copy of the tree, one at a time, and all test
 * files that import the changed file are run, the nearest first. What no test notices is named by file and line.
 * With --tests only those of these folders are run.
 * With --state a run that was ended goes on where it was, and knows which tests pass without any mistake; those that fail
 * are left out, and said.
 * The last line is {"sites","caught","survived":[{"file","line","from","to"}]}.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDurationMs } from '../../core/quantity.ts';
import { seededRandom, type Random } from '../../core/world.ts';
import { readSources } from '../../tools/imports.ts';
import { MutationBatches, type SourceLocation } from './batches.ts';
import { copyTree } from './copy.ts';
import { sitesOf } from './sites.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Tests and what they stand on. */
const NOT_SHIPPED = /\.test\.ts$|\.tsx$|\/testing\/|^drivers\/[^/]+\/contract\.ts$/;

export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      folders: { type: 'string', default: '' },
      sites: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
      limit: { type: 'string', default: '60s' },
      tests: { type: 'string', default: '' },
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const limitMs = parseDurationMs(values.limit);
  if (values.folders === '' || limitMs === null || limitMs === undefined || !(Number(values.sites) >= 1)) {
    process.stderr.write('mutate: --folders log,drivers/hj212 --sites 40 --limit 60s\n');
    return 2;
  }
  const folders = values.folders.split(',');
  const sources = readSources(ROOT);
  const all = sources.filter(({ path }) => folders.some((folder) => path.startsWith(`${folder}/`)) && !NOT_SHIPPED.test(path))
    .flatMap(({ path, text }) => sitesOf(path, text).map((site): SourceLocation => ({ ...site, file: path })));
  const places = drawn(all, Number(values.sites), seededRandom(Number(values.seed)));
  const done: Record<string, boolean> =
    values.state && existsSync(values.state) ? (JSON.parse(readFileSync(values.state, 'utf8')) as Record<string, boolean>) : {};
  const keep = () => {
    if (values.state) writeFileSync(values.state, JSON.stringify(done));
  };
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-mutate-'));
  const survived: Pick<SourceLocation, 'file' | 'line' | 'from' | 'to'>[] = [];
  let caught = 0;
  try {
    copyTree(ROOT, dir);
    const batches = new MutationBatches(
      dir,
      sources,
      values.tests.split(',').filter((folder) => folder !== ''),
      limitMs,
      ending.signal,
      { done, keep },
    );
    for (const [index, place] of places.entries()) {
      const { file, line, from, to } = place;
      const name = JSON.stringify([file, place.start, from, to]);
      const isCaught = done[name] ??= await batches.notice(place);
      if (ending.signal.aborted) break;
      keep();
      if (isCaught) caught += 1;
      else survived.push({ file, line, from, to });
      process.stderr.write(`${index + 1}/${places.length} ${isCaught ? 'caught  ' : 'SURVIVED'} ${file}:${line}  ${from} -> ${to}\n`);
    }
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
    await rm(dir, { recursive: true, force: true });
  }
  if (!values.json) for (const { file, line, from, to } of survived) process.stdout.write(`survived: ${file}:${line}  ${from} -> ${to}\n`);
  process.stdout.write(`${JSON.stringify({ sites: caught + survived.length, caught, survived })}\n`);
  return ending.signal.aborted ? 130 : 0;
}

/** Without repeats, each as likely as any other. */
function drawn<T>(all: readonly T[], count: number, random: Random): T[] {
  const left = [...all];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(random.next() * left.length), 1)[0] as T);
}
