/**
 * `npm run rig -- log-cuts [--json] [--every N]`: cuts the write-ahead log of a dead log at every byte of its last three
 * commits, zero-fills the rest on every 97th, and opens each copy. Commits wholly before the cut are there with their
 * marks, none in part, and what is missing is named.
 */
import { checkTruncated, lastCommitOffsets, crashedLog } from '../../log/testing/truncated-wal.ts';

const ZERO_FILL_EVERY = 97;
const REPORT_EVERY = 2000;

export async function run(argv: string[]): Promise<number> {
  const every = numberAfter(argv, '--every') ?? 1;
  const startedMs = performance.now();
  const dead = await crashedLog();
  const failures: { cutAt: number; zeroFilled: boolean; detail: string }[] = [];
  let checked = 0;
  const check = async (cutAt: number, zeroFilled: boolean) => {
    checked += 1;
    try {
      await checkTruncated(dead, cutAt, zeroFilled);
    } catch (error) {
      failures.push({ cutAt, zeroFilled, detail: (error as Error).message });
    }
  };
  try {
    const cuts = lastCommitOffsets(dead).filter((_cut, index) => index % every === 0);
    process.stderr.write(`${cuts.length} cuts\n`);
    for (const [index, cutAt] of cuts.entries()) {
      await check(cutAt, false);
      if (index % ZERO_FILL_EVERY === 0) await check(cutAt, true);
      if (index % REPORT_EVERY === REPORT_EVERY - 1) process.stderr.write(`${index + 1} cuts, ${failures.length} failures\n`);
    }
  } finally {
    await dead.remove();
  }
  const seconds = Math.round(performance.now() - startedMs) / 1000;
  for (const { cutAt, zeroFilled, detail } of failures.slice(0, 10))
    process.stderr.write(`cut at ${cutAt}${zeroFilled ? ', zeros behind' : ''}: ${detail}\n`);
  const result = { checked, failures: failures.length, seconds };
  process.stdout.write(
    argv.includes('--json') ? `${JSON.stringify(result)}\n` : `${checked} cuts, ${failures.length} failures, ${seconds} s\n`,
  );
  return failures.length === 0 ? 0 : 1;
}

function numberAfter(argv: readonly string[], name: string): number | undefined {
  const index = argv.indexOf(name);
  return index < 0 ? undefined : Number(argv[index + 1]);
}
