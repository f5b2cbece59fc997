/** Aggregates of every series over a window, from what lies on disk: numbers that are not bad. */
import type { DatabaseSync } from 'node:sqlite';
import { Chunks, type Damage } from './chunks.ts';
import { Totals } from './totals.ts';

/** Adds what lies in from ≤ t < to. @returns chunks that could not be read */
export function addWindow(db: DatabaseSync, { from, to }: { from: number; to: number }, totals: Totals): Damage[] {
  addFresh(db, from, to, totals);
  const chunks = new Chunks(db);
  for (const head of chunks.ofTime(from, to)) {
    if (head.plain === 1 && head.fromAt >= from && head.toAt < to) {
      if (head.numbers > 0) totals.add(head.s, head.numbers, head.low as number, head.high as number, head.sum);
      continue;
    }
    for (const { at, value, quality } of chunks.points(head)) {
      if (at >= from && at < to && quality !== 'bad' && typeof value === 'number') totals.add(head.s, 1, value, value, value);
    }
  }
  return chunks.damages;
}

/** Hands over every number in from ≤ t < to, chunk by chunk and generation by generation. @returns chunks that could not be read */
export function eachNumber(db: DatabaseSync, { from, to }: { from: number; to: number }, take: (id: number, at: number, value: number) => void): Damage[] {
  const statement = db.prepare(`SELECT s, t, v FROM fresh WHERE g = ? AND t >= ? AND t < ? AND q < 2 AND typeof(v) = 'real'`);
  statement.setReturnArrays(true);
  for (const g of generationsOf(db, from, to)) {
    for (const row of statement.iterate(BigInt(g), BigInt(from), BigInt(to))) {
      const [id, at, value] = row as unknown as [number, number, number];
      take(id, at, value);
    }
  }
  const chunks = new Chunks(db);
  for (const head of chunks.ofTime(from, to)) {
    for (const { at, value, quality } of chunks.points(head)) if (at >= from && at < to && quality !== 'bad' && typeof value === 'number') take(head.s, at, value);
  }
  return chunks.damages;
}

function generationsOf(db: DatabaseSync, from: number, to: number): number[] {
  return (db.prepare('SELECT g FROM generation WHERE to_at >= ? AND from_at < ?').all(BigInt(from), BigInt(to)) as { g: number }[]).map(({ g }) => g);
}

function addFresh(db: DatabaseSync, from: number, to: number, totals: Totals): void {
  const statement = db.prepare(`SELECT s, count(*), min(v), max(v), sum(v) FROM fresh WHERE g = ? AND t >= ? AND t < ? AND q < 2 AND typeof(v) = 'real' GROUP BY s`);
  statement.setReturnArrays(true);
  for (const g of generationsOf(db, from, to)) {
    for (const row of statement.iterate(BigInt(g), BigInt(from), BigInt(to))) {
      const [id, count, min, max, sum] = row as unknown as [number, number, number, number, number];
      totals.add(id, count, min, max, sum);
    }
  }
}
