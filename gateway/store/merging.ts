/**
 * After a salvage that did not find everything: the log is read again from its tail, and of what the store may have
 * already only the values that it lacks are taken. So what was damaged comes back, and nothing is there twice.
 */
import type { DatabaseSync } from 'node:sqlite';
import { pick, pointReader, type PointColumns } from './block.ts';
import { Chunks } from './chunks.ts';
import { FreshBlocks, freshRows } from './fresh.ts';
import type { StoredPoint } from './rows.ts';

export const MERGING_SCHEMA = 'CREATE TABLE IF NOT EXISTS merging (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;';

/** In place of an opening: the one that the next start finds. */
export const NEXT_OPENING = -1;

/** What comes from openings of the log before this one may be there already. */
export function mergeBefore(db: DatabaseSync, epoch: number): void {
  db.prepare('INSERT OR REPLACE INTO merging VALUES (1, ?)').run(BigInt(epoch));
}

/** What could not be saved while the log was being followed is looked for at a start: the log is read again from its tail. */
export function beginMerging(db: DatabaseSync, presentEpoch: number): void {
  if (mergedBefore(db) !== NEXT_OPENING) return;
  db.exec('DELETE FROM progress');
  mergeBefore(db, presentEpoch);
}

/** The opening of the log that the store had nothing of when it was salvaged; 0 when it never was. */
export function mergedBefore(db: DatabaseSync): number {
  return (db.prepare('SELECT epoch FROM merging').get() as { epoch: number } | undefined)?.epoch ?? 0;
}

/** The points that are not there; of several that are alike so many as are missing. */
export function missingPoints(db: DatabaseSync, points: PointColumns): PointColumns {
  const pointAt = pointReader(points);
  const { ids, times } = points;
  const spans = new Map<number, { from: number; to: number }>();
  for (let place = 0; place < ids.length; place += 1) {
    const [id, at] = [ids[place] as number, times[place] as number];
    const { from, to } = spans.get(id) ?? { from: at, to: at };
    spans.set(id, { from: Math.min(from, at), to: Math.max(to, at) });
  }
  const there = new Map<string, number>();
  for (const [id, { from, to }] of spans) for (const point of pointsOf(db, id, from, to)) there.set(keyOf(id, point), (there.get(keyOf(id, point)) ?? 0) + 1);
  const missing = Array.from(ids, (_, place) => place).filter((place) => {
    const key = keyOf(ids[place] as number, pointAt(place));
    const count = there.get(key) ?? 0;
    there.set(key, count - 1);
    return count <= 0;
  });
  return missing.length === ids.length ? points : pick(points, missing);
}

function* pointsOf(db: DatabaseSync, id: number, from: number, to: number): Generator<StoredPoint> {
  const chunks = new Chunks(db);
  for (const head of chunks.ofSeries(id, from, to + 1)) for (const point of chunks.points(head)) if (point.at >= from && point.at <= to) yield point;
  yield* freshRows(db, new FreshBlocks(db), { id, from, to: to + 1 });
}

const keyOf = (id: number, { at, value, quality, flags, extra }: StoredPoint): string => JSON.stringify([id, at, value, quality, flags, extra]);
