/** For tests of rules: rules from a few words, events, and a slow reference that knows no shortcuts. */
import type { Event, Level, Quality, Value } from '../../core/event.ts';
import type { RuleTables } from '../rules/engine.ts';
import { RULE_SCHEMA, conditionsOf, type Rule, type ThresholdRule } from '../rules/rule.ts';
import { isWithinHours, meetsCondition } from '../rules/when.ts';

export function rule(over: Record<string, unknown> = {}): Rule {
  return RULE_SCHEMA.parse({
    id: 'r',
    version: 1,
    type: 'threshold',
    select: { indicator: 'X' },
    levels: { 2: { when: '>= 3', onDelay: '2ms' } },
    ...over,
  });
}

export function absenceRule(over: Record<string, unknown> = {}): Rule {
  return RULE_SCHEMA.parse({ id: 'a', version: 1, type: 'absence', select: { indicator: 'X' }, level: 3, after: '100ms', ...over });
}

export function event(over: Partial<Event>): Event {
  return {
    edge: 'e', stream: 'measurement', epoch: 1, seq: 1, device: 'd', point: 'p', indicator: 'X', centre: '500112', kind: 'measurement',
    value: 0, unit: 'm', occurredAt: 0, clock: 'device', observedAt: 0, quality: 'good', origin: 'live', ...over,
  };
}

export const emptyTables = (): RuleTables => ({ series: new Map(), keys: new Map(), warnings: new Map() });

/** The tables as a restart gives them back: through JSON. */
export function reread(tables: RuleTables): RuleTables {
  const again = <T>(map: Map<string, T>): Map<string, T> => new Map(JSON.parse(JSON.stringify([...map])) as [string, T][]);
  return { series: again(tables.series), keys: again(tables.keys), warnings: again(tables.warnings) };
}

export interface TestReading {
  at: number;
  value: Value;
  quality: Quality;
}

interface Instant {
  at: number;
  value: Value;
  good: boolean;
}

/**
 * Every change of the reported level, found by looking at each millisecond and, each time, back over all that was.
 * Readings are in order of time; a value holds until the next.
 */
export function reference(
  threshold: ThresholdRule,
  readings: readonly TestReading[],
  untilAt: number,
): { at: number; level: Level | null }[] {
  const conditions = conditionsOf(threshold);
  const past: Instant[] = [];
  /** Index into `past` from which on a level's present state has lasted. */
  const since = new Map<Level, number>(conditions.map(({ level }) => [level, 0]));
  const on = new Set<Level>();
  const turns: { at: number; level: Level | null }[] = [];
  let reported: Level | null = null;

  const heldFor = (fromIndex: number, holds: (value: Value) => boolean): number => {
    let first: Instant | null = null;
    for (let at = past.length - 1; at >= fromIndex; at -= 1) {
      const instant = past[at] as Instant;
      if (!instant.good) continue;
      if (!holds(instant.value)) break;
      first = instant;
    }
    return first ? (past.at(-1) as Instant).at - first.at : -1;
  };
  const look = (instant: Instant): void => {
    past.push(instant);
    if (!instant.good) return;
    const mark = past.length - 1;
    const arrived = conditions.find(
      ({ level, when, onDelayMs }) =>
        !on.has(level) && heldFor(since.get(level) as number, (value) => meetsCondition(when, value) === true) >= onDelayMs,
    );
    const leaving = conditions.filter(
      ({ level, when }) =>
        on.has(level) &&
        heldFor(since.get(level) as number, (value) => isWithinHours(when, threshold.off.hysteresis, value) === true) >=
          threshold.off.offDelay,
    );
    for (const { level, when } of conditions) {
      const comesAlong = arrived && !on.has(level) && level >= arrived.level && meetsCondition(when, instant.value) === true;
      const leaves = leaving.some((one) => one.level === level);
      if (!comesAlong && !leaves) continue;
      if (leaves) on.delete(level);
      else on.add(level);
      since.set(level, mark);
    }
    const level = on.size > 0 ? (Math.min(...on) as Level) : null;
    if (level !== reported) turns.push({ at: instant.at, level });
    reported = level;
  };

  let last: Instant | null = null;
  for (let at = 0; at <= untilAt; at += 1) {
    const now = readings.filter((reading) => reading.at === at);
    for (const reading of now) look((last = { at, value: reading.value, good: reading.quality === 'good' }));
    if (now.length === 0 && last) look({ ...last, at });
  }
  return turns;
}
