/**
 * One rule on one series, in event time: watermark, late values, catch-up, and the rule's own state.
 *
 * Pure: a step gives the new state and what is to be said; state is plain JSON. The order of values is all that counts:
 * how they were batched, and where in between the state was saved and read again, changes nothing.
 */
import type { Level, Quality, Value } from '../../core/event.ts';
import { beginAbsence, absenceDueAt, recordSignal, type AbsenceState } from './absence.ts';
import { conditionsOf, type Rule } from './rule.ts';
import { announceTurn, NOTHING_ANNOUNCED, unsuppress, type Announcement, type AnnouncementState, type CitedValue } from './announcement.ts';
import { levelOf, nextDueAt, LATCHES_OFF, passTime, takeValue, type Latches, type ThresholdLimits, type LatchChange } from './threshold.ts';

/** A value that came later than this after it occurred is catch-up. */
export const LIVE_WINDOW_MS = 600_000;
/** A clock that runs further ahead than this does not move the watermark: the value counts at its arrival. */
const MAX_AHEAD_MS = 120_000;
/** With a lateness, at most so many values of a series wait for the watermark; then the oldest is taken. */
const MAX_WAITING = 4096;

/** One value of the series, as the gateway had it. */
export interface SeriesValue {
  occurredAt: number;
  /** ms UTC when it reached the gateway; its age is counted with this, so that a re-run decides the same. */
  receivedAt: number;
  value: Value;
  unit: string;
  quality: Quality;
  /** False for what says nothing about now: stale, out of reach, or in a unit that the rule cannot read. */
  usable: boolean;
  /** Nobody knows when it was: it can be found in hindsight, and neither raises anything nor moves time on. Default false. */
  isTimeUnknown?: boolean;
}

/** Processing time: all that reached the gateway before `untilAt` was taken, and the series' edge has been there since `edgeSince`. */
export interface IdleTime {
  untilAt: number;
  edgeSince: number;
}

interface Waiting extends CitedValue {
  receivedAt: number;
  good: boolean;
  alive: boolean;
  live: boolean;
}

interface LateSpan {
  fromAt: number;
  toAt: number;
  level: Level;
  cite: CitedValue;
}

export interface SeriesState {
  /** Newest event time; −1 before the first value. */
  newestAt: number;
  watermarkAt: number;
  receivedAt: number;
  waiting: Waiting[];
  /** The last good value. */
  cite: CitedValue | null;
  speech: AnnouncementState;
  latches: Latches;
  absence: AbsenceState;
  /** Late values beyond a limit that follow each other are one finding. */
  lateSpan: LateSpan | null;
}

export interface SeriesStep {
  state: SeriesState;
  announcements: Announcement[];
  /** The value came after the watermark had passed its time. */
  late: boolean;
}

export const NEW_SERIES: SeriesState = {
  newestAt: -1, watermarkAt: -1, receivedAt: -1, waiting: [], cite: null, speech: NOTHING_ANNOUNCED, latches: LATCHES_OFF,
  absence: { aliveAt: -1, heardAt: -1, absent: false }, lateSpan: null,
};

/** A rule made ready for evaluation. */
export interface Evaluator {
  rule: Rule;
  limits: ThresholdLimits;
}

export function evaluatorOf(rule: Rule): Evaluator {
  const limits = rule.type === 'threshold'
    ? { conditions: conditionsOf(rule), hysteresis: rule.off.hysteresis, offDelayMs: rule.off.offDelay }
    : { conditions: [], hysteresis: 0, offDelayMs: 0 };
  return { rule, limits };
}

/** Takes one value, in the order of the gateway's log. */
export function stepValue(evaluator: Evaluator, before: SeriesState, input: SeriesValue): SeriesStep {
  const state = copyOf(before);
  const at = input.occurredAt > input.receivedAt + MAX_AHEAD_MS ? input.receivedAt : input.occurredAt;
  const { value, unit, receivedAt, quality, usable, isTimeUnknown = false } = input;
  const good = quality === 'good' && usable;
  if (!isTimeUnknown) state.receivedAt = Math.max(state.receivedAt, receivedAt);
  if (isTimeUnknown || at < state.watermarkAt)
    return { state, announcements: good ? judgeLate(evaluator, state, { at, value, unit }) : [], late: true };
  state.newestAt = Math.max(state.newestAt, at);
  insert(state.waiting, { at, value, unit, receivedAt, good, alive: quality !== 'bad' && usable, live: receivedAt - at <= LIVE_WINDOW_MS });
  state.watermarkAt = Math.max(state.watermarkAt, state.newestAt - evaluator.rule.lateness);
  return { state, announcements: drain(evaluator, state), late: false };
}

/** Lets processing time go on while no values come: delays of an idle series end, absence is noticed. */
export function stepIdle(evaluator: Evaluator, before: SeriesState, idle: IdleTime): SeriesStep {
  const { rule, limits } = evaluator;
  if (nextIdleAt(evaluator, before, idle.edgeSince) > idle.untilAt) return { state: before, announcements: [], late: false };
  const state = copyOf(before);
  const announcements: Announcement[] = [];
  if (rule.type === 'absence') {
    const cite = state.cite ?? { at: state.absence.aliveAt, value: null, unit: '' };
    announcements.push(...announceTurn(state.speech, beginAbsence(rule, state.absence), cite));
    // Noticed now, by our own clock: there is nothing to catch up with.
    announcements.push(...unsuppress(state.speech, state.absence.aliveAt + rule.after, cite));
  }
  // Time goes on from due to due, not to `untilAt`: how often somebody asked must not show.
  while (rule.type === 'threshold' && nextIdleAt(evaluator, state, idle.edgeSince) <= idle.untilAt) {
    state.watermarkAt = Math.max(state.watermarkAt, nextEventAt(limits, state));
    announcements.push(...drain(evaluator, state));
    announcements.push(...announce(state, passTime(limits, state.latches, state.watermarkAt, true)));
  }
  return { state, announcements, late: false };
}

/** The processing time at which `stepIdle` next has something to do; Infinity when nothing is pending. */
export function nextIdleAt({ rule, limits }: Evaluator, state: SeriesState, edgeSince: number): number {
  if (rule.type === 'absence') return absenceDueAt(rule, state.absence, edgeSince);
  const aheadMs = nextEventAt(limits, state) - (state.newestAt - rule.lateness);
  return Math.max(state.receivedAt, edgeSince) + rule.idleTimeout + Math.max(0, aheadMs);
}

/** The event time at which something pending falls due: a waiting value, or the end of a delay. */
function nextEventAt(limits: ThresholdLimits, state: SeriesState): number {
  return Math.min(nextDueAt(limits, state.latches), state.waiting[0]?.at ?? Infinity);
}

/** Takes the values that the watermark has reached, in order of their time. */
function drain(evaluator: Evaluator, state: SeriesState): Announcement[] {
  const announcements: Announcement[] = [];
  while (state.waiting[0] && (state.waiting[0].at <= state.watermarkAt || state.waiting.length > MAX_WAITING)) {
    const value = state.waiting.shift() as Waiting;
    state.watermarkAt = Math.max(state.watermarkAt, value.at);
    announcements.push(...takeInOrder(evaluator, state, value));
  }
  return announcements;
}

function takeInOrder({ rule, limits }: Evaluator, state: SeriesState, value: Waiting): Announcement[] {
  const { at, unit } = value;
  // What becomes known only through a value that came late is not said aloud, nor is what passed before it.
  if (!value.live) state.speech.silent = true;
  const announcements = announce(state, passTime(limits, state.latches, at, false));
  if (value.good) state.cite = { at, value: value.value, unit };
  if (rule.type === 'threshold') announcements.push(...announce(state, takeValue(limits, state.latches, at, value.value, value.good)));
  else if (value.alive) announcements.push(...announce(state, recordSignal(state.absence, at, value.receivedAt)));
  const tells = rule.type === 'threshold' ? value.good : value.alive;
  if (value.live && tells) announcements.push(...unsuppress(state.speech, at, state.cite ?? { at, value: value.value, unit }));
  return announcements;
}

function announce(state: SeriesState, turns: LatchChange[]): Announcement[] {
  return turns.flatMap((turn) => announceTurn(state.speech, turn, state.cite ?? { at: turn.at, value: null, unit: '' }));
}

/** A value from before the watermark is judged by itself, without delays, and only for the record. */
function judgeLate({ limits }: Evaluator, state: SeriesState, cite: CitedValue): Announcement[] {
  const alone = structuredClone(LATCHES_OFF);
  takeValue(
    { ...limits, conditions: limits.conditions.map((condition) => ({ ...condition, onDelayMs: 0 })) },
    alone,
    cite.at,
    cite.value,
    true,
  );
  const level = levelOf(alone);
  const { lateSpan } = state;
  if (level === null) state.lateSpan = null;
  else if (!lateSpan || cite.at < lateSpan.toAt) state.lateSpan = { fromAt: cite.at, toAt: cite.at, level, cite };
  else state.lateSpan = level < lateSpan.level ? { ...lateSpan, toAt: cite.at, level, cite } : { ...lateSpan, toAt: cite.at };
  return state.lateSpan ? [{ kind: 'finding', why: 'late', ...state.lateSpan }] : [];
}

/** Keeps the waiting values in order of time, and equal times in order of arrival. */
function insert(waiting: Waiting[], value: Waiting): void {
  let at = waiting.length;
  while (at > 0 && (waiting[at - 1] as Waiting).at > value.at) at -= 1;
  waiting.splice(at, 0, value);
}

function copyOf(state: SeriesState): SeriesState {
  const { speech, latches } = state;
  return {
    ...state,
    waiting: [...state.waiting],
    speech: { ...speech, episode: speech.episode && { ...speech.episode } },
    latches: { ...latches, on: [...latches.on], meeting: { ...latches.meeting }, leaving: { ...latches.leaving } },
    absence: { ...state.absence },
  };
}
