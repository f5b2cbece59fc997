/**
 * The tables of `store.db`, and how an older file becomes one of today.
 *
 * `block` holds fresh points, many of any series in one row, in generations of some ten thousand; a generation says
 * which times it holds. `chunk` holds closed spans, compressed, never two of a series over the same time; n0 counts the
 * points of its first time that lie in chunks before it. Of a series, first_at, last_at and the newest value are those
 * of what lies in sealed generations and chunks: what the open generation brings is added at opening.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Migrations } from '../sqlite/migrations.ts';
import { PointsBuilder, type PointColumns } from './block.ts';
import { MERGING_SCHEMA } from './merging.ts';
import { fromSql, type SqlValue } from './rows.ts';

export const STORE_VERSION = 3;

/** With so many rows a generation is sealed, which takes some ten milliseconds. */
export const GENERATION_ROWS = 32_768;
/** Rows of a sorted block: with their columns they fill a page of 4 KB. */
export const BLOCK_ROWS = 188;

const TABLES = `
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, indicator TEXT NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL,
  subject TEXT NOT NULL, centre TEXT NOT NULL, edge TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT,
  UNIQUE (indicator, device, point)) STRICT;
CREATE TABLE IF NOT EXISTS generation (g INTEGER PRIMARY KEY, rows INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, g INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
  count INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS block_by_series ON block (g, from_s, to_s);
CREATE TABLE IF NOT EXISTS chunk (
  id INTEGER PRIMARY KEY, s INTEGER NOT NULL, from_at INTEGER NOT NULL, n0 INTEGER NOT NULL, to_at INTEGER NOT NULL, count INTEGER NOT NULL,
  good INTEGER NOT NULL, bad INTEGER NOT NULL, flags INTEGER NOT NULL, numbers INTEGER NOT NULL, low REAL, high REAL, sum REAL NOT NULL, plain INTEGER NOT NULL,
  body_crc INTEGER NOT NULL, head_crc INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS chunk_by_series ON chunk (s, from_at, n0);
CREATE INDEX IF NOT EXISTS chunk_by_time ON chunk (to_at);
${MERGING_SCHEMA}
`;

/**
 * Version 1 had one table by time, version 2 rows in generations; 3 has blocks.
 *
 * @param adderOf gives what takes points of before into blocks, once the tables are there
 */
export function storeMigrations(adderOf: (db: DatabaseSync) => (points: PointColumns) => void): Migrations {
  return [{
    version: STORE_VERSION,
    migrate(db) {
      db.exec(TABLES);
      const olds = OLD_TABLES.filter(({ name }) => db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(name) !== undefined);
      if (olds.length === 0) return;
      const add = adderOf(db);
      for (const old of olds) while (moveRows(db, old, add) > 0);
    },
  }];
}

/** By their keys, so that the oldest come first and equal times stay in order of arrival. */
const OLD_TABLES = [{ name: 'recent', key: 't, s, n' }, { name: 'fresh', key: 'g, s, t, n' }];
const MOVED_ROWS = 8192;

/** @returns rows moved */
function moveRows(db: DatabaseSync, { name, key }: { name: string; key: string }, add: (points: PointColumns) => void): number {
  const statement = db.prepare(`SELECT s, t, typeof(v), v, q, f, x FROM ${name} ORDER BY ${key} LIMIT ${MOVED_ROWS}`);
  statement.setReturnArrays(true);
  const points = new PointsBuilder(MOVED_ROWS);
  for (const row of statement.iterate()) {
    const [s, t, type, ...rest] = row as unknown as [number, number, string, SqlValue, number, string | null, string | null];
    points.point(s, fromSql(t, type === 'integer', rest));
  }
  if (points.count === 0) return 0;
  add(points.done());
  db.exec(`DELETE FROM ${name} WHERE (${key}) IN (SELECT ${key} FROM ${name} ORDER BY ${key} LIMIT ${MOVED_ROWS})`);
  return points.count;
}
