/**
 * After a salvage that did not find everything: the log is read again from its tail, and of what the store may have
 * already only the values that it lacks are taken. So what was damaged comes back, and nothing is there twice.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ends, pickPoints, pointReader, type PointColumns } from './block.ts';
import { Chunks } from './chunks.ts';
import { FreshBlocks, generationsIn } from './fresh.ts';
import type { StoredPoint } from './rows.ts';

export const MERGING_SCHEMA =
  'CREATE TABLE IF NOT EXISTS merging (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;';

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
  const there = alikeIn(db, points);
  const pointAt = pointReader(points);
  const missing = Array.from(points.ids, (_, place) => place).filter((place) => {
    const key = keyOf(points.ids[place] as number, pointAt(place));
    const count = there.get(key) ?? 0;
    there.set(key, count - 1);
    return count <= 0;
  });
  return missing.length === points.ids.length ? points : pickPoints(points, missing);
}

/** How many points there are of each kind that has a series and a time of these. */
function alikeIn(db: DatabaseSync, { ids, times }: PointColumns): Map<string, number> {
  const wanted = new Map<number, Set<number>>();
  for (let place = 0; place < ids.length; place += 1) {
    const at = times[place] as number;
    const known = wanted.get(ids[place] as number);
    if (known) known.add(at);
    else wanted.set(ids[place] as number, new Set([at]));
  }
  const there = new Map<string, number>();
  const count = (id: number, point: StoredPoint): void => { there.set(keyOf(id, point), (there.get(keyOf(id, point)) ?? 0) + 1); };
  const chunks = new Chunks(db);
  for (const [id, own] of wanted) {
    const [from, to] = ends(Float64Array.from(own));
    for (const head of chunks.ofSeries(id, from, to + 1)) for (const point of chunks.points(head)) if (own.has(point.at)) count(id, point);
  }
  // Blocks hold many series: each is read once for all of them.
  const [from, to] = ids.length > 0 ? ends(times) : [0, 0];
  const blocks = new FreshBlocks(db);
  for (const { g } of generationsIn(db, { from, to: to + 1 })) {
    for (const block of blocks.ofTime(g, from, to + 1)) {
      const pointAt = pointReader(block.points);
      for (let place = 0; place < block.points.ids.length; place += 1) {
        const id = block.points.ids[place] as number;
        if (wanted.get(id)?.has(block.points.times[place] as number)) count(id, pointAt(place));
      }
    }
  }
  return there;
}

const keyOf = (id: number, { at, value, quality, flags, extra }: StoredPoint): string =>
  JSON.stringify([id, at, value, quality, flags, extra]);
