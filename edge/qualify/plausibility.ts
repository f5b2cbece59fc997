/** Whether a value can be believed beside those before it: rate of change and standing still. Pure; a memory a point. */
import type { Flag, Value } from '../../core/event.ts';
import type { RatePerPeriod } from '../../core/quantity.ts';

interface Seen {
  value: number;
  at: number;
}

/** When a value was taken, for what lies between it and others by the same clock. */
export interface ValueTime {
  atMs: number;
  by: 'device' | 'edge';
}

export interface PlausibilityState {
  /** By which clock the rest is. */
  by?: ValueTime['by'];
  /** The last value that was believed. */
  believed?: Seen;
  /** The last one that changed too fast to be: if the next agrees with it, it was a step and not a spike. */
  suspect?: Seen | undefined;
  /** Since when the value has not moved at all. */
  still?: { value: Value; sinceAt: number };
}

export interface PlausibilityLimits {
  maxRate?: RatePerPeriod | undefined;
  stuckForMs?: number | undefined;
}

/** Flags for the next value of a point; changes the memory. Values older than the last leave it alone and are not judged. */
export function plausibilityFlags(
  memory: PlausibilityState,
  value: Value,
  { atMs: at, by }: ValueTime,
  limits: PlausibilityLimits,
): Flag[] {
  if (memory.by !== by) {
    for (const key of ['believed', 'suspect', 'still'] as const) delete memory[key];
    memory.by = by;
  }
  const flags: Flag[] = [];
  if (limits.maxRate && typeof value === 'number' && tooFast(memory, { value, at }, limits.maxRate)) flags.push('spike');
  if (limits.stuckForMs !== undefined && standsStill(memory, value, at, limits.stuckForMs)) flags.push('stuck');
  return flags;
}

/** What is not good says nothing about the point: what comes after it starts afresh. */
export function resetStuck(memory: PlausibilityState): void {
  delete memory.still;
}

function tooFast(memory: PlausibilityState, next: Seen, maxRate: RatePerPeriod): boolean {
  const { believed, suspect } = memory;
  if (believed && next.at <= believed.at) return false;
  if (!believed || within(believed, next, maxRate) || (suspect && next.at > suspect.at && within(suspect, next, maxRate))) {
    memory.believed = next;
    memory.suspect = undefined;
    return false;
  }
  memory.suspect = next;
  return true;
}

const within = (from: Seen, to: Seen, rate: RatePerPeriod) =>
  Math.abs(to.value - from.value) <= (rate.amount * (to.at - from.at)) / rate.periodMs;

function standsStill(memory: PlausibilityState, value: Value, at: number, stuckForMs: number): boolean {
  const { still } = memory;
  if (!still || still.value !== value) {
    memory.still = { value, sinceAt: at };
    return false;
  }
  return at - still.sinceAt >= stuckForMs;
}
