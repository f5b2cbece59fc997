/** Lets go of what is beyond age and size, a slice at a time: whole chunks, and single rows where they are still fresh. */
import type { DatabaseSync } from 'node:sqlite';
import type { SqliteFile } from '../sqlite/file.ts';
import { FreshBlocks } from './fresh.ts';
import type { Generations } from './generations.ts';

export interface Sweep {
  /** What is older goes. */
  beforeAt: number;
  /** The oldest goes while more bytes than this are in use. */
  maxBytes: number;
  maxRows: number;
}

export interface Swept {
  byAge: number;
  bySize: number;
  /** What went was before this. */
  beforeAt: number;
  more: boolean;
}

const NOTHING: Swept = { byAge: 0, bySize: 0, beforeAt: 0, more: false };

export function sweepSlice(file: SqliteFile, generations: Generations, sweep: Sweep): Swept {
  const swept = file.transaction((db) => byAge(db, generations, sweep) ?? bySize(db, generations, sweep) ?? NOTHING);
  if (swept.more) file.read((db) => { db.exec('PRAGMA incremental_vacuum(256)'); });
  return swept;
}

function byAge(db: DatabaseSync, generations: Generations, { beforeAt, maxRows }: Sweep): Swept | null {
  if (beforeAt <= 0) return null;
  const chunks = oldestChunks(db, beforeAt, maxRows);
  if (chunks.count > 0) return { byAge: chunks.count, bySize: 0, beforeAt, more: true };
  const generation = db.prepare('SELECT g FROM generation WHERE from_at < ? ORDER BY from_at LIMIT 1').get(BigInt(beforeAt)) as
    { g: number } | undefined;
  if (!generation) return null;
  return { byAge: generations.cut(db, generation.g, beforeAt), bySize: 0, beforeAt, more: true };
}

function bySize(db: DatabaseSync, generations: Generations, { maxBytes, maxRows }: Sweep): Swept | null {
  if (usedBytes(db) <= maxBytes) return null;
  const oldest = db.prepare('SELECT to_at AS toAt FROM chunk ORDER BY to_at LIMIT 1').get() as { toAt: number } | undefined;
  const generation = db.prepare('SELECT g, from_at AS fromAt FROM generation WHERE rows > 0 ORDER BY from_at LIMIT 1').get() as
    { g: number; fromAt: number } | undefined;
  if (oldest && (!generation || oldest.toAt <= generation.fromAt)) {
    const { count, toAt } = oldestChunks(db, Number.MAX_SAFE_INTEGER, maxRows);
    return { byAge: 0, bySize: count, beforeAt: toAt + 1, more: true };
  }
  if (!generation) return null;
  const times = Float64Array.from(
    [...new FreshBlocks(db).ofTime(generation.g, 0, Number.MAX_SAFE_INTEGER)].flatMap(({ points }) => [...points.times]),
  ).toSorted();
  const edge = times[maxRows];
  const beforeAt = edge === undefined ? Number.MAX_SAFE_INTEGER : edge + 1;
  const gone = generations.cut(db, generation.g, beforeAt);
  return gone > 0 ? { byAge: 0, bySize: gone, beforeAt, more: true } : null;
}

/** Takes away the oldest chunks that end before a time, about `maxPoints` points of them. */
function oldestChunks(db: DatabaseSync, beforeAt: number, maxPoints: number): { count: number; toAt: number } {
  const found = db.prepare('SELECT id, count, to_at AS toAt FROM chunk WHERE to_at < ? ORDER BY to_at LIMIT 64').all(BigInt(beforeAt)) as {
    id: number;
    count: number;
    toAt: number;
  }[];
  const remove = db.prepare('DELETE FROM chunk WHERE id = ?');
  let count = 0;
  let last = 0;
  for (const chunk of found) {
    if (count >= maxPoints) break;
    remove.run(BigInt(chunk.id));
    count += chunk.count;
    last = chunk.toAt;
  }
  return { count, toAt: last };
}

function usedBytes(db: DatabaseSync): number {
  const { pages } = db
    .prepare('SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count) AS pages')
    .get() as { pages: number };
  return pages * 4096;
}
