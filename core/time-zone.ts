/** Time of day in a zone of the IANA database: how far it is ahead of UTC at a moment, and when a local time is. Pure. */
import { MAX_TIME_MS } from './event.ts';

/** Where nothing else is set: China, which has no summer time. */
export const CHINA = 'Asia/Shanghai';

const DAY_MS = 86_400_000;
/** Zones change on a whole quarter of an hour. */
const STEP_MS = 900_000;
const MOST_KEPT = 512;
/** A date that JavaScript has, with a day to either side. */
const FURTHEST_MS = MAX_TIME_MS - 3 * DAY_MS;

interface Zone {
  format: Intl.DateTimeFormat;
  /** Asking takes microseconds, and it is asked for every picture: start of a quarter of an hour → ahead of UTC, ms. */
  known: Map<number, number>;
}

const ZONES = new Map<string, Zone>();

/** A name such as Asia/Shanghai; an offset such as +08:00 is none, since it knows no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    zoneOf(name);
    return true;
  } catch {
    return false;
  }
}

/** @param name a zone that there is @param at ms UTC @returns ms that the zone's clocks are ahead of UTC then */
export function aheadMs(name: string, utcMs: number): number {
  if (!(Math.abs(utcMs) < FURTHEST_MS)) return 0;
  const { format, known } = zoneOf(name);
  const from = Math.floor(utcMs / STEP_MS) * STEP_MS;
  const found = known.get(from);
  if (found !== undefined) return found;
  const shown = format.formatToParts(from).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] = /([+-])(\d+):(\d+)(?::(\d+))?/.exec(shown) ?? [];
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * (sign === '-' ? -1000 : 1000);
  if (known.size >= MOST_KEPT) known.clear();
  known.set(from, ms);
  return ms;
}

/**
 * When clocks in the zone show this. Where they are set back they show it twice; where they are set forward and never
 * show it, it is the moment at which they are set.
 *
 * @param localMs what they show, as if it were UTC
 * @returns ms UTC
 */
export function momentOf(name: string, localMs: number, which: 'first' | 'last'): number {
  const [before, after] = [aheadMs(name, localMs - DAY_MS), aheadMs(name, localMs + DAY_MS)];
  const found = [localMs - before, localMs - after].filter((at) => at + aheadMs(name, at) === localMs);
  if (found.length > 0) return which === 'first' ? Math.min(...found) : Math.max(...found);
  let [low, high] = [localMs - Math.max(before, after), localMs - Math.min(before, after)].map((at) => Math.floor(at / STEP_MS)) as [
    number,
    number,
  ];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (aheadMs(name, middle * STEP_MS) === before) low = middle;
    else high = middle;
  }
  return high * STEP_MS;
}

function zoneOf(name: string): Zone {
  const kept = ZONES.get(name);
  if (kept) return kept;
  const zone = {
    format: new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' }),
    known: new Map<number, number>(),
  };
  if (ZONES.size < MOST_KEPT) ZONES.set(name, zone);
  return zone;
}
