/** How long to wait before trying again. Pure; chance comes as an argument. */
import type { Random } from '../../core/world.ts';

export const FIRST_REOPEN_WAIT_MS = 500;
export const MAX_REOPEN_WAIT_MS = 15_000;

/**
 * Wait before the next attempt to open a link: doubled at every failure, from half a second to a quarter of a minute, and
 * spread over its upper half, so that a whole street whose power came back does not call at once.
 *
 * @param failures attempts in a row that failed, from 1
 */
export function reopenWaitMs(failures: number, random: Random): number {
  const fullMs = Math.min(MAX_REOPEN_WAIT_MS, FIRST_REOPEN_WAIT_MS * 2 ** Math.min(16, failures - 1));
  return fullMs * (0.5 + random.next() / 2);
}

/** A dead unit may take this part of its bus's time (one twentieth), all dead ones together. */
const COST_FACTOR = 20;
/** What a unit that falls silent may cost in plain retries before it is left out. */
const RETRIES_MS = 6000;
const MOST_RETRIES = 3;
const ALONE_MOST_MS = 15_000;
const SHARED_MOST_MS = 60_000;
/** However dear a probe is, a unit that is back is noticed within this time (and one period and time-out). */
export const MAX_PROBE_WAIT_MS = 300_000;

export interface SilentUnit {
  /** Polls in a row that failed, from 1. */
  failures: number;
  /** What the last of them took of the bus's time. */
  costMs: number;
  periodMs: number;
  /** Units on the same link, and how many of them are silent, this one included. */
  units: number;
  silentUnits: number;
}

/** Whether a silent unit is still retried at its own pace. */
export function isRetrying({ failures, costMs, units }: Pick<SilentUnit, 'failures' | 'costMs' | 'units'>): boolean {
  const retries = units > 1 ? Math.min(MOST_RETRIES, Math.floor(RETRIES_MS / Math.max(1, costMs))) : MOST_RETRIES;
  return failures <= retries;
}

/**
 * Wait until a silent unit is asked again. It is first retried at its own pace. A unit alone on its link is then asked
 * at least every 15 s. One that shares its link is left out for longer: from one period up to 60 s, and never so often
 * that all silent units together take more than a twentieth of the bus's time, up to 5 min.
 */
export function probeWaitMs(unit: SilentUnit, random: Random): number {
  const { failures, costMs, periodMs, units, silentUnits } = unit;
  if (isRetrying(unit)) return periodMs;
  const grownMs = periodMs * 2 ** Math.min(16, failures - 1);
  // Nobody is held up on a bus where all are silent.
  const isHarmless = units === 1 || silentUnits >= units;
  const waitMs = isHarmless
    ? Math.min(grownMs, units === 1 ? ALONE_MOST_MS : SHARED_MOST_MS)
    : Math.min(MAX_PROBE_WAIT_MS, Math.max(Math.min(grownMs, SHARED_MOST_MS), costMs * COST_FACTOR * silentUnits));
  return Math.max(periodMs, waitMs * (1 + random.next() / 10));
}
