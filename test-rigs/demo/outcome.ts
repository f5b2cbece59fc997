/** What a run of the demo gave, and what of the expected did not happen. */
import type { WarningView } from '../../api/warnings.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Reconciler, ReconciledCounts } from './reconciler.ts';
import { CLEARED_BY_SECONDS, RAISED_BY_SECONDS } from './script.ts';

export interface DemoOutcome {
  events: { total: number; byDevice: Record<string, number>; byIndicator: Record<string, number> };
  warnings: { rule: string; subject: string; level: number; raisedAt: number; clearedAt: number | null }[];
  lost: number;
  duplicates: number;
  backlog: number;
}

export function demoOutcome(
  reconciler: Reconciler,
  warnings: readonly WarningView[],
  tally: ReconciledCounts,
  backlog: number,
): DemoOutcome {
  return {
    events: { total: reconciler.total, byDevice: reconciler.byDevice, byIndicator: reconciler.byIndicator },
    warnings: warnings.map(({ rule, subject, level, raisedAt, clearedAt }) => ({ rule, subject, level, raisedAt, clearedAt })),
    // What is missing after the drain is lost; `backlog` says how much of it may still be on its way.
    lost: tally.lost + Math.max(0, tally.missing - backlog),
    duplicates: tally.twice,
    backlog,
  };
}

/** @param runningAt ms UTC of `demo running` @param ranSeconds how long it ran from there */
export function demoFailures(outcome: DemoOutcome, devices: readonly string[], runningAt: number, ranSeconds: number): BilingualText[] {
  const found: BilingualText[] = [];
  for (const device of devices) {
    if (!outcome.events.byDevice[device]) found.push({ en: `no event of ${device}`, zh: `没有来自 ${device} 的事件` });
  }
  const water = outcome.warnings.filter((warning) => warning.subject === 'pump-07' && warning.raisedAt >= runningAt - 2000);
  const seconds = (at: number) => (at - runningAt) / 1000;
  if (ranSeconds >= RAISED_BY_SECONDS && !water.some((warning) => seconds(warning.raisedAt) <= RAISED_BY_SECONDS)) {
    found.push({ en: `no water-level warning within ${RAISED_BY_SECONDS} s`, zh: `${RAISED_BY_SECONDS} 秒内没有水位预警` });
  }
  if (
    ranSeconds >= CLEARED_BY_SECONDS &&
    !water.some((warning) => warning.clearedAt !== null && seconds(warning.clearedAt) <= CLEARED_BY_SECONDS)
  ) {
    found.push({
      en: `the water-level warning did not clear within ${CLEARED_BY_SECONDS} s`,
      zh: `水位预警未在 ${CLEARED_BY_SECONDS} 秒内解除`,
    });
  }
  for (const [name, zh] of [['lost', '丢失'], ['duplicates', '重复'], ['backlog', '积压']] as const) {
    if (outcome[name] > 0) found.push({ en: `${name}: ${outcome[name]}`, zh: `${zh}:${outcome[name]}` });
  }
  return found;
}
