/** When something holds: hours of a day, on some days of the week, by the time in China (UTC+8, no summer time). Pure. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export interface Span {
  /** Minutes from midnight; `to` at or before `from` lies on the next day. */
  from: number;
  to: number;
  /** Days on which it begins; empty: every day. */
  days: readonly (typeof DAYS)[number][];
}

const HOUR_MS = 3_600_000;
const DAY_MINUTES = 1440;

/** @param spans none: always @param at ms UTC */
export function isWithin(spans: readonly Span[], at: number): boolean {
  if (spans.length === 0) return true;
  const local = new Date(at + 8 * HOUR_MS);
  const minutes = local.getUTCHours() * 60 + local.getUTCMinutes();
  const today = (local.getUTCDay() + 6) % 7;
  const begins = (span: Span, day: number) => span.days.length === 0 || span.days.includes(DAYS[(day + 7) % 7] as Span['days'][number]);
  return spans.some((span) => {
    const { from: fromMinutes, to: toMinutes } = span;
    const untilMinutes = toMinutes <= fromMinutes ? toMinutes + DAY_MINUTES : toMinutes;
    return (begins(span, today) && minutes >= fromMinutes && minutes < untilMinutes)
      || (begins(span, today - 1) && minutes + DAY_MINUTES < untilMinutes && minutes + DAY_MINUTES >= fromMinutes);
  });
}

/** `22:00` → 1320; null when it is no time of day. `24:00` is the end of the day. */
export function minutesOf(text: string): number | null {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= DAY_MINUTES ? total : null;
}
