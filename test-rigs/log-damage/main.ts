/**
 * `npm run rig -- log-damage [--part flips|disk|fsync] [--flips N] [--seed N] [--json]`: logs on cards that go bad.
 *
 * flips  copies of an edge's and a gateway's log, closed and killed, each with bytes flipped in files and write-ahead
 *        logs, files cut, pages of zeros, garbage: no wrong value, every loss named with its exact range, new events in a
 *        new file, the same again at the next opening.
 * disk   a disk of 20 MB that runs full, from the log itself and from others, under logs and under a whole edge.
 * fsync  every forced write fails for a while (a library in front of libc): nothing acknowledged is lost.
 */
import { runDamages, type DamageResult } from './flips.ts';
import { runOnSmallDisk } from './mounted.ts';
import { runFailingFlush } from './flush.ts';
import type { PartResult } from './result.ts';

const PARTS = ['flips', 'disk', 'fsync'] as const;

export async function run(argv: string[]): Promise<number> {
  const part = valueAfter(argv, '--part');
  const seed = Number(valueAfter(argv, '--seed') ?? 1);
  const flips = Number(valueAfter(argv, '--flips') ?? 200);
  if (argv.includes('--help') || ![seed, flips].every(Number.isSafeInteger) || (part !== undefined && !PARTS.some((one) => one === part))) {
    process.stderr.write(`usage: npm run rig -- log-damage [--part ${PARTS.join('|')}] [--flips N] [--seed N] [--json]\n`);
    return 2;
  }
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const results: PartResult[] = [];
  if (part === undefined || part === 'flips') results.push(sumOf(await runDamages({ seed, trials: Math.ceil(flips / 2), say })));
  if (part === undefined || part === 'disk') results.push(...(await runOnSmallDisk(say)));
  if (part === undefined || part === 'fsync') results.push(...(await runFailingFlush(say)));
  const failures = results.flatMap(({ name, failures: own }) => own.map((failure) => `${name}: ${failure}`));
  for (const failure of failures.slice(0, 20)) say(failure);
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ seed, results })}\n`);
  else
    for (const { name, figures, failures: own } of results)
      process.stdout.write(
        `${name}: ${Object.entries(figures)
          .map(([key, value]) => `${key} ${value}`)
          .join(', ')}; ${own.length} failures\n`,
      );
  return failures.length === 0 ? 0 : 1;
}

function sumOf(results: readonly DamageResult[]): PartResult {
  const sum = (of: (one: DamageResult) => number) => results.reduce((total, one) => total + of(one), 0);
  const single = results.filter(({ damage }) => damage.startsWith('1 flipped'));
  return {
    name: 'damaged files',
    figures: {
      trials: sum(({ trials }) => trials),
      'wrong values': sum(({ wrong }) => wrong),
      'with a loss': sum(({ withLoss }) => withLoss),
      'groups lost': sum(({ lostGroups }) => lostGroups),
      'files salvaged': sum(({ salvaged }) => salvaged),
      'most groups lost by one byte': Math.max(0, ...single.map(({ mostGroups }) => mostGroups)),
    },
    failures: results.flatMap(({ log, left, damage, failures, wrong }) =>
      [...failures, ...(wrong > 0 ? [`${wrong} wrong values`] : [])].map((failure) => `${log}, ${left}, ${damage}: ${failure}`),
    ),
  };
}

function valueAfter(argv: readonly string[], name: string): string | undefined {
  const index = argv.indexOf(name);
  return index < 0 ? undefined : (argv[index + 1] ?? 'NaN');
}
