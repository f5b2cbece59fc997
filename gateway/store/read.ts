/** How one series is read: chunks, fresh rows and late arrivals merged, page by page or as buckets. */
import type { DatabaseSync } from 'node:sqlite';
import type { PointView } from '../../core/api.ts';
import { Buckets, viewOf } from './buckets.ts';
import { Chunks, type Damage, type PlacedHead } from './chunks.ts';
import { FreshBlocks, firstFreshRows, freshRows, type Span } from './fresh.ts';
import type { StoredPoint } from './rows.ts';

/** `n` counts values of the same time, in the order they came; compaction does not change it. */
export interface Place {
  at: number;
  n: number;
}

/** Values of one series, from ≤ t < to, after a place, by time and then by arrival. */
export function readRows(db: DatabaseSync, { id, from, to, after, limit }: Span & { after: Place | null; limit: number }): { points: PointView[]; next: Place | null; damages: Damage[] } {
  const start = after ? Math.max(from, after.at) : from;
  const skipped = after?.at === start ? after.n + 1 : 0;
  const chunks = new Chunks(db);
  const blocks = new FreshBlocks(db);
  const fresh = firstFreshRows(db, blocks, { id, from: start, to }, skipped + limit + 1);
  const points: PointView[] = [];
  let last: Place = { at: -1, n: -1 };
  for (const point of merged(chunks, chunks.ofSeries(id, start, to), fresh)) {
    if (point.at < start) continue;
    if (point.at >= to) break;
    const place = { at: point.at, n: point.at === last.at ? last.n + 1 : 0 };
    if (place.at > start || place.n >= skipped) {
      if (points.length === limit) return { points, next: last, damages: [...blocks.damages, ...chunks.damages] };
      points.push(viewOf(point));
    }
    last = place;
  }
  return { points, next: null, damages: [...blocks.damages, ...chunks.damages] };
}

/** At equal times what lies in a chunk came first. Chunks are opened one after the other, only as far as is asked for. */
function* merged(chunks: Chunks, heads: readonly PlacedHead[], fresh: readonly StoredPoint[]): Generator<StoredPoint> {
  let at = 0;
  for (const head of heads) {
    for (const point of chunks.points(head)) {
      while (at < fresh.length && (fresh[at] as StoredPoint).at < point.at) yield fresh[at++] as StoredPoint;
      yield point;
    }
  }
  while (at < fresh.length) yield fresh[at++] as StoredPoint;
}

/** At most `maxPoints` points of one series; chunks that lie within a bucket are taken by their head, unopened. */
export function readBuckets(db: DatabaseSync, { id, from, to, maxPoints }: Span & { maxPoints: number }): { points: PointView[]; downsampled: boolean; damages: Damage[] } {
  const chunks = new Chunks(db);
  const blocks = new FreshBlocks(db);
  const fresh = freshRows(db, blocks, { id, from, to });
  const parts = chunks.ofSeries(id, from, to).map((head) => new Part(head, chunks, from, to));
  const count = parts.reduce((sum, part) => sum + part.count, fresh.length);
  const firstAt = Math.min(parts.find((part) => part.count > 0)?.firstAt ?? Infinity, fresh[0]?.at ?? Infinity);
  const lastAt = Math.max(parts.findLast((part) => part.count > 0)?.lastAt ?? -Infinity, fresh.at(-1)?.at ?? -Infinity);
  if (count <= maxPoints) {
    const points = [...inOrder(parts, fresh, () => false)].map((item) => viewOf(item as StoredPoint));
    return { points, downsampled: false, damages: [...blocks.damages, ...chunks.damages] };
  }
  const buckets = new Buckets(maxPoints, firstAt, lastAt);
  // The ends are shown as they are, so their chunks are opened.
  const unopened = (part: Part) => part.isWhole && part.head.numbers > 0 && part.firstAt > firstAt && part.lastAt < lastAt && buckets.isOne(part.firstAt, part.lastAt);
  for (const item of inOrder(parts, fresh, unopened)) {
    if (item instanceof Part) buckets.takeChunk(item.head);
    else buckets.take(item);
  }
  return { points: buckets.done(), downsampled: true, damages: [...blocks.damages, ...chunks.damages] };
}

/** Points, and unopened parts where nothing fresh lies among their times. */
function* inOrder(parts: readonly Part[], fresh: readonly StoredPoint[], unopened: (part: Part) => boolean): Generator<StoredPoint | Part> {
  let at = 0;
  for (const part of parts) {
    while (at < fresh.length && (fresh[at] as StoredPoint).at < part.firstAt) yield fresh[at++] as StoredPoint;
    if (unopened(part) && !(at < fresh.length && (fresh[at] as StoredPoint).at <= part.lastAt)) {
      yield part;
      continue;
    }
    for (const point of part.points()) {
      while (at < fresh.length && (fresh[at] as StoredPoint).at < point.at) yield fresh[at++] as StoredPoint;
      yield point;
    }
  }
  while (at < fresh.length) yield fresh[at++] as StoredPoint;
}

/** What of a chunk lies within a span. */
class Part {
  readonly head: PlacedHead;
  readonly isWhole: boolean;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly #chunks: Chunks;
  #points: StoredPoint[] | null = null;

  constructor(head: PlacedHead, chunks: Chunks, from: number, to: number) {
    this.head = head;
    this.#chunks = chunks;
    this.isWhole = head.fromAt >= from && head.toAt < to;
    if (!this.isWhole) this.#points = chunks.points(head).filter(({ at }) => at >= from && at < to);
    this.count = this.#points?.length ?? head.count;
    this.firstAt = this.#points?.[0]?.at ?? Math.max(head.fromAt, from);
    this.lastAt = this.#points?.at(-1)?.at ?? Math.min(head.toAt, to - 1);
  }

  points(): StoredPoint[] {
    this.#points ??= this.#chunks.points(this.head);
    return this.#points;
  }
}
