/** What edges tell the audit record is for those who may read that: nobody else who reads the log is handed it. */
import { valueAt } from '../../core/wire/columns.ts';
import { EventColumns } from '../../core/wire/event-columns.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import type { Consumer } from '../feed/consumer.ts';
import { LogBatch } from '../feed/log-batch.ts';

export const holdsAuditEvents = ({ columns }: LogBatch): boolean =>
  columns.cells('indicator')?.distinct.includes(AUDIT_INDICATOR) ?? false;

/** The same consumer, which is handed everything else. */
export function withoutAuditEvents(consumer: Consumer): Consumer {
  return {
    name: consumer.name,
    required: consumer.required,
    ...(consumer.maxEvents !== undefined && { maxEvents: consumer.maxEvents }),
    start: () => consumer.start(),
    take: (groups, upTo) => consumer.take(groups.some(holdsAuditEvents) ? groups.flatMap(otherEvents) : groups, upTo),
    ...(consumer.missed && { missed: (missed) => consumer.missed?.(missed) ?? Promise.resolve() }),
    ...(consumer.halt && { halt: () => consumer.halt?.() }),
    close: () => consumer.close(),
  };
}

/** Each event keeps its place in the log, so what lies between two of an audit is a batch of its own. */
function otherEvents(group: LogBatch): LogBatch[] {
  if (!holdsAuditEvents(group)) return [group];
  const { columns, first, receivedAt } = group;
  const codes = columns.cells('indicator');
  const isAudit = (at: number): boolean => codes !== null && valueAt(codes, at) === AUDIT_INDICATOR;
  const parts: LogBatch[] = [];
  for (let from = 0; from < columns.count; from += 1) {
    if (isAudit(from)) continue;
    let end = from;
    while (end < columns.count && !isAudit(end)) end += 1;
    const name = { ...columns.name, seq: columns.name.seq + from };
    const part = EventColumns.ofRows(name, columns.events().slice(from, end));
    parts.push(new LogBatch(part, { epoch: first.epoch, seq: first.seq + from }, receivedAt));
    from = end;
  }
  return parts;
}
