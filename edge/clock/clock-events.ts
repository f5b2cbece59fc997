/** What an edge says of its clock, for people and for the centre's history. Pure. */
import type { Draft } from '../../core/event.ts';
import type { Fault } from '../../core/faults.ts';
import type { OwnIndicator } from '../../core/own-indicators.ts';
import { isExactCorrection, type BootRecord } from '../../log/boot-history.ts';
import type { ClockStep } from './edge-clock.ts';

export const CLOCK_INDICATOR: OwnIndicator = 'CV-CLOCK';

/** Between which times the events of a boot lie, and how much of that is not known; null where all is. */
function boundsOf({ assumedAt, toMs, decided }: BootRecord): { fromAt: number; toAt: number; unknownMs: number } | null {
  if (!decided || isExactCorrection(decided)) return null;
  const beganAt = assumedAt + decided.shiftMs;
  return {
    fromAt: Math.round(beganAt - decided.earlierMs),
    toAt: Math.round(beganAt + decided.laterMs + toMs),
    unknownMs: decided.earlierMs + decided.laterMs,
  };
}

export function unknownTimeFault(boot: BootRecord): Fault | null {
  const bounds = boundsOf(boot);
  return (
    bounds && {
      code: 'CV_CLOCK_UNKNOWN',
      params: { from: new Date(bounds.fromAt).toISOString(), to: new Date(bounds.toAt).toISOString(), unknownMs: bounds.unknownMs },
    }
  );
}

/** The unknown gap by name: `value` how many ms are unknown, `window` between which times the events of `subject` lie. */
export function unknownTimeEvent(edge: string, centre: string, boot: BootRecord, nowMs: number): Draft {
  const { fromAt, toAt, unknownMs } = boundsOf(boot) ?? { fromAt: nowMs, toAt: nowMs, unknownMs: 0 };
  return {
    ...ours(edge, centre, nowMs),
    subject: `epoch ${boot.epochs.join(' ')}`.slice(0, 128),
    value: unknownMs,
    window: { fromAt, toAt, count: boot.epochs.length },
  };
}

/** The clock was wrong until now: `value` by how much it was set forward, ms. */
export function clockStepEvent(edge: string, centre: string, step: ClockStep, nowMs: number): Draft {
  return { ...ours(edge, centre, nowMs), subject: step.source, value: Math.round(step.byMs) };
}

const ours = (edge: string, centre: string, nowMs: number): Omit<Draft, 'value'> => ({
  device: edge,
  point: 'clock',
  indicator: CLOCK_INDICATOR,
  centre,
  kind: 'diagnostic',
  unit: 'ms',
  occurredAt: nowMs,
  clock: 'edge',
  observedAt: nowMs,
  quality: 'good',
  origin: 'live',
});
