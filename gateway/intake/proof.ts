/**
 * Proof by columns: almost every batch is good in all of its events, and that can be seen column by column, each
 * different value looked at once. Whatever is not proven here is judged event by event; so this may say no to what is
 * good, but never yes to what is not (a property test holds it to that).
 */
import { DRAFT_FIELDS, EVENT_SCHEMA, streamOf, type Event, type Kind, type Origin } from '../../core/event.ts';
import { fieldTest } from '../../core/event-check.ts';
import type { Bindings } from '../bindings/bindings.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import { valueAt, type Cells } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';

/** The gateway's clock is the measure: further ahead than this a time is wrong, whoever says it. */
export const MAX_AHEAD_MS = 24 * 3_600_000;

export interface AcceptanceRules {
  nowMs: number;
  /** Origins that come in; null for all (exercise mode). */
  accepts: readonly Origin[] | null;
  /** Senders that pass on events of others (gateways below this one). */
  relays: readonly string[];
  /** For which devices and centres a sender may speak; for all when absent. */
  bindings?: Pick<Bindings, 'admit' | 'admitCentre'>;
}

/** What is judged event by event wherever it occurs. */
const UNPROVEN: ReadonlySet<keyof Event> = new Set(['window', 'position', 'evidence', 'warning', 'gap']);

type Test = (value: unknown) => boolean;
/** A column has null where an event lacks the field. */
const optional = (test: Test): Test => (value) => value === null || test(value);
const MUST = DRAFT_FIELDS.filter((field) => EVENT_SCHEMA.required.includes(field));
const TESTS: ReadonlyMap<string, Test> = new Map(
  DRAFT_FIELDS.filter((field) => !UNPROVEN.has(field)).map((field) => [
    field,
    MUST.includes(field) ? fieldTest(field) : optional(fieldTest(field)),
  ]),
);

/** Whether every event of a batch is good and speaks of nothing but itself (no gap, no warning, not relayed). */
export function isProvenGood(batch: EventColumns, rules: AcceptanceRules): boolean {
  const { fields } = batch;
  if (!fields) return false;
  for (const field of MUST) if (!fields.has(field)) return false;
  for (const [field, { distinct }] of fields) {
    const test = TESTS.get(field);
    if (!test || !distinct.every(test)) return false;
  }
  return everyOf(fields.get('kind'), (kind) => kind !== 'gap' && streamOf({ kind: kind as Kind }) === batch.name.stream)
    && everyOf(fields.get('occurredAt'), (at) => (at as number) - rules.nowMs <= MAX_AHEAD_MS)
    && everyOf(fields.get('origin'), (origin) => !rules.accepts || rules.accepts.some((accepted) => accepted === origin))
    && hasValues(fields.get('value') as Cells, fields.get('quality') as Cells)
    // Of no device, though it names one: nothing is to be bound.
    && everyOf(fields.get('indicator'), (indicator) => indicator !== AUDIT_INDICATOR)
    // Last: what nobody had yet is this sender's from here on.
    && everyOf(fields.get('centre'), (centre) => !rules.bindings?.admitCentre(centre as string, batch.name.from))
    && everyOf(fields.get('device'), (device) => !rules.bindings?.admit(device as string, batch.name.from));
}

const everyOf = (cells: Cells | undefined, test: Test): boolean => cells?.distinct.every(test) ?? true;

/** Only what is bad has no value. */
function hasValues(values: Cells, qualities: Cells): boolean {
  if (!values.distinct.includes(null)) return true;
  if (!values.each) return everyOf(qualities, (quality) => quality === 'bad');
  return values.each.every((value, at) => value !== null || valueAt(qualities, at) === 'bad');
}
