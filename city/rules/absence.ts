/**
 * Absence: that nothing came for a time, while the edge was there. Heartbeats count as signs of life; what is bad, stale
 * or out of reach does not. A gap that lies in the past (an edge's backlog) is nothing to act on and says nothing.
 */
import type { AbsenceRule } from './rule.ts';
import type { LatchChange } from './threshold.ts';

export interface AbsenceState {
  /** Event time of the last sign of life; −1 before the first. */
  aliveAt: number;
  /** When it reached the gateway. */
  heardAt: number;
  absent: boolean;
}

/** The processing time at which an absence is to be noticed; Infinity when there is none to wait for. */
export function absenceDueAt(rule: AbsenceRule, state: AbsenceState, edgeSince: number): number {
  return state.absent || state.heardAt < 0 ? Infinity : Math.max(state.heardAt, edgeSince) + rule.after;
}

/** The rule's time has passed without a sign of life: the absence began with the last one. */
export function beginAbsence(rule: AbsenceRule, state: AbsenceState): LatchChange {
  state.absent = true;
  return { at: state.aliveAt + rule.after, level: rule.level, onsetAt: state.aliveAt };
}

/** A sign of life ends an absence. */
export function recordSignal(state: AbsenceState, atMs: number, receivedAt: number): LatchChange[] {
  const turns: LatchChange[] = state.absent ? [{ at: atMs, level: null, onsetAt: atMs }] : [];
  state.absent = false;
  state.aliveAt = Math.max(state.aliveAt, atMs);
  state.heardAt = Math.max(state.heardAt, receivedAt);
  return turns;
}
