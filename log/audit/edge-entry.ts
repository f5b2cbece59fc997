/**
 * An entry of the audit record as an edge tells it: the text of a diagnostic event, so that the edge's own log keeps it and
 * the gateway takes it in once. Where it is from is never in it: that is decided by the topic it came in on.
 */
import type { Draft } from '../../core/event.ts';
import type { OwnIndicator } from '../../core/own-indicators.ts';
import { list, oneOf, record, text, type Accepted } from '../../core/typed-schema.ts';
import { ownClock, type Clock } from '../../core/world.ts';
import type { AuditedAct } from './audited-act.ts';

export const AUDIT_INDICATOR: OwnIndicator = 'CV-AUDIT';

/** What may happen at an edge; a gateway believes no other of it. */
export const EDGE_AUDIT_KINDS = [
  'sign_in', 'refusal', 'certificate', 'command', 'config_change', 'evidence_read', 'live_view', 'tap', 'start', 'stop',
] as const;
export type EdgeAuditEntry = AuditedAct<(typeof EDGE_AUDIT_KINDS)[number]>;

export interface EdgeAuditLog {
  /** Never throws and never waits. */
  append(entry: EdgeAuditEntry): void;
}

const MAX_NAME = 128;
const MAX_FROM = 64;
const MAX_TEXT = 200;
/** A text of quotes alone is written twice as long, and has to fit a value. */
const MAX_DETAILS = 4;

/** As it is written: details as a list, so that its length is bounded. */
export const EDGE_ENTRY_SCHEMA = record({
  kind: oneOf(EDGE_AUDIT_KINDS),
  who: text(MAX_NAME),
  from: text(MAX_FROM),
  what: text(MAX_TEXT),
  outcome: oneOf(['done', 'refused']),
  details: list(record({ key: text(MAX_FROM), value: text(MAX_TEXT) }), { maxItems: MAX_DETAILS }).optional(),
});
export type WrittenEdgeEntry = Accepted<typeof EDGE_ENTRY_SCHEMA>;

/** Cut to what a gateway takes. */
export function auditDraft({ edge, centre }: { edge: string; centre: string }, entry: EdgeAuditEntry, clock: Clock): Draft {
  const { kind, who, from, what, outcome, details = {} } = entry;
  const kept = Object.entries(details).slice(0, MAX_DETAILS).map(([key, value]) => ({
    key: short(key, MAX_FROM), value: short(String(value), MAX_TEXT),
  }));
  const written: WrittenEdgeEntry = {
    kind, outcome, who: short(who, MAX_NAME), from: short(from, MAX_FROM), what: short(what, MAX_TEXT),
    ...(kept.length > 0 && { details: kept }),
  };
  const nowMs = clock.nowMs();
  return {
    device: edge, point: 'audit', indicator: AUDIT_INDICATOR, centre, kind: 'diagnostic', value: JSON.stringify(written), unit: '',
    occurredAt: nowMs, clock: ownClock(clock), observedAt: nowMs, quality: 'good', origin: 'live',
  };
}

/** No control characters, which JSON makes six of: what is cut by its length then fits a value. */
const short = (given: string, max: number): string => given.replaceAll(/\p{Cc}/gu, ' ').slice(0, max).toWellFormed();
