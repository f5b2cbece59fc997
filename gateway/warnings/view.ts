/** A warning as others see it: the facts of the rules, with words, place, what to do, and what is still missing. */
import type { WarningView } from '../../api/warnings.ts';
import type { Catalogue } from '../../city/catalogue/catalogue.ts';
import type { Position, Snapshot } from '../../core/event.ts';
import type { Rule } from '../../city/rules/rule.ts';
import type { Warning } from '../../city/warning/warning.ts';
import type { Follower } from './shown.ts';
import { reasonsOf, titleOf } from './words.ts';

export interface ViewSources {
  gateway: string;
  catalogue: Catalogue;
  exercise: boolean;
  /** What the registry knows of a device; null when it does not know it. */
  device(id: string): { position: Position | null } | null;
}

/**
 * @param before the same warning as it was shown before; what was frozen then stays
 * @param snapshots of what it was raised for
 */
export function viewOf(warning: Warning, rule: Rule | null, sources: ViewSources, before: WarningView | null, nowMs: number, snapshots: readonly Snapshot[] = []): WarningView {
  const { id, version, type, indicator, device, point, subject, centre, level, state, condition, late, onsetAt, raisedAt, changedAt, clearedAt, previousId } = warning;
  const entry = sources.catalogue.of(indicator);
  const known = sources.device(device);
  const position = known?.position ?? before?.place.position ?? null;
  const reasons = reasonsOf(warning, rule, sources.catalogue, before?.reasons ?? []);
  const responsible = rule?.responsible ?? entry?.warning.responsible.unit;
  const shown = before?.snapshots ?? snapshots;
  const missing: [part: string, isMissing: boolean][] = [
    ['subject', !known && !before],
    ['place', position === null],
    ['evidence', reasons.length === 0],
    ['responsible', !responsible],
    // There is no duty roster yet: nobody can be reached by name.
    ['contact', true],
    ['plan', !(rule?.plan ?? entry?.warning.plan)],
    ['suggestion', !entry],
  ];
  return {
    id, rule: warning.rule, version, type, indicator, device, point, subject, centre, level, state, condition,
    exercise: before?.exercise ?? sources.exercise,
    late, raisedBy: `gateway:${sources.gateway}`, onsetAt, raisedAt,
    publishedAt: before?.publishedAt ?? nowMs,
    changedAt, clearedAt, previousId,
    title: before?.title ?? titleOf(rule, entry?.name ?? { zh: indicator, en: indicator }),
    place: { zh: `${centre} ${subject}`, en: `${subject}, centre ${centre}`, position },
    reasons,
    ...(shown.length > 0 && { snapshots: [...shown] }),
    ...(before?.clips && { clips: before.clips }),
    suggestion: before?.suggestion ?? entry?.warning.suggestion ?? { zh: '请值班人员核实现场情况', en: 'let the duty officer check on site' },
    incomplete: missing.filter(([, isMissing]) => isMissing).map(([part]) => part),
  };
}

/** With what has come since: clips, and pictures of main streams. All else of it stays. */
export function withFollowers(view: WarningView, followers: readonly Follower[]): WarningView {
  const clips = joined(view.clips ?? [], followers.filter((one) => one.kind === 'clip'));
  const snapshots = joined(view.snapshots ?? [], followers.filter((one) => one.kind === 'snapshot'));
  return { ...view, ...(snapshots.length > 0 && { snapshots }), ...(clips.length > 0 && { clips }) };
}

/** Files that were there before, and those that have come since. */
function joined<T extends { sha256: string }>(before: readonly T[], come: readonly T[]): T[] {
  return [...before, ...come.filter(({ sha256 }) => !before.some((one) => one.sha256 === sha256))];
}
