/** A warning as rows of `state.db`: its record, and a row for each of its changes. */
import { isOpen } from '../../city/warning/lifecycle.ts';
import { WARNING_STATES } from '../../city/warning/state.ts';
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
export function warningRows(
  warning: Warning,
  cursor: Cursor | null,
  changes: readonly WarningChange[],
): { warning: WarningRow; changes: WarningChangeRow[] } {
  const { changes: _changes, ...record } = warning;
  return {
    warning: {
      id: warning.id,
      raisedAt: warning.raisedAt,
      open: isOpen(warning.state),
      json: JSON.stringify({ ...record, cursor: cursor && formatCursor(cursor) }),
    },
    changes: changes.map((change) => [warning.id, change.n, JSON.stringify(change)]),
  };
}

/** @param changes the newest of them, in order */
export function warningFromRows(json: string, changes: readonly string[]): SavedWarning {
  const { cursor, ...record } = JSON.parse(json) as Omit<DescribedWarning, 'changes'> & { cursor: string | null };
  return {
    warning: { ...record, changes: changes.map((text) => JSON.parse(text) as WarningChange) },
    cursor: cursor === null ? null : parseCursor(cursor),
  };
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const areAll = (type: 'string' | 'number', fields: Fields, names: readonly string[]): boolean =>
  names.every((name) => typeof fields[name] === type);
const areWords = (value: unknown): boolean => isObject(value) && areAll('string', value, ['zh', 'en']);
const isState = (value: unknown): boolean => WARNING_STATES.some((one) => one === value);

/** Whether a saved record has all that is read of it: damage may leave JSON that is no warning. */
export function isWarningRecord(record: unknown): boolean {
  if (!isObject(record) || !isObject(record.description) || !isObject(record.media)) return false;
  const { description, media } = record;
  return (
    areAll('string', record, ['id', 'rule', 'type', 'indicator', 'device', 'point', 'subject', 'centre', 'condition']) &&
    isState(record.state) &&
    areAll('number', record, ['version', 'level', 'worst', 'count', 'onsetAt', 'raisedAt', 'changedAt', 'revision']) &&
    areWords(description.title) &&
    areWords(description.suggestion) &&
    areAll('string', description, ['raisedBy']) &&
    areAll('number', description, ['publishedAt']) &&
    Array.isArray(description.missing) &&
    Array.isArray(media.snapshots) &&
    Array.isArray(media.clips)
  );
}

export function isWarningChange(change: unknown): boolean {
  return (
    isObject(change) &&
    areAll('number', change, ['n', 'atMs', 'level']) &&
    areAll('string', change, ['kind']) &&
    isState(change.state) &&
    isObject(change.by) &&
    (change.cite === undefined || isObject(change.cite)) &&
    (change.reason === undefined || areWords(change.reason))
  );
}

/** Whether a saved key has all that is read of it. */
export function isWarningKey(key: unknown): boolean {
  return (
    isObject(key) &&
    areAll('string', key, ['rule', 'subject', 'centre', 'digest']) &&
    isObject(key.series) &&
    (key.newest === null || (isObject(key.newest) && areAll('string', key.newest, ['id']) && areAll('number', key.newest, ['onsetAt'])))
  );
}
