/**
 * Each change of a warning, numbered in the order in which it was committed, so that whoever was away finds also what
 * opened and closed meanwhile. Numbers have no holes; a new file begins a new epoch, so that no cursor of before is
 * taken for one of its own.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { WarningView } from '../../api/warnings.ts';
import { formatCursor, type Cursor } from '../../log/types.ts';

export const CHANGES_SCHEMA = `
CREATE TABLE IF NOT EXISTS changes (n INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS changes_epoch (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
`;

/** Changes that are kept; older ones go. */
const KEPT_CHANGES = 100_000;

export interface ChangesPage {
  items: string[];
  /** The last change that is let go; nothing before it can be asked for. */
  oldest: number;
  last: number;
}

export interface ChangesStart {
  /** Epoch, and number of the last change. */
  head: Cursor;
  /** Warnings that were numbered just now, as JSON. */
  begun: string[];
}

/** A file without changes begins with its warnings as they are. */
export function openChanges(db: DatabaseSync, nowMs: number): ChangesStart {
  const found = db.prepare('SELECT epoch, last AS seq FROM changes_epoch').get() as unknown as Cursor | undefined;
  if (found) return { head: { epoch: Number(found.epoch), seq: Number(found.seq) }, begun: [] };
  const newest = Number((db.prepare('SELECT coalesce(max(n), 0) AS n FROM changes').get() as { n: number }).n);
  const warnings = (db.prepare('SELECT json FROM warnings ORDER BY raised_at').all() as unknown as { json: string }[]).map(({ json }) => JSON.parse(json) as WarningView);
  const begun: string[] = [];
  let seq = newest;
  for (const warning of warnings) {
    seq += 1;
    const json = JSON.stringify({ ...warning, cursor: formatCursor({ epoch: nowMs, seq }) });
    begun.push(json);
    db.prepare('UPDATE warnings SET json = ? WHERE id = ?').run(json, warning.id);
    db.prepare('INSERT INTO changes VALUES (?, ?)').run(BigInt(seq), json);
  }
  db.prepare('INSERT INTO changes_epoch VALUES (1, ?, ?)').run(BigInt(nowMs), BigInt(seq));
  return { head: { epoch: nowMs, seq }, begun };
}

/** Within the transaction of the warnings themselves. @param last number of the last one */
export function addChanges(db: DatabaseSync, jsons: readonly string[], last: number): void {
  if (jsons.length === 0) return;
  const put = db.prepare('INSERT INTO changes VALUES (?, ?)');
  for (const [at, json] of jsons.entries()) put.run(BigInt(last - jsons.length + 1 + at), json);
  db.prepare('UPDATE changes_epoch SET last = ?').run(BigInt(last));
  db.prepare('DELETE FROM changes WHERE n <= ?').run(BigInt(last - KEPT_CHANGES));
}

export function changesAfter(db: DatabaseSync, n: number, limit: number): ChangesPage {
  const { last } = db.prepare('SELECT last FROM changes_epoch').get() as { last: number };
  const first = (db.prepare('SELECT min(n) AS n FROM changes').get() as { n: number | null }).n;
  const rows = db.prepare('SELECT json FROM changes WHERE n > ? ORDER BY n LIMIT ?').all(BigInt(n), BigInt(limit)) as unknown as { json: string }[];
  return { items: rows.map(({ json }) => json), oldest: first === null ? Number(last) : Number(first) - 1, last: Number(last) };
}
