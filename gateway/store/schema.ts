/**
 * The tables of `store.db`, and how an older file becomes one of today.
 *
 * `fresh` holds rows as they came, in generations of some thousand rows: rows of a series lie together within one, and
 * a generation says which times it holds. `chunk` holds closed spans, compressed, never two of a series over the same
 * time; n0 counts the points of its first time that lie in chunks before it.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FaultError } from '../../core/faults.ts';

export const SCHEMA_VERSION = 2;

/** Rows of a generation; small enough that its pages stay at hand while it is written. */
export const GENERATION_ROWS = 8192;

export const SCHEMA = `
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, indicator TEXT NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL,
  subject TEXT NOT NULL, centre TEXT NOT NULL, edge TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT,
  UNIQUE (indicator, device, point)) STRICT;
CREATE TABLE IF NOT EXISTS generation (g INTEGER PRIMARY KEY, rows INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS fresh (g INTEGER NOT NULL, s INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT,
  PRIMARY KEY (g, s, t, n)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunk (
  id INTEGER PRIMARY KEY, s INTEGER NOT NULL, from_at INTEGER NOT NULL, n0 INTEGER NOT NULL, to_at INTEGER NOT NULL, count INTEGER NOT NULL,
  good INTEGER NOT NULL, bad INTEGER NOT NULL, flags INTEGER NOT NULL, numbers INTEGER NOT NULL, low REAL, high REAL, sum REAL NOT NULL, plain INTEGER NOT NULL,
  body_crc INTEGER NOT NULL, head_crc INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS chunk_by_series ON chunk (s, from_at, n0);
CREATE INDEX IF NOT EXISTS chunk_by_time ON chunk (to_at);
`;

/** @throws CV_STORE_NEWER for a file of a later version */
export function checkVersion(db: DatabaseSync): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) throw new FaultError('CV_STORE_NEWER', { path: '', detail: String(version) });
}

/** Moves the rows of version 1 (one table by time) into generations; a slice at a time, so a crash repeats nothing. */
export function migrate(db: DatabaseSync, transaction: <T>(run: () => T) => T): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  // Asked for in any case: an older program may have written in between.
  const isOld = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'recent'`).get() !== undefined;
  if (!isOld && version === SCHEMA_VERSION) return;
  if (isOld) while (transaction(() => moveRows(db)) > 0);
  transaction(() => { db.exec(`DROP TABLE IF EXISTS recent; PRAGMA user_version = ${SCHEMA_VERSION}`); });
}

/** @returns rows moved */
function moveRows(db: DatabaseSync): number {
  const span = db.prepare('SELECT count(*) AS rows, min(t) AS fromAt, max(t) AS toAt FROM (SELECT t FROM recent ORDER BY t, s, n LIMIT ?)').get(GENERATION_ROWS) as { rows: number; fromAt: number; toAt: number };
  if (span.rows === 0) return 0;
  const { g } = db.prepare('SELECT coalesce(max(g), 0) + 1 AS g FROM generation').get() as { g: number };
  const last = db.prepare('SELECT t, s, n FROM recent ORDER BY t, s, n LIMIT 1 OFFSET ?').get(span.rows - 1) as { t: number; s: number; n: number };
  db.prepare('INSERT INTO fresh SELECT ?, s, t, n, v, q, f, x FROM recent WHERE (t, s, n) <= (?, ?, ?)').run(BigInt(g), BigInt(last.t), BigInt(last.s), BigInt(last.n));
  db.prepare('DELETE FROM recent WHERE (t, s, n) <= (?, ?, ?)').run(BigInt(last.t), BigInt(last.s), BigInt(last.n));
  db.prepare('INSERT INTO generation VALUES (?, ?, ?, ?)').run(BigInt(g), BigInt(span.rows), BigInt(span.fromAt), BigInt(span.toAt));
  return span.rows;
}
