/** What edges tell the record: events of the gateway's log become its entries. Pure, but for the budget of each edge. */
import { passes } from '../../core/event-check.ts';
import type { Event, Value } from '../../core/event.ts';
import { parseJson } from '../../core/wire/json.ts';
import { AUDIT_INDICATOR, EDGE_ENTRY_SCHEMA, type EdgeAuditEntry, type WrittenEdgeEntry } from '../../log/audit/edge-entry.ts';
import { formatCursor } from '../../log/types.ts';
import type { LogBatch, LoggedEvent } from '../feed/log-batch.ts';
import type { AuditEntry } from '../people/audit.ts';
import { boundEntry, auditOrigin, type ShippedEntry } from './audit-line.ts';
import type { EdgeBudget } from './edge-budget.ts';
import { holdsAuditEvents } from './without-audit-events.ts';

/** @param nowMs by the gateway's clock, as all lines have it */
export function shippedEntries(group: LogBatch, budget: EdgeBudget, nowMs: number): ShippedEntry[] {
  const mayHold = holdsAuditEvents(group) || (group.columns.cells('gap') !== null);
  if (!mayHold) return [];
  return group.events().flatMap((logged) => {
    const { event } = logged;
    const entry = event.indicator === AUDIT_INDICATOR ? toldEntry(event) : missingEntry(event);
    if (!entry) return [];
    const { isWritten, over } = budget.take(event.edge, group.receivedAt);
    const shipped = (one: AuditEntry): ShippedEntry => shippedEntry(one, logged, group.columns.name.from, nowMs);
    // The sum last: both have one place, and what has it is not written again.
    return [...(isWritten ? [shipped(entry)] : []), ...(over > 0 ? [shipped(overEntry(over))] : [])];
  });
}

function shippedEntry(entry: AuditEntry, { event, cursor }: LoggedEvent, sender: string, nowMs: number): ShippedEntry {
  const { edge, centre, occurredAt, clock } = event;
  const details = {
    ...entry.details,
    ...(clock === 'unsynced' && { clock }),
    ...(sender !== edge && { relay: sender }),
  };
  return {
    ...boundEntry({ ...entry, centre, details }, nowMs), origin: auditOrigin(edge), occurredAt, log: formatCursor(cursor),
  };
}

function toldEntry({ value }: Event): AuditEntry {
  return readEntry(value) ?? { kind: 'record', who: '', from: '', what: 'an entry that cannot be read', outcome: 'refused' };
}

/** null: no entry, whoever made it. */
function readEntry(value: Value): EdgeAuditEntry | null {
  if (typeof value !== 'string') return null;
  let found: unknown;
  try {
    found = parseJson(value);
  } catch {
    return null;
  }
  if (!passes(EDGE_ENTRY_SCHEMA.json, found)) return null;
  const { details, ...entry } = found as WrittenEdgeEntry;
  return { ...entry, ...(details && { details: Object.fromEntries(details.map(({ key, value: of }) => [key, of])) }) };
}

/** What is of the stream that audit events are in: whether any of them is among what is missing nobody knows. */
function missingEntry({ gap }: Event): AuditEntry | null {
  if (gap?.stream !== 'diagnostic') return null;
  const { count, reason, fromAt, toAt } = gap;
  const details = { count, reason, fromAt, toAt };
  return { kind: 'record', who: '', from: '', what: 'diagnostic events of this edge are missing', outcome: 'done', details };
}

const overEntry = (over: number): AuditEntry => ({
  kind: 'record', who: '', from: '', what: 'more entries than are written one by one', outcome: 'refused', details: { repeated: over },
});
