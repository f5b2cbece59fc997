/**
 * All rules over all series: who looks at what, which warnings follow, which series are idle. The state lies in three
 * tables (series, keys, warnings) that are read through and written to a draft, so that one transaction can hold everything a
 * batch changed and a failed one leaves nothing behind.
 */
import { createHash } from 'node:crypto';
import { seriesKey, type Event, type Level } from '../../core/event.ts';
import { selects, type Rule } from './rule.ts';
import { evaluatorOf, NEW_SERIES, nextIdleAt, stepIdle, stepValue, type Evaluator, type SeriesState, type SeriesStep } from './series.ts';
import type { CitedValue, FindingReason } from './announcement.ts';
import { applyAnnouncement, warningKeyText, withdrawWarning, type KeyState } from '../warning/key.ts';
import { isOpen } from '../warning/lifecycle.ts';
import type { SeriesName, Warning, WarningKey } from '../warning/warning.ts';

/** A rule on one series, as it is kept: plain JSON. */
export interface SeriesRecord extends WarningKey, SeriesName {
  /** Of the rule's text: a changed rule starts afresh. */
  digest: string;
  edge: string;
  state: SeriesState;
}

/** A key as it is kept: the warning itself has a record of its own. */
export interface KeyRecord extends Omit<KeyState, 'warning'> {
  digest: string;
}

/** Something that would have been a warning had it been known in time; for the record only. */
export interface RuleFinding extends WarningKey, SeriesName {
  id: string;
  version: number;
  fromAt: number;
  toAt: number;
  level: Level;
  why: FindingReason;
  cite: CitedValue;
}

export interface RuleTables {
  series: Map<string, SeriesRecord>;
  keys: Map<string, KeyRecord>;
  /** By id: those that are open, and the newest of each key. */
  warnings: Map<string, Warning>;
}

export interface RuleOutcome {
  /** What changed, by key of its table. */
  series: Map<string, SeriesRecord>;
  keys: Map<string, KeyRecord>;
  /** Warnings that changed, in order, each in the state after its change. */
  warnings: Warning[];
  findings: RuleFinding[];
  /** Values that came after the watermark had passed their time. */
  late: number;
}

export interface RuleInput {
  event: Event;
  receivedAt: number;
}

interface Loaded {
  evaluator: Evaluator;
  digest: string;
}

const UNUSABLE = new Set<string>(['stale', 'comm', 'unit']);

export interface RuleEngine {
  readonly rules: readonly Rule[];
  rule(id: string): Rule | null;
  /** Whether any rule looks at an indicator. */
  watches(indicator: string): boolean;
  /** Takes events in log order. Nothing of `tables` is touched: the caller puts the outcome in once it is on disk. */
  take(tables: RuleTables, inputs: readonly RuleInput[]): RuleOutcome;
  /** Lets processing time go on to `untilAt`; `edgeSince` says since when an edge has been there, Infinity when it is not. */
  idle(tables: RuleTables, untilAt: number, edgeSince: (edge: string) => number): RuleOutcome;
  /** Ends what rules that are gone or were changed still hold open. */
  retire(tables: RuleTables, at: number): RuleOutcome;
}

export function ruleEngine(rules: readonly Rule[]): RuleEngine {
  const loaded = rules.map((rule): Loaded => ({ evaluator: evaluatorOf(rule), digest: digestOf(rule) }));
  const byId = new Map(loaded.map((one) => [one.evaluator.rule.id, one]));
  const byIndicator = Map.groupBy(loaded, ({ evaluator }) => evaluator.rule.select.indicator);

  return {
    rules,
    rule: (id) => byId.get(id)?.evaluator.rule ?? null,
    watches: (indicator) => byIndicator.has(indicator),
    take(tables, inputs) {
      const draft = new Draft(tables);
      for (const { event, receivedAt } of inputs) {
        if (event.gap || event.warning) continue;
        for (const one of byIndicator.get(event.indicator) ?? []) {
          if (selects(one.evaluator.rule, event)) takeOne(draft, one, event, receivedAt);
        }
      }
      return draft.outcome;
    },
    idle(tables, untilAt, edgeSince) {
      const draft = new Draft(tables);
      for (const [key, record] of tables.series) {
        const one = byId.get(record.rule);
        if (!one || one.digest !== record.digest) continue;
        const since = edgeSince(record.edge);
        if (nextIdleAt(one.evaluator, record.state, since) > untilAt) continue;
        draft.put(key, record, one, stepIdle(one.evaluator, record.state, { untilAt, edgeSince: since }));
      }
      return draft.outcome;
    },
    retire(tables, atMs) {
      const draft = new Draft(tables);
      for (const record of tables.keys.values()) {
        const one = byId.get(record.rule);
        if (one?.digest !== record.digest) draft.retire(record, one?.evaluator.rule.autoClose ?? true, atMs);
      }
      return draft.outcome;
    },
  };
}

function takeOne(draft: Draft, one: Loaded, event: Event, receivedAt: number): void {
  const { rule } = one.evaluator;
  const key = `${rule.id}|${seriesKey(event)}`;
  const known = draft.seriesOf(key);
  const subject = event.subject ?? event.device;
  const fresh: SeriesRecord = {
    rule: rule.id, digest: one.digest, subject, centre: event.centre, edge: event.edge,
    indicator: event.indicator, device: event.device, point: event.point, state: NEW_SERIES,
  };
  const usable = !(event.flags ?? []).some((flag) => UNUSABLE.has(flag));
  const { occurredAt, value, unit, quality } = event;
  const before = known?.digest === one.digest ? known : fresh;
  // While a series holds a warning, it keeps the subject and centre under which it was raised.
  const record =
    before.state.speech.told === null && before.state.speech.episode === null
      ? { ...fresh, state: before.state }
      : { ...before, edge: event.edge };
  draft.put(
    key,
    record,
    one,
    stepValue(one.evaluator, record.state, {
      occurredAt,
      receivedAt,
      value,
      unit,
      quality,
      usable,
      isTimeUnknown: event.clock === 'unsynced',
    }),
  );
}

/** What a batch changes, above tables that stay as they are until it is on disk. */
class Draft {
  readonly #tables: RuleTables;
  readonly #changed = new Map<string, Warning>();
  readonly outcome: RuleOutcome = { series: new Map(), keys: new Map(), warnings: [], findings: [], late: 0 };

  constructor(tables: RuleTables) {
    this.#tables = tables;
  }

  seriesOf(key: string): SeriesRecord | undefined {
    return this.outcome.series.get(key) ?? this.#tables.series.get(key);
  }

  put(key: string, record: SeriesRecord, { evaluator, digest }: Loaded, step: SeriesStep): void {
    if (step.late) this.outcome.late += 1;
    this.outcome.series.set(key, { ...record, state: step.state });
    const name: SeriesName = { indicator: record.indicator, device: record.device, point: record.point };
    const warningKey: WarningKey = { rule: record.rule, subject: record.subject, centre: record.centre };
    for (const announcement of step.announcements) {
      if (announcement.kind === 'finding') {
        const { fromAt, toAt, level, why, cite } = announcement;
        const id = createHash('sha256').update(`${key}|${why}|${fromAt}`).digest('hex').slice(0, 16);
        this.outcome.findings.push({ ...warningKey, ...name, id, version: evaluator.rule.version, fromAt, toAt, level, why, cite });
        continue;
      }
      const before = this.#keyOf(warningKey);
      this.#putKey(applyAnnouncement(evaluator.rule, before, name, announcement), before.warning, digest);
    }
  }

  retire(record: KeyRecord, autoClose: boolean, at: number): void {
    const before = this.#withWarning(record);
    this.#putKey(withdrawWarning({ autoClose }, before, at), before.warning, record.digest);
  }

  #putKey({ warning, ...key }: KeyState, before: Warning | null, digest: string): void {
    this.outcome.keys.set(warningKeyText(key), { ...key, digest });
    if (!warning || warning === before) return;
    this.outcome.warnings.push(warning);
    this.#changed.set(warning.id, warning);
  }

  #keyOf(key: WarningKey): KeyState {
    return this.#withWarning(
      this.outcome.keys.get(warningKeyText(key)) ??
        this.#tables.keys.get(warningKeyText(key)) ?? { ...key, digest: '', newest: null, series: {} },
    );
  }

  #withWarning({ digest: _digest, ...key }: KeyRecord): KeyState {
    const id = key.newest?.id ?? '';
    return { ...key, warning: this.#changed.get(id) ?? this.#tables.warnings.get(id) ?? null };
  }
}

/** Puts what a batch changed into the tables, once it is on disk. */
export function commitOutcome(tables: RuleTables, outcome: RuleOutcome): void {
  for (const [key, record] of outcome.series) tables.series.set(key, record);
  for (const warning of outcome.warnings) tables.warnings.set(warning.id, warning);
  for (const [key, record] of outcome.keys) {
    const before = tables.keys.get(key)?.newest;
    tables.keys.set(key, record);
    const old = before && before.id !== record.newest?.id ? tables.warnings.get(before.id) : undefined;
    if (old && !isOpen(old.state)) tables.warnings.delete(old.id);
  }
}

function digestOf(rule: Rule): string {
  return createHash('sha256').update(JSON.stringify(rule)).digest('hex').slice(0, 16);
}
