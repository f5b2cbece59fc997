/** Station: a changed warning gets what it is published with: words, place, media, and the names of what is missing. */
import type { Catalogue } from '../../city/catalogue/catalogue.ts';
import { indicatorName } from '../../city/catalogue/name.ts';
import type { RuleTables } from '../../city/rules/engine.ts';
import type { Rule } from '../../city/rules/rule.ts';
import { newestRuleChange, type DescribedWarning, type Warning, type WarningDescription } from '../../city/warning/warning.ts';
import type { Position } from '../../core/event.ts';
import type { RecentMedia } from './media.ts';
import { warningReason, warningTitle } from './words.ts';

export interface DescriptionSources {
  gateway: string;
  catalogue: Catalogue;
  exercise: boolean;
  /** What presence knows of a device; null when it does not know it. */
  device(id: string): { position: Position | null } | null;
}

const CHECK_ON_SITE = { zh: '请值班人员核实现场情况', en: 'let the duty officer check on site' };

export class WarningDescriber {
  readonly #tables: Pick<RuleTables, 'warnings'>;
  readonly #media: RecentMedia;
  readonly #nowMs: () => number;

  constructor(tables: Pick<RuleTables, 'warnings'>, media: RecentMedia, nowMs: () => number) {
    this.#tables = tables;
    this.#media = media;
    this.#nowMs = nowMs;
  }

  /**
   * @param warnings in the order in which they changed; one may be there several times
   * @param republished those of which only the media are new
   */
  describe(
    warnings: readonly Warning[],
    republished: ReadonlySet<Warning>,
    ruleOf: (id: string) => Rule | null,
    sources: DescriptionSources,
  ): DescribedWarning[] {
    const newest = new Map<string, DescribedWarning>();
    return warnings.map((warning) => {
      const before = newest.get(warning.id) ?? this.#tables.warnings.get(warning.id) ?? null;
      const next = republished.has(warning) && isDescribed(before)
        ? refreshWarningMedia(warning, before, this.#media)
        : describeWarning(warning, before, ruleOf(warning.rule), sources, this.#media, this.#nowMs());
      newest.set(next.id, next);
      return next;
    });
  }
}

/** @param before the same warning as it was published last; null the first time */
function describeWarning(
  changed: Warning,
  before: Warning | null,
  rule: Rule | null,
  sources: DescriptionSources,
  media: RecentMedia,
  nowMs: number,
): DescribedWarning {
  const warning = carriedOver(changed, before);
  const changes = withReason(warning, rule, sources.catalogue);
  return { ...warning, changes, media: media.of(warning), description: descriptionOf({ ...warning, changes }, rule, sources, nowMs) };
}

/** Only its media are new: it is published again, under a revision of its own. */
function refreshWarningMedia(changed: Warning, before: DescribedWarning, media: RecentMedia): DescribedWarning {
  const warning = carriedOver(changed, before);
  return { ...warning, description: before.description, media: media.of(warning) };
}

const isDescribed = (warning: Warning | null): warning is DescribedWarning => warning?.description !== null && warning !== null;

/** Of two changes in one batch the later one does not have the description of the first yet. */
function carriedOver(warning: Warning, before: Warning | null): Warning {
  if (!before || warning.description === before.description) return warning;
  const known = new Map(before.changes.map((change) => [change.n, change]));
  return {
    ...warning,
    description: before.description,
    media: before.media,
    changes: warning.changes.map((change) => known.get(change.n) ?? change),
  };
}

function withReason(warning: Warning, rule: Rule | null, catalogue: Catalogue): Warning['changes'] {
  const newest = newestRuleChange(warning);
  if (!newest?.cite || newest.reason) return warning.changes;
  const previous = warning.changes[warning.changes.indexOf(newest) - 1] ?? null;
  const reason = warningReason(newest, newest.cite, previous, indicatorName(catalogue, newest.cite.indicator), rule);
  return warning.changes.map((change) => (change === newest ? { ...change, reason } : change));
}

function descriptionOf(
  { indicator, device, description: before, changes }: Warning,
  rule: Rule | null,
  { gateway, catalogue, exercise, device: deviceOf }: DescriptionSources,
  nowMs: number,
): WarningDescription {
  const entry = catalogue.of(indicator);
  const known = deviceOf(device);
  const position = known?.position ?? before?.position ?? null;
  const responsible = rule?.responsible ?? entry?.warning.responsible.unit;
  const parts: [part: string, isMissing: boolean][] = [
    ['subject', !known && !before],
    ['place', position === null],
    ['evidence', !changes.some(({ reason }) => reason)],
    ['responsible', !responsible],
    // There is no duty roster yet: nobody can be reached by name.
    ['contact', true],
    ['plan', !(rule?.plan ?? entry?.warning.plan)],
    ['suggestion', !entry],
  ];
  return {
    title: before?.title ?? warningTitle(rule, entry?.name ?? { zh: indicator, en: indicator }),
    suggestion: before?.suggestion ?? entry?.warning.suggestion ?? CHECK_ON_SITE,
    exercise: before?.exercise ?? exercise,
    raisedBy: before?.raisedBy ?? `gateway:${gateway}`,
    publishedAt: before?.publishedAt ?? nowMs,
    position,
    missing: parts.filter(([, isMissing]) => isMissing).map(([part]) => part),
  };
}
