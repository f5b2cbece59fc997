/** How a result stands to that of the same name which every later one is compared with. */
import type { BenchResult } from './result.ts';

/** One run of a benchmark. */
export interface BenchRun {
  /** ISO day. */
  day: string;
  command: string;
  machine: string;
  /** Percent of the processors that others had just before and just after. */
  othersBusyPercent: [before: number, after: number];
  versions: Record<string, string>;
  notes: readonly string[];
  results: BenchResult[];
}

/** A benchmark as it ran last, with the one that it is compared with. */
export interface KeptBenchRun extends BenchRun {
  baseline?: BenchRun;
}

/**
 * Machines differ: against a peer that both ran beside, it is our ratio to it now over our ratio to it then; without one,
 * it is value over value, and only on the same machine.
 *
 * @returns 1 = as then; null where nothing can be said
 */
export function ratioToBaseline(
  { name, value, ratioTo }: BenchResult,
  { machine }: Pick<BenchRun, 'machine'>,
  baseline: BenchRun | undefined,
): number | null {
  const then = baseline?.results.find((result) => result.name === name);
  if (!baseline || !then) return null;
  const peer = Object.keys(ratioTo).find((other) => then.ratioTo[other]);
  if (peer !== undefined) return rounded((ratioTo[peer] as number) / (then.ratioTo[peer] as number));
  return machine === baseline.machine && then.value !== 0 ? rounded(value / then.value) : null;
}

function rounded(ratio: number): number {
  return Number(ratio.toPrecision(3));
}
