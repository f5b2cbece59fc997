/** Reads everything back, a slice at a time, while the store goes on working. */
import type { DatabaseSync } from 'node:sqlite';
import { Chunks, type Damage } from './chunks.ts';

export interface CheckedSlice {
  chunks: number;
  points: number;
  damages: Damage[];
  /** The last chunk that was looked at; null when there are no more. */
  lastId: number | null;
}

const SLICE_CHUNKS = 256;

export function checkSlice(db: DatabaseSync, { afterId }: { afterId: number }): CheckedSlice {
  const places = db.prepare('SELECT id, s, from_at AS fromAt FROM chunk WHERE id > ? ORDER BY id LIMIT ?').all(BigInt(afterId), BigInt(SLICE_CHUNKS)) as { id: number; s: number; fromAt: number }[];
  const chunks = new Chunks(db);
  const lost: Damage[] = [];
  let points = 0;
  for (const { id, s, fromAt } of places) {
    const head = chunks.head(id);
    if (!head) lost.push({ id, series: s, from: fromAt, to: fromAt + 1, count: null });
    else points += chunks.points(head).length;
  }
  return { chunks: places.length, points, damages: [...lost, ...chunks.damages], lastId: places.at(-1)?.id ?? null };
}

/** @returns rows that are not in chunks, and what SQLite says of the file's own structure */
export function checkFile(db: DatabaseSync): { rows: number; problems: string[] } {
  const problems = (db.prepare('PRAGMA quick_check(20)').all() as { quick_check: string }[]).map((row) => row.quick_check).filter((text) => text !== 'ok');
  const { rows } = db.prepare('SELECT coalesce(sum(count), 0) AS rows FROM block').get() as { rows: number };
  return { rows, problems };
}
