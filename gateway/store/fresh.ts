/** Reads fresh rows of one series: generation by generation, brought into order of time and arrival. */
import type { DatabaseSync } from 'node:sqlite';
import { fromSql, type SqlValue, type StoredPoint } from './rows.ts';

export const FRESH_COLUMNS = 't, typeof(v), v, q, f, x';
type Row = [t: number, type: string, v: SqlValue, q: number, f: string | null, x: string | null];

export function pointOfRow(row: unknown): StoredPoint {
  const [t, type, v, q, f, x] = row as Row;
  return fromSql(t, type === 'integer', [v, q, f, x]);
}

export interface Span {
  id: number;
  /** from ≤ t < to */
  from: number;
  to: number;
}

/** All rows of a span, by time and then by arrival. */
export function freshRows(db: DatabaseSync, { id, from, to }: Span): StoredPoint[] {
  const statement = db.prepare(`SELECT ${FRESH_COLUMNS} FROM generation CROSS JOIN fresh ON fresh.g = generation.g
    WHERE generation.to_at >= ? AND generation.from_at < ? AND fresh.s = ? AND fresh.t >= ? AND fresh.t < ? ORDER BY generation.g, t, n`);
  statement.setReturnArrays(true);
  const rows = statement.all(BigInt(from), BigInt(to), BigInt(id), BigInt(from), BigInt(to)).map(pointOfRow);
  return rows.toSorted((a, b) => a.at - b.at);
}

/** The first `count` rows of a span, without reading all of a dense one. */
export function firstFreshRows(db: DatabaseSync, { id, from, to }: Span, count: number): StoredPoint[] {
  const generations = db.prepare('SELECT g, from_at AS fromAt FROM generation WHERE to_at >= ? AND from_at < ? ORDER BY from_at').all(BigInt(from), BigInt(to)) as { g: number; fromAt: number }[];
  const statement = db.prepare(`SELECT ${FRESH_COLUMNS} FROM fresh WHERE g = ? AND s = ? AND t >= ? AND t < ? ORDER BY t, n LIMIT ?`);
  statement.setReturnArrays(true);
  const found: { g: number; point: StoredPoint }[] = [];
  for (const { g, fromAt } of generations) {
    // Enough lies before everything that this generation and all after it hold.
    if (found.length >= count && found.filter(({ point }) => point.at < fromAt).length >= count) break;
    for (const row of statement.all(BigInt(g), BigInt(id), BigInt(from), BigInt(to), BigInt(count))) found.push({ g, point: pointOfRow(row) });
  }
  return found.toSorted((a, b) => a.point.at - b.point.at || a.g - b.g).slice(0, count).map(({ point }) => point);
}
