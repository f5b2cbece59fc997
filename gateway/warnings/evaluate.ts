/** Station: the rules over what came, and over time that passed. Nothing counts before `commit`: it is on disk then. */
import { normaliser, type Catalogue } from '../../city/catalogue/catalogue.ts';
import { commitOutcome, ruleEngine, type RuleOutcome, type RuleEngine, type RuleInput, type RuleTables } from '../../city/rules/engine.ts';
import { limitsOf, type ChartLimit, type Rule, type SelectableSeries } from '../../city/rules/rule.ts';
import type { Warning } from '../../city/warning/warning.ts';
import { loggedEvents, type LoggedEvent, type LogBatch } from '../feed/log-batch.ts';
import { carriesFollowUpMedia, type RecentMedia } from './media.ts';

/** What rules are evaluated with; changes while the gateway runs. */
export interface RuleKnowledge {
  rules: readonly Rule[];
  catalogue: Catalogue;
  /** Warnings are marked as exercises, and replayed and simulated events count. */
  exercise: boolean;
}

/** What reached the gateway may need this long to its log. */
const GRACE_MS = 1000;

const brings = (group: LogBatch, holds: (indicator: unknown) => boolean): boolean =>
  group.columns.cells('indicator')?.distinct.some(holds) ?? false;

export class RuleEvaluation {
  readonly tables: RuleTables;
  readonly #media: RecentMedia;
  readonly #isOnline: (edge: string) => boolean;
  /** Since when (our clock) each edge has been there, as seen by this process. */
  readonly #edges = new Map<string, number>();
  #engine!: RuleEngine;
  #normal!: ReturnType<typeof normaliser>;
  #exercise = false;

  constructor(tables: RuleTables, media: RecentMedia, isOnline: (edge: string) => boolean, knowledge: RuleKnowledge) {
    this.tables = tables;
    this.#media = media;
    this.#isOnline = isOnline;
    this.update(knowledge);
  }

  update({ rules, catalogue, exercise }: RuleKnowledge): void {
    this.#engine = ruleEngine(rules);
    this.#normal = normaliser(catalogue);
    this.#exercise = exercise;
  }

  rule(id: string): Rule | null {
    return this.#engine.rule(id);
  }

  limitsOf(series: SelectableSeries): ChartLimit[] {
    return limitsOf(this.#engine.rules, series);
  }

  take(groups: readonly LogBatch[]): RuleOutcome {
    // Only of what some rule watches events are made.
    const watched = groups.filter((group) => brings(group, (indicator) => this.#engine.watches(indicator as string)));
    return this.#engine.take(this.tables, loggedEvents(watched).flatMap((one) => this.#inputOf(one)));
  }

  /** While an edge is away its devices are unobserved: their time stands still, and counts anew when it is back. */
  idle(nowMs: number): RuleOutcome {
    for (const { edge } of this.tables.series.values()) {
      if (!this.#isOnline(edge)) this.#edges.delete(edge);
      else if (!this.#edges.has(edge)) this.#edges.set(edge, nowMs);
    }
    return this.#engine.idle(this.tables, nowMs - GRACE_MS, (edge) => this.#edges.get(edge) ?? Infinity);
  }

  /** Ends what rules that are gone or were changed hold open. */
  retire(nowMs: number): RuleOutcome {
    return this.#engine.retire(this.tables, nowMs);
  }

  /**
   * Clips and pictures of main streams follow the event that they are of: the warning that it raised is published again
   * with them, behind the changes of the outcome.
   *
   * @returns warnings of which nothing else is new
   */
  follow(outcome: RuleOutcome, groups: readonly LogBatch[]): ReadonlySet<Warning> {
    const republished = new Set<Warning>();
    for (const { event } of loggedEvents(groups.filter((group) => brings(group, carriesFollowUpMedia)))) {
      if (!carriesFollowUpMedia(event.indicator)) continue;
      const isOf = this.#media.noteFollowers(event);
      for (const warning of this.#newestOfKeys(outcome)) {
        if (!isOf(warning)) continue;
        const again = { ...warning, revision: warning.revision + 1 };
        outcome.warnings.push(again);
        republished.add(again);
      }
    }
    return republished;
  }

  commit(outcome: RuleOutcome): void {
    commitOutcome(this.tables, outcome);
  }

  #newestOfKeys(outcome: RuleOutcome): Warning[] {
    const changed = new Map(outcome.warnings.map((warning) => [warning.id, warning]));
    return [...new Map([...this.tables.keys, ...outcome.keys]).values()].flatMap(({ newest }) => {
      const warning = newest && (changed.get(newest.id) ?? this.tables.warnings.get(newest.id));
      return warning ? [warning] : [];
    });
  }

  #inputOf({ event, receivedAt }: LoggedEvent): RuleInput[] {
    if (!this.#engine.watches(event.indicator)) return [];
    if (!this.#exercise && (event.origin === 'replay' || event.origin === 'simulated')) return [];
    this.#media.note(event);
    const { value, unit, quality, flags } = this.#normal(event);
    return [{ event: { ...event, value, unit, quality, flags: [...flags] }, receivedAt }];
  }
}
