/** A warning as rows of `state.db`: its record, and a row for each of its changes. */
import { isOpen } from '../../city/warning/lifecycle.ts';
import type { DescribedWarning, Warning, WarningChange } from '../../city/warning/warning.ts';
import { formatCursor, parseCursor, type Cursor } from '../../log/types.ts';

export interface WarningRow {
  id: string;
  raisedAt: number;
  open: boolean;
  json: string;
}

export type WarningChangeRow = [warning: string, n: number, json: string];

export interface SavedWarning {
  warning: DescribedWarning;
  /** Place of its last change among those of all warnings. */
  cursor: Cursor | null;
}

/** @param changes those that are not saved yet */
export function warningRows(warning: Warning, cursor: Cursor | null, changes: readonly WarningChange[]): { warning: WarningRow; changes: WarningChangeRow[] } {
  const { changes: _changes, ...record } = warning;
  return {
    warning: { id: warning.id, raisedAt: warning.raisedAt, open: isOpen(warning.state), json: JSON.stringify({ ...record, cursor: cursor && formatCursor(cursor) }) },
    changes: changes.map((change) => [warning.id, change.n, JSON.stringify(change)]),
  };
}

/** @param changes the newest of them, in order */
export function warningFromRows(json: string, changes: readonly string[]): SavedWarning {
  const { cursor, ...record } = JSON.parse(json) as Omit<DescribedWarning, 'changes'> & { cursor: string | null };
  return { warning: { ...record, changes: changes.map((text) => JSON.parse(text) as WarningChange) }, cursor: cursor === null ? null : parseCursor(cursor) };
}
