/**
 * Spoils what drivers receive, as often as wished:
 *
 *   npm run fuzz -- [--driver D] [--runs N] [--streams SHARE] [--seed S] [--json]
 *
 * Recorded frames go spoiled into `decode`, recorded streams through the link (one run in `--streams`, default 50).
 * Nothing may be thrown, hang or be invented, no wrong checksum give a value, and memory stays bounded. The seed of a
 * failing run is told: the same seed gives it again. Exit code 1 when anything failed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordedCasesIn } from '../../drivers/testing/cases.ts';
import type { DriverDouble } from '../../drivers/testing/driver-double.ts';
import { assertDamagedMessageGivesNothing, fuzzFrame, fuzzStream, fuzzCorpusOf } from '../../drivers/testing/fuzz.ts';
import { seededRandom } from '../../core/world.ts';
import { DRIVERS } from '../../drivers/index.ts';

const { values } = parseArgs({
  options: {
    driver: { type: 'string' },
    runs: { type: 'string', default: '10000' },
    streams: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [runs, share, seed] = [Number(values.runs), Number(values.streams), Number(values.seed)];
const chosen = DRIVERS.filter(({ id }) => values.driver === undefined || id === values.driver);
if (values.help || chosen.length === 0 || !(runs >= 1) || !(share >= 1)) {
  const usage = 'usage: npm run fuzz -- [--driver D] [--runs N] [--streams ONE-IN] [--seed S] [--json]\n';
  (values.help ? process.stdout : process.stderr).write(usage);
  process.exit(values.help ? 0 : 2);
}

/** A run that goes on for so long hangs; a link's own waits are on a virtual clock. */
const HANGS_MS = 10_000;

for (const entry of chosen) {
  const driver = await entry.load();
  const folder = join(import.meta.dirname, '../../drivers', entry.id);
  const { double } = existsSync(join(folder, 'testing/double.ts'))
    ? ((await import(join(folder, 'testing/double.ts'))) as { double: DriverDouble })
    : { double: {} as DriverDouble };
  const grounds = await fuzzCorpusOf(driver, double, await recordedCasesIn(join(folder, 'recorded')));
  const counts = { frames: 0, streams: 0, damaged: 0, failed: 0 };
  const begunMs = performance.now();
  let mostBytes = 0;
  for (let turn = 0; turn < runs && grounds.frames.length > 0; turn += 1) {
    const own = seed + turn;
    const watch = setTimeout(() => {
      process.stderr.write(`${entry.id}: seed ${own} hangs\n`);
      process.exit(1);
    }, HANGS_MS);
    try {
      if (grounds.cases.length > 0 && turn % share === 0) {
        const random = seededRandom(own);
        if (turn % (2 * share) === 0 && (await assertDamagedMessageGivesNothing(grounds, turn / (2 * share), random))) counts.damaged += 1;
        await fuzzStream(grounds, turn / share, random);
        counts.streams += 1;
      } else {
        fuzzFrame(grounds, turn, seededRandom(own));
        counts.frames += 1;
      }
    } catch (error) {
      counts.failed += 1;
      process.stderr.write(`${entry.id}: seed ${own}: ${(error as Error).stack}\n`);
      if (counts.failed >= 10) break;
    }
    clearTimeout(watch);
    if (turn % 1000 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().heapUsed);
  }
  const seconds = Math.round((performance.now() - begunMs) / 100) / 10;
  const result = { driver: entry.id, runs: counts.frames + counts.streams, ...counts, seconds, heapMb: Math.round(mostBytes / 1e6) };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `${result.driver}: ${result.runs} runs (${counts.streams} streams, ${counts.damaged} wrong checksums), ${counts.failed} failed, ${seconds} s, heap up to ${result.heapMb} MB\n`,
  );
  if (counts.failed > 0) process.exitCode = 1;
}
