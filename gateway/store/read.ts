/** How the store's rows are read: page by page, as buckets, and as windows over all series. */
import type { DatabaseSync } from 'node:sqlite';
import type { PointView } from '../../core/api.ts';
import type { Flag } from '../../core/event.ts';
import { fromSql, type SqlValue, type StoredPoint } from './rows.ts';

interface Place {
  at: number;
  n: number;
}

type Row = [t: number, n: number, type: string, v: SqlValue, q: number, f: string | null, x: string | null];

const COLUMNS = 't, n, typeof(v), v, q, f, x';
const pointOf = ([t, , type, v, q, f, x]: Row): StoredPoint => fromSql(t, type === 'integer', [v, q, f, x]);

/** Rows of one series, from ≤ t < to, after a place, by time and then by arrival. */
export function readRows(db: DatabaseSync, { id, from, to, after, limit }: { id: number; from: number; to: number; after: Place | null; limit: number }): { points: StoredPoint[]; next: Place | null } {
  const start = after ? Math.max(from, after.at) : from;
  const statement = db.prepare(`SELECT ${COLUMNS} FROM recent WHERE t >= ? AND t < ? AND s = ? AND (t > ? OR n > ?) ORDER BY t, s, n LIMIT ?`);
  statement.setReturnArrays(true);
  const rows = statement.all(BigInt(start), BigInt(to), BigInt(id), BigInt(after?.at ?? -1), BigInt(after?.n ?? -1), BigInt(limit + 1)) as unknown as Row[];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { points: page.map(pointOf), next: rows.length > limit && last ? { at: last[0], n: last[1] } : null };
}

/**
 * At most `maxPoints` points of one series. When there are more rows, the first and the last stay as they are and the
 * rest is put into buckets of equal length that keep lowest and highest: a crossing of a limit is never hidden.
 */
export function readBuckets(db: DatabaseSync, { id, from, to, maxPoints }: { id: number; from: number; to: number; maxPoints: number }): { points: PointView[]; downsampled: boolean } {
  const { rows: count, first, last } = db.prepare('SELECT count(*) AS rows, min(t) AS first, max(t) AS last FROM recent WHERE t >= ? AND t < ? AND s = ?')
    .get(BigInt(from), BigInt(to), BigInt(id)) as { rows: number; first: number; last: number };
  const statement = db.prepare(`SELECT ${COLUMNS} FROM recent WHERE t >= ? AND t < ? AND s = ? ORDER BY t, s, n`);
  statement.setReturnArrays(true);
  const rows = statement.iterate(BigInt(from), BigInt(to), BigInt(id)) as unknown as Iterable<Row>;
  if (count <= maxPoints) return { points: Array.from(rows, (row) => viewOf(pointOf(row))), downsampled: false };
  const ends = maxPoints >= 3;
  const buckets = ends ? maxPoints - 2 : maxPoints;
  const widthMs = Math.max(1, last - first + 1) / buckets;
  const points: PointView[] = [];
  let bucket: Bucket | null = null;
  let nth = 0;
  for (const row of rows) {
    const point = pointOf(row);
    nth += 1;
    if (ends && (nth === 1 || nth === count)) {
      if (bucket) points.push(bucket.view());
      bucket = null;
      points.push(viewOf(point));
      continue;
    }
    const index = Math.min(buckets - 1, Math.floor((point.at - first) / widthMs));
    if (bucket && bucket.index !== index) {
      points.push(bucket.view());
      bucket = null;
    }
    bucket ??= new Bucket(index, point.at);
    bucket.take(point);
  }
  if (bucket) points.push(bucket.view());
  return { points, downsampled: true };
}

export interface WindowAggregate {
  id: number;
  count: number;
  min: number;
  max: number;
  avg: number;
}

/** Of every series that has numbers in from ≤ t < to: how many, lowest, highest, mean. Bad values do not count. */
export function readWindow(db: DatabaseSync, { from, to }: { from: number; to: number }): WindowAggregate[] {
  return db.prepare(`SELECT s AS id, count(*) AS count, min(v) AS min, max(v) AS max, avg(v) AS avg FROM recent WHERE t >= ? AND t < ? AND q < 2 AND typeof(v) = 'real' GROUP BY s`)
    .all(BigInt(from), BigInt(to)) as unknown as WindowAggregate[];
}

export function viewOf({ at, value, quality, flags, extra }: StoredPoint): PointView {
  const { window } = extra ?? {};
  return {
    at, value, quality, flags,
    ...(window ? { count: window.count, ...(window.min === undefined ? {} : { min: window.min }), ...(window.max === undefined ? {} : { max: window.max }) } : {}),
  };
}

class Bucket {
  readonly index: number;
  readonly #at: number;
  readonly #flags = new Set<Flag>();
  #last: StoredPoint | null = null;
  #sum = 0;
  #numbers = 0;
  #min = Infinity;
  #max = -Infinity;
  #count = 0;
  #good = 0;
  #bad = 0;

  constructor(index: number, at: number) {
    this.index = index;
    this.#at = at;
  }

  take(point: StoredPoint): void {
    this.#count += 1;
    if (point.quality === 'good') this.#good += 1;
    if (point.quality === 'bad') this.#bad += 1;
    for (const flag of point.flags) this.#flags.add(flag);
    if (point.value === null) return;
    this.#last = point;
    // true and false are drawn as 1 and 0, so that a bucket in which a pump stopped shows it.
    const number = Number(point.value);
    if (typeof point.value === 'string') return;
    this.#min = Math.min(this.#min, point.extra?.window?.min ?? number);
    this.#max = Math.max(this.#max, point.extra?.window?.max ?? number);
    if (typeof point.value !== 'number') return;
    this.#sum += number;
    this.#numbers += 1;
  }

  /** Bad only when all of it is; good only when all of it is. */
  view(): PointView {
    const value = this.#numbers > 0 ? this.#sum / this.#numbers : (this.#last?.value ?? null);
    const quality = this.#bad === this.#count ? 'bad' : this.#good === this.#count ? 'good' : 'uncertain';
    const spread = this.#min <= this.#max ? { min: this.#min, max: this.#max } : {};
    return { at: this.#at, value, quality, flags: [...this.#flags], ...spread, count: this.#count };
  }
}
