/** A warning as the rules see it: one open one a key (rule, subject, centre), whatever number of series speak to it. */
import { createHash } from 'node:crypto';
import type { WarningState } from './state.ts';
import type { Level } from '../../core/event.ts';
import { AUTO_CLOSE, isOpen, transition } from './lifecycle.ts';
import type { Rule } from '../rules/rule.ts';
import type { AnnouncedValue, Announcement } from '../rules/announcement.ts';

export interface WarningKey {
  rule: string;
  subject: string;
  centre: string;
}

export interface SeriesName {
  indicator: string;
  device: string;
  point: string;
}

/** withdrawn: its rule is gone or was changed. closed stands after the change that closed it. */
type ChangeKind = 'raised' | 'level' | 'cleared' | 'recurred' | 'withdrawn' | 'closed';

/** What happened to a warning, and the value it rests on. */
export interface Change {
  kind: ChangeKind;
  at: number;
  level: Level;
  state: WarningState;
  cite: AnnouncedValue & SeriesName;
}

export interface Warning extends WarningKey, SeriesName {
  id: string;
  version: number;
  type: Rule['type'];
  level: Level;
  /** The most severe level it had. */
  worst: Level;
  state: WarningState;
  condition: 'active' | 'cleared';
  /** Raised after catching up, or known late. */
  late: boolean;
  onsetAt: number;
  raisedAt: number;
  changedAt: number;
  clearedAt: number | null;
  previousId: string | null;
  /** Times the condition held, while it was open. */
  count: number;
  /** One higher with each change that is told; names a state of the warning together with its id. */
  revision: number;
  changes: Change[];
}

/** What is known of a key: its warning (the open one, or the last), and which series hold it at which level. */
export interface KeyState extends WarningKey {
  warning: Warning | null;
  series: Record<string, Level>;
}

/** At most so many changes stay in a warning: the first and the newest. */
const MAX_CHANGES = 64;

/** id = sha256(rule|subject|centre|onsetAt), its first 16 hex digits. */
export function warningId(key: WarningKey, onsetAt: number): string {
  return createHash('sha256').update(`${key.rule}|${key.subject}|${key.centre}|${onsetAt}`).digest('hex').slice(0, 16);
}

export const keyText = (key: WarningKey): string => `${key.rule}|${key.subject}|${key.centre}`;
export const seriesText = (name: SeriesName): string => `${name.indicator}|${name.device}|${name.point}`;

/**
 * Takes what one series of a key says.
 *
 * @returns the key's new state; its warning differs from the old one exactly when something is to be told
 */
export function hear(rule: Rule, key: KeyState, name: SeriesName, saying: Exclude<Announcement, { say: 'finding' }>): KeyState {
  const series = { ...key.series };
  if (saying.say === 'cleared') delete series[seriesText(name)];
  else series[seriesText(name)] = saying.level;
  const levels = Object.values(series);
  const level = levels.length > 0 ? (Math.min(...levels) as Level) : null;
  const cite = { ...saying.cite, indicator: name.indicator, device: name.device, point: name.point };
  const current = key.warning && isOpen(key.warning.state) ? key.warning : null;
  if (level === null) return { ...key, series, warning: current ? clear(rule, current, saying.at, cite) : key.warning };
  if (!current) {
    return saying.say === 'raised' ? { ...key, series, warning: raise(rule, key, name, saying, cite) } : { ...key, series };
  }
  if (current.condition === 'cleared') {
    return { ...key, series, warning: change({ ...current, condition: 'active', clearedAt: null, level, count: current.count + 1 }, 'recurred', saying.at, cite) };
  }
  return { ...key, series, warning: level === current.level ? current : change({ ...current, level }, 'level', saying.at, cite) };
}

/** Ends a warning whose rule is gone or was changed. */
export function withdraw(rule: Pick<Rule, 'autoClose'>, key: KeyState, at: number): KeyState {
  const { warning } = key;
  if (!warning || !isOpen(warning.state) || warning.condition === 'cleared') return { ...key, series: {} };
  const last = warning.changes.at(-1)?.cite ?? { indicator: warning.indicator, device: warning.device, point: warning.point, at, value: null, unit: '' };
  return { ...key, series: {}, warning: clear(rule, warning, at, last, 'withdrawn') };
}

function raise(rule: Rule, key: KeyState, name: SeriesName, saying: Extract<Announcement, { say: 'raised' }>, cite: Change['cite']): Warning {
  const previous = key.warning;
  // Two onsets of one key at one time (two series, or equal times) are two warnings: the later one gives way by 1 ms.
  const onsetAt = previous ? Math.max(saying.onsetAt, previous.onsetAt + 1) : saying.onsetAt;
  const { rule: ruleId, subject, centre } = key;
  const warning: Warning = {
    rule: ruleId, subject, centre, indicator: name.indicator, device: name.device, point: name.point,
    id: warningId(key, onsetAt), version: rule.version, type: rule.type, level: saying.level, worst: saying.level, state: 'raised', condition: 'active',
    late: saying.late, onsetAt, raisedAt: saying.at, changedAt: saying.at, clearedAt: null, previousId: previous?.id ?? null, count: 1, revision: 0, changes: [],
  };
  return change(warning, 'raised', saying.at, cite);
}

function clear(rule: Pick<Rule, 'autoClose'>, warning: Warning, at: number, cite: Change['cite'], kind: 'cleared' | 'withdrawn' = 'cleared'): Warning {
  const cleared = change({ ...warning, condition: 'cleared', clearedAt: at }, kind, at, cite);
  if (!rule.autoClose || !transition(cleared.state, 'closed', 'engine', AUTO_CLOSE)) return cleared;
  return change({ ...cleared, state: 'closed' }, 'closed', at, cite);
}

function change(warning: Warning, kind: ChangeKind, at: number, cite: Change['cite']): Warning {
  const changes = [...warning.changes, { kind, at, level: warning.level, state: warning.state, cite }];
  if (changes.length > MAX_CHANGES) changes.splice(1, 1);
  return { ...warning, worst: Math.min(warning.worst, warning.level) as Level, changedAt: Math.max(warning.changedAt, at), revision: warning.revision + 1, changes };
}
