/** When something holds: hours of a day, on some days of the week, by the clocks of a time zone. Pure. */
import { aheadMs, CHINA, momentOf } from '../core/time-zone.ts';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export interface ScheduleSpan {
  /** Minutes from midnight; `to` at or before `from` lies on the next day. */
  from: number;
  to: number;
  /** Days on which it begins; empty: every day. */
  days: readonly (typeof DAYS)[number][];
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;

/**
 * Where clocks are set back, a span goes from the first time that they show its begin to the last time that they show its
 * end, without a hole; what they pass over where they are set forward holds at no moment.
 *
 * @param spans none: always @param at ms UTC
 */
export function isWithin(spans: readonly ScheduleSpan[], at: number, timeZone = CHINA): boolean {
  if (spans.length === 0) return true;
  const midnightMs = Math.floor((at + aheadMs(timeZone, at)) / DAY_MS) * DAY_MS;
  // A span that began on the day before may go on; where clocks are set back over midnight, one of the next day has begun.
  return [midnightMs, midnightMs - DAY_MS, midnightMs + DAY_MS].some((dayMs) =>
    spans.some(
      (span) =>
        isOn(span, dayMs) &&
        at >= momentOf(timeZone, dayMs + span.from * MINUTE_MS, 'first') &&
        at < momentOf(timeZone, dayMs + endOf(span) * MINUTE_MS, 'last'),
    ),
  );
}

/** @param dayMs local midnight, as if it were UTC */
const isOn = ({ days }: ScheduleSpan, dayMs: number): boolean =>
  days.length === 0 || days.includes(DAYS[(new Date(dayMs).getUTCDay() + 6) % 7] as ScheduleSpan['days'][number]);

const endOf = ({ from, to }: ScheduleSpan): number => (to <= from ? to + DAY_MINUTES : to);

/** `22:00` → 1320; null when it is no time of day. `24:00` is the end of the day. */
export function minutesOf(text: string): number | null {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= DAY_MINUTES ? total : null;
}
