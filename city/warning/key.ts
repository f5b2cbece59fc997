/** A key of warnings, and what follows from the announcements of its series. Pure. */
import { seriesKey, type Level } from '../../core/event.ts';
import type { Announcement } from '../rules/announcement.ts';
import type { Rule } from '../rules/rule.ts';
import { isOpen } from './lifecycle.ts';
import {
  changeWarningLevel,
  clearWarning,
  raiseWarning,
  recurWarning,
  type SeriesName,
  type Warning,
  type WarningChange,
  type WarningKey,
} from './warning.ts';

export interface KeyState extends WarningKey {
  /** The newest warning of the key, open or over; null before the first, and when one that is over is not at hand any more. */
  warning: Warning | null;
  /** Names the newest warning, at hand or not. */
  newest: { id: string; onsetAt: number } | null;
  /** Which series hold the condition, at which level. */
  series: Record<string, Level>;
}

export const warningKeyText = (key: WarningKey): string => `${key.rule}|${key.subject}|${key.centre}`;

/** @returns the key's new state; its warning differs from the old one exactly when something is to be published */
export function applyAnnouncement(
  rule: Rule,
  key: KeyState,
  { indicator, device, point }: SeriesName,
  announcement: Exclude<Announcement, { kind: 'finding' }>,
): KeyState {
  const series = { ...key.series };
  const name = { indicator, device, point };
  if (announcement.kind === 'cleared') delete series[seriesKey(name)];
  else series[seriesKey(name)] = announcement.level;
  const levels = Object.values(series);
  const level = levels.length > 0 ? (Math.min(...levels) as Level) : null;
  const cite = { ...announcement.cite, ...name };
  const open = key.warning && isOpen(key.warning.state) ? key.warning : null;
  const next = (warning: Warning | null): KeyState => ({ ...key, series, warning });
  if (level === null) return next(open ? clearWarning(open, 'cleared', rule.autoClose, announcement.atMs, cite) : key.warning);
  if (!open) return announcement.kind === 'raised' ? raise(rule, { ...key, series }, name, announcement, cite) : next(key.warning);
  if (open.condition === 'cleared') return next(recurWarning(open, level, announcement.atMs, cite));
  return next(level === open.level ? open : changeWarningLevel(open, level, announcement.atMs, cite));
}

/** Ends a warning whose rule is gone or was changed. */
export function withdrawWarning({ autoClose }: Pick<Rule, 'autoClose'>, key: KeyState, atMs: number): KeyState {
  const { warning } = key;
  if (!warning || !isOpen(warning.state) || warning.condition === 'cleared') return { ...key, series: {} };
  const { indicator, device, point } = warning;
  const cite = warning.changes.findLast((change) => change.cite)?.cite ?? { indicator, device, point, at: atMs, value: null, unit: '' };
  return { ...key, series: {}, warning: clearWarning(warning, 'withdrawn', autoClose, atMs, cite) };
}

function raise(
  rule: Rule,
  key: KeyState,
  name: SeriesName,
  announcement: Extract<Announcement, { kind: 'raised' }>,
  cite: WarningChange['cite'],
): KeyState {
  const { newest } = key;
  // Two onsets of one key at one time (two series, or equal times) are two warnings: the later one gives way by 1 ms.
  const onsetAt = newest ? Math.max(announcement.onsetAt, newest.onsetAt + 1) : announcement.onsetAt;
  const { level, late, atMs } = announcement;
  const warning = raiseWarning(rule, key, name, { level, late, onsetAt, raisedAt: atMs, previousId: newest?.id ?? null, cite });
  return { ...key, warning, newest: { id: warning.id, onsetAt } };
}
