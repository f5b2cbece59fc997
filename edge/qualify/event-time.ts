/** Whose clock an event goes by (DESIGN 3, Clock). Pure. */
import { MAX_TIME_MS, type ClockSource, type Draft, type Flag, type Origin } from '../../core/event.ts';

const MAX_AHEAD_MS = 2 * 60_000;
const MAX_BEHIND_MS = 5 * 60_000;
/** No sensor we read kept a history before this; an earlier time is a clock that was never set. */
const OLDEST_MS = Date.UTC(2000, 0, 1);

export interface DeviceTime {
  /** ms UTC by the clock that `clock` names. */
  at: number;
  clock: ClockSource;
  observedAt: number;
  origin: Origin;
  /** The edge asked for the value just now, so an old time can only be a wrong clock. */
  polled: boolean;
  /** Nobody has set our own clock yet: nothing can be said of the device's. Default true. */
  isEdgeClockSet?: boolean;
}

export interface EventTime {
  occurredAt: number;
  clock: ClockSource;
  deviceAt?: number;
  flag?: Flag;
}

/** The event's time: the device's own where it can be believed, else the edge's, with the device's beside it. */
export function eventTime({ at, clock, observedAt, origin, polled, isEdgeClockSet = true }: DeviceTime): EventTime {
  if (clock !== 'device') return { occurredAt: Math.round(at), clock };
  // Replayed and simulated times are those of the recording; the wall clock says nothing about them.
  if (origin !== 'live' && origin !== 'backfill') return { occurredAt: Math.round(at), clock };
  if (!isEdgeClockSet) return { occurredAt: Math.round(observedAt), clock: 'unsynced', ...(isDate(at) && { deviceAt: Math.round(at) }) };
  const ahead = at - observedAt;
  const behind = origin === 'live' && polled && -ahead > MAX_BEHIND_MS;
  if (Number.isFinite(at) && ahead <= MAX_AHEAD_MS && !behind && at >= OLDEST_MS) return { occurredAt: Math.round(at), clock };
  const restamped: EventTime = { occurredAt: Math.round(observedAt), clock: 'edge', flag: 'skewed' };
  // A time before 1970 or beyond what a date can be has no place in an event.
  return isDate(at) ? { ...restamped, deviceAt: Math.round(at) } : restamped;
}

const isDate = (at: number): boolean => at >= 0 && at <= MAX_TIME_MS;

/** An event that was stamped while our clock was not set, now that its time is known: the device's own counts where it can be believed. */
export function restampDraft(draft: Draft, isPolled: (device: string) => boolean): Draft {
  const { deviceAt, ...rest } = draft;
  if (deviceAt === undefined || draft.clock !== 'edge') return draft;
  const { flag, ...time } = eventTime({
    at: deviceAt,
    clock: 'device',
    observedAt: draft.observedAt,
    origin: draft.origin,
    polled: isPolled(draft.device),
  });
  return { ...rest, ...time, ...(flag && { flags: [...new Set([...(draft.flags ?? []), flag])] }) };
}
