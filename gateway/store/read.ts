/** How one series is read: chunks, fresh rows and late arrivals merged, page by page or as buckets. */
import type { DatabaseSync } from 'node:sqlite';
import type { PointView } from '../../api/series.ts';
import { Buckets, bucketView, type PointRun } from './buckets.ts';
import { Chunks, type ChunkDamage, type PlacedHead } from './chunks.ts';
import { FreshBlocks, firstFreshRows, freshRows, type TimeSpan } from './fresh.ts';
import type { StoredPoint } from './rows.ts';

/** `n` counts values of the same time, in the order they came; compaction does not change it. */
export interface ReadPlace {
  at: number;
  n: number;
}

/** Values of one series, from ≤ t < to, after a place, by time and then by arrival. */
export function readRows(
  db: DatabaseSync,
  { id, from, to, after, limit }: TimeSpan & { after: ReadPlace | null; limit: number },
): { points: PointView[]; next: ReadPlace | null; damages: ChunkDamage[] } {
  const start = after ? Math.max(from, after.at) : from;
  const skipped = after?.at === start ? after.n + 1 : 0;
  const chunks = new Chunks(db);
  const blocks = new FreshBlocks(db);
  const fresh = firstFreshRows(db, blocks, { id, from: start, to }, skipped + limit + 1);
  const points: PointView[] = [];
  const done = (next: ReadPlace | null) => ({ points, next, damages: [...blocks.damages, ...chunks.damages] });
  let last: ReadPlace = { at: -1, n: -1 };
  for (const item of inOrder(partsOf(chunks, { id, from: start, to }), fresh)) {
    for (const point of pointsOf(item)) {
      const place = { at: point.at, n: point.at === last.at ? last.n + 1 : 0 };
      if (place.at > start || place.n >= skipped) {
        if (points.length === limit) return done(last);
        points.push(bucketView(point));
      }
      last = place;
    }
  }
  return done(null);
}

/** At most `maxPoints` points of one series; chunks that lie within a bucket are taken by their head, unopened. */
export function readBuckets(
  db: DatabaseSync,
  { id, from, to, maxPoints }: TimeSpan & { maxPoints: number },
): { points: PointView[]; downsampled: boolean; damages: ChunkDamage[] } {
  const chunks = new Chunks(db);
  const blocks = new FreshBlocks(db);
  const fresh = freshRows(db, blocks, { id, from, to });
  const parts = partsOf(chunks, { id, from, to });
  const count = parts.reduce((sum, part) => sum + part.count, fresh.length);
  const firstAt = Math.min(parts.find((part) => part.count > 0)?.firstAt ?? Infinity, fresh[0]?.at ?? Infinity);
  const lastAt = Math.max(parts.findLast((part) => part.count > 0)?.lastAt ?? -Infinity, fresh.at(-1)?.at ?? -Infinity);
  if (count <= maxPoints) {
    const points = [...inOrder(parts, fresh)].flatMap((item) => [...pointsOf(item)].map(bucketView));
    return { points, downsampled: false, damages: [...blocks.damages, ...chunks.damages] };
  }
  const buckets = new Buckets(maxPoints, firstAt, lastAt);
  // The ends are shown as they are, so their chunks are opened.
  const unopened = (part: Part) =>
    part.isWhole && part.head.numbers > 0 && part.firstAt > firstAt && part.lastAt < lastAt && buckets.isOne(part.firstAt, part.lastAt);
  for (const item of inOrder(parts, fresh, unopened)) {
    if (item instanceof Part) buckets.takeChunk(item.head);
    else if ('columns' in item) buckets.takeRun(item);
    else buckets.take(item);
  }
  return { points: buckets.done(), downsampled: true, damages: [...blocks.damages, ...chunks.damages] };
}

type Item = StoredPoint | PointRun | Part;

function* pointsOf(item: Item): Generator<StoredPoint> {
  const run = item instanceof Part ? item.run() : item;
  if (!run) return;
  if (!('columns' in run)) yield run;
  else for (let place = run.from; place < run.to; place += 1) yield run.columns.point(place);
}

/**
 * Fresh points and runs of opened chunks; at equal times what lies in a chunk came first. Chunks are opened one after
 * the other, only as far as is asked for.
 *
 * @param unopened which parts to hand over as they are, where nothing fresh lies among their times
 */
function* inOrder(parts: readonly Part[], fresh: readonly StoredPoint[], unopened: (part: Part) => boolean = () => false): Generator<Item> {
  let at = 0;
  for (const part of parts) {
    while (at < fresh.length && (fresh[at] as StoredPoint).at < part.firstAt) yield fresh[at++] as StoredPoint;
    if (unopened(part) && !(at < fresh.length && (fresh[at] as StoredPoint).at <= part.lastAt)) {
      yield part;
      continue;
    }
    const run = part.run();
    if (!run) continue;
    let { from } = run;
    while (from < run.to) {
      // Times are whole: what is fresh goes before the first time that is later.
      const end = at < fresh.length ? Math.min(run.to, run.columns.placeOf((fresh[at] as StoredPoint).at + 1)) : run.to;
      if (end > from) yield { columns: run.columns, from, to: end };
      from = Math.max(from, end);
      while (from < run.to && at < fresh.length && (fresh[at] as StoredPoint).at < (run.columns.times[from] as number))
        yield fresh[at++] as StoredPoint;
    }
  }
  while (at < fresh.length) yield fresh[at++] as StoredPoint;
}

function partsOf(chunks: Chunks, { id, from, to }: TimeSpan): Part[] {
  return chunks.ofSeries(id, from, to).map((head) => new Part(head, chunks, from, to));
}

/** What of a chunk lies within a span. */
class Part {
  readonly head: PlacedHead;
  readonly isWhole: boolean;
  readonly #chunks: Chunks;
  readonly #from: number;
  readonly #to: number;
  #run: PointRun | null | undefined;

  constructor(head: PlacedHead, chunks: Chunks, from: number, to: number) {
    this.head = head;
    this.#chunks = chunks;
    this.#from = from;
    this.#to = to;
    this.isWhole = head.fromAt >= from && head.toAt < to;
  }

  get count(): number {
    if (this.isWhole) return this.head.count;
    const run = this.run();
    return run ? run.to - run.from : 0;
  }

  get firstAt(): number {
    return (this.isWhole ? undefined : this.#timeAt((run) => run.from)) ?? Math.max(this.head.fromAt, this.#from);
  }

  get lastAt(): number {
    return (this.isWhole ? undefined : this.#timeAt((run) => run.to - 1)) ?? Math.min(this.head.toAt, this.#to - 1);
  }

  /** null when the chunk is damaged. */
  run(): PointRun | null {
    if (this.#run !== undefined) return this.#run;
    const columns = this.#chunks.columns(this.head);
    const run = columns && { columns, from: columns.placeOf(this.#from), to: columns.placeOf(this.#to) };
    // Of a whole one nothing is asked before its turn: a query over years keeps none of them in memory.
    if (!this.isWhole) this.#run = run;
    return run;
  }

  #timeAt(placeOf: (run: PointRun) => number): number | undefined {
    const run = this.run();
    return run && run.to > run.from ? (run.columns.times[placeOf(run)] as number) : undefined;
  }
}
