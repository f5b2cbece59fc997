/** What edges tell the record, as it lies in a gateway's log, for tests. */
import type { Draft } from '../../../core/event.ts';
import { encodeBatch, readBatch } from '../../../core/wire/batch.ts';
import { AUDIT_INDICATOR, auditDraft, type EdgeAuditEntry } from '../../../log/audit/edge-entry.ts';
import { LogBatch } from '../../feed/log-batch.ts';

export const EDGE_CENTRE = '500112001';
const AT = 1_780_000_000_000;

export const edgeEntry = (what: string, more: Partial<EdgeAuditEntry> = {}): EdgeAuditEntry => ({
  kind: 'start', who: 'edge', from: 'local', what, outcome: 'done', ...more,
});

export const toldBy = (edge: string, entry: EdgeAuditEntry): Draft =>
  auditDraft({ edge, centre: EDGE_CENTRE }, entry, { nowMs: () => AT, monotonicMs: () => 0, after: () => ({ cancel: () => {} }) });

/** Any value under the indicator of the record, as a hostile edge may send it. */
export const oddDraft = (edge: string, value: Draft['value']): Draft => ({ ...toldBy(edge, edgeEntry('')), value });

export const otherDraft = (edge: string, value: number): Draft => ({
  ...toldBy(edge, edgeEntry('')), indicator: 'CV-CLOCK', point: 'clock', value, unit: 'ms',
});

/** @param seq place of the first in the log, and its number at the edge */
export function edgeBatch(edge: string, seq: number, drafts: readonly Draft[]): LogBatch {
  const payload = encodeBatch({ from: edge, stream: 'diagnostic', epoch: 1, seq }, drafts);
  return new LogBatch(readBatch(payload), { epoch: 1, seq }, AT);
}

export const isAudit = ({ indicator }: Draft): boolean => indicator === AUDIT_INDICATOR;
