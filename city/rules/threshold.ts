/**
 * The latches of a threshold rule on one series: which levels are reached, in event time.
 *
 * Each level goes on when its condition has held for its `onDelay`, and off when the value has lain inside the limit by
 * the hysteresis for `offDelay`. A value holds until the next one (edges report by exception), so a delay may end
 * between two values. What is not good suspends: nothing starts, nothing ends, until a good value comes.
 */
import type { Level, Value } from '../../core/event.ts';
import type { LevelCondition } from './rule.ts';
import { isWithinHours, meetsCondition } from './when.ts';

export interface LevelLimits {
  /** Most severe first. */
  conditions: LevelCondition[];
  hysteresis: number;
  offDelayMs: number;
}

type Since = Partial<Record<Level, number>>;

export interface Latches {
  /** Levels that are on. */
  on: Level[];
  /** Levels that are off and whose condition holds: since when. */
  meeting: Since;
  /** Levels that are on and whose value lies inside: since when. */
  leaving: Since;
  suspended: boolean;
}

/** The reported level (the most severe that is on) changed at an instant. */
export interface LatchChange {
  at: number;
  level: Level | null;
  /** When the condition began, at a turn from null. */
  onsetAt: number;
}

export const LATCHES_OFF: Latches = { on: [], meeting: {}, leaving: {}, suspended: false };

/** The level that latches report. */
export const levelOf = (latches: Latches): Level | null => (latches.on.length > 0 ? (Math.min(...latches.on) as Level) : null);

/** Takes one value. Changes `latches`; the caller owns it. */
export function takeValue(limits: LevelLimits, latches: Latches, atMs: number, value: Value, good: boolean): LatchChange[] {
  const met = limits.conditions.map(({ when }) => meetsCondition(when, value));
  latches.suspended = !good || met.includes(null);
  if (latches.suspended) return [];
  limits.conditions.forEach(({ level, when }, nth) => {
    const isOn = latches.on.includes(level);
    keepSince(latches.meeting, level, !isOn && met[nth] === true, atMs);
    keepSince(latches.leaving, level, isOn && isWithinHours(when, limits.hysteresis, value) === true, atMs);
  });
  return settle(limits, latches, atMs);
}

/** Lets event time go on: delays that end before `untilAt` (or at it, when inclusive) do so at their own instant. */
export function passTime(limits: LevelLimits, latches: Latches, untilAt: number, inclusive: boolean): LatchChange[] {
  const turns: LatchChange[] = [];
  for (;;) {
    const dueAt = nextDueAt(limits, latches);
    if (dueAt > untilAt || (dueAt === untilAt && !inclusive)) return turns;
    turns.push(...settle(limits, latches, dueAt));
  }
}

/** When the next delay ends; Infinity when none runs. */
export function nextDueAt(limits: LevelLimits, latches: Latches): number {
  if (latches.suspended) return Infinity;
  return limits.conditions.reduce((soonest, { level, onDelayMs }) => Math.min(
    soonest,
    (latches.meeting[level] ?? Infinity) + onDelayMs,
    (latches.leaving[level] ?? Infinity) + limits.offDelayMs,
  ), Infinity);
}

function keepSince(since: Since, level: Level, holds: boolean, atMs: number): void {
  if (holds) since[level] ??= atMs;
  else delete since[level];
}

function settle(limits: LevelLimits, latches: Latches, atMs: number): LatchChange[] {
  const before = levelOf(latches);
  const arrived = limits.conditions.find(({ level, onDelayMs }) => atMs - (latches.meeting[level] ?? Infinity) >= onDelayMs);
  let onsetAt = atMs;
  if (arrived) {
    // A level that is reached takes every milder one along whose condition holds, so that it later ends step by step.
    for (const { level } of limits.conditions) {
      const since = latches.meeting[level];
      if (since === undefined || level < arrived.level) continue;
      onsetAt = Math.min(onsetAt, since);
      latches.on.push(level);
      delete latches.meeting[level];
    }
  }
  for (const { level } of limits.conditions) {
    if (atMs - (latches.leaving[level] ?? Infinity) < limits.offDelayMs) continue;
    latches.on = latches.on.filter((other) => other !== level);
    delete latches.leaving[level];
  }
  const level = levelOf(latches);
  return level === before ? [] : [{ at: atMs, level, onsetAt }];
}
