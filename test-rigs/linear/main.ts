/**
 * `npm run rig -- linear [--json] [--seed S] [--only NAME]`: whatever a peer sends, cutting and decoding must cost the same
 * for each byte. Feeds each cutter with what is worst for it (repeated headers, half headers, delimiters, false check
 * values, nested lengths; made by hand and by a seeded generator) in one write and in many small ones, doubles the size
 * from 64 kB to 256 kB, and asks for at most 2.5 times the CPU time at each doubling; what seems to take more is looked at
 * from 512 kB to 2 MB. Last line with --json:
 * `{"cases":N,"worst":x.x,"failed":[]}`.
 */
import { LINEAR_FAMILIES, generateInputs } from './families.ts';
import { LINEAR_TARGETS, type LinearTarget } from './targets.ts';

const KB = 1024;
const SIZES = [64 * KB, 128 * KB, 256 * KB];
/** Of what seems to grow too fast: there a quadratic cost still quadruples, and a step of the memory's management does not come again. */
const LARGE_SIZES = [512 * KB, 1024 * KB, 2048 * KB];
const PIECES = [Infinity, 64] as const;
const MOST_TIMES = 2.5;
/** Below, the garbage collector and whatever else runs are what is measured. */
const NOISE_US = 60_000;
const TRIES = 3;
const AGAIN = 3;
/** So long that what else runs changes little: once is enough. */
const SURE_US = 1_000_000;
/** A single measurement that lasts longer is a failure whatever its growth. */
const MOST_US = 10_000_000;

export async function run(argv: string[]): Promise<number> {
  const seed = Number(valueAfter(argv, '--seed') ?? 1);
  const only = valueAfter(argv, '--only');
  let [cases, worst] = [0, 0];
  const failed: { case: string; times: number; us: number[] }[] = [];
  for (const target of LINEAR_TARGETS.filter(({ name }) => only === undefined || name.includes(only))) {
    for (const [family, unit] of [...Object.entries({ ...LINEAR_FAMILIES, ...target.families }), ...generateInputs(seed, target)]) {
      for (const piece of PIECES) {
        const name = `${target.name}: ${family}, ${piece === Infinity ? 'one write' : `writes of ${piece}`}`;
        let { times, us } = growthOf(target, unit, piece);
        // Again: a machine that has other work is no finding.
        for (let turn = 0; turn < AGAIN && times > MOST_TIMES; turn += 1) ({ times, us } = growthOf(target, unit, piece));
        if (times > MOST_TIMES) ({ times, us } = growthOf(target, unit, piece, LARGE_SIZES));
        cases += 1;
        worst = Math.max(worst, times);
        if (times > MOST_TIMES) failed.push({ case: name, times, us });
        if (times > MOST_TIMES || argv.includes('--verbose'))
          process.stderr.write(`${name}: ${us.map((one) => Math.round(one / 1000)).join(', ')} ms\n`);
      }
    }
  }
  worst = Math.round(worst * 10) / 10;
  process.stdout.write(
    argv.includes('--json')
      ? `${JSON.stringify({ cases, worst, failed: failed.map((one) => one.case) })}\n`
      : `${cases} cases, at worst ${worst} times at a doubling, ${failed.length} failed\n`,
  );
  return failed.length === 0 ? 0 : 1;
}

function growthOf(target: LinearTarget, unit: Buffer, piece: number, sizes: readonly number[] = SIZES): { times: number; us: number[] } {
  const us: number[] = [];
  let times = 0;
  for (const size of sizes) {
    const took = costOf(target, Buffer.alloc(size, unit), piece);
    const before = us.at(-1);
    us.push(took);
    if (took > MOST_US) return { times: Infinity, us };
    if (before !== undefined && took > NOISE_US) times = Math.max(times, took / Math.max(before, NOISE_US / 3));
  }
  return { times, us };
}

/** The best of several: what else the process does only adds. */
function costOf(target: LinearTarget, bytes: Buffer, piece: number): number {
  let best = Infinity;
  for (let turn = 0; turn < TRIES; turn += 1) {
    const feed = target.make();
    const before = process.cpuUsage();
    for (let at = 0; at < bytes.length; at += piece) feed(bytes.subarray(at, at + piece));
    feed.end?.();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
    if (best < NOISE_US / 3 || best > SURE_US) break;
  }
  return best;
}

function valueAfter(argv: string[], flag: string): string | undefined {
  const at = argv.indexOf(flag);
  return at < 0 ? undefined : argv[at + 1];
}
