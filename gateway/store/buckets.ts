/** Values put together for drawing: buckets of equal length that keep lowest and highest. */
import type { PointView } from '../../api/series.ts';
import type { Flag, Value } from '../../core/event.ts';
import { flagsOf, type ChunkHead } from './chunk.ts';
import type { ChunkColumns } from './codec/columns.ts';
import type { StoredPoint } from './rows.ts';

export function bucketView({ at, value, quality, flags, extra }: StoredPoint): PointView {
  const { window } = extra ?? {};
  return {
    at,
    value,
    quality,
    flags,
    ...(window
      ? {
          count: window.count,
          ...(window.min === undefined ? {} : { min: window.min }),
          ...(window.max === undefined ? {} : { max: window.max }),
        }
      : {}),
  };
}

/** Points of an opened chunk, from ≤ place < to; at least one. */
export interface PointRun {
  columns: ChunkColumns;
  from: number;
  to: number;
}

/**
 * At most `maxPoints` points over the values from `firstAt` to `lastAt`. The first and the last stay as they are (where
 * there is room for them), the rest goes into buckets: a crossing of a limit is never hidden.
 */
export class Buckets {
  readonly #points: PointView[] = [];
  readonly #keepsEnds: boolean;
  readonly #buckets: number;
  readonly #firstAt: number;
  readonly #widthMs: number;
  #bucket: Bucket | null = null;
  #begun = false;
  /** Goes into its bucket when another one comes after it. */
  #latest: StoredPoint | null = null;

  constructor(maxPoints: number, firstAt: number, lastAt: number) {
    this.#keepsEnds = maxPoints >= 3;
    this.#buckets = this.#keepsEnds ? maxPoints - 2 : maxPoints;
    this.#firstAt = firstAt;
    this.#widthMs = Math.max(1, lastAt - firstAt + 1) / this.#buckets;
  }

  /** Whether one bucket holds both times. */
  isOne(fromAt: number, toAt: number): boolean {
    return this.#index(fromAt) === this.#index(toAt);
  }

  take(point: StoredPoint): void {
    if (this.#keepsEnds && !this.#begun) {
      this.#begun = true;
      this.#points.push(bucketView(point));
      return;
    }
    this.#flushLatest();
    if (this.#keepsEnds) this.#latest = point;
    else this.#bucketAt(point.at).take(point);
  }

  takeRun({ columns, from, to }: PointRun): void {
    let place = from;
    if (this.#keepsEnds) {
      if (!this.#begun) this.take(columns.point(place++));
      if (place === to) return;
      this.#flushLatest();
      this.#latest = columns.point(to - 1);
    }
    const end = this.#keepsEnds ? to - 1 : to;
    while (place < end) {
      const start = place;
      const bucket = this.#bucketAt(columns.times[place] as number);
      do place += 1; while (place < end && this.#index(columns.times[place] as number) === bucket.index);
      bucket.takeRun({ columns, from: start, to: place });
    }
  }

  /** All points of a chunk that lies within one bucket. */
  takeChunk(head: ChunkHead): void {
    this.#begun = true;
    this.#flushLatest();
    this.#bucketAt(head.fromAt).takeChunk(head);
  }

  done(): PointView[] {
    if (this.#bucket) this.#points.push(this.#bucket.view());
    if (this.#latest) this.#points.push(bucketView(this.#latest));
    return this.#points;
  }

  #flushLatest(): void {
    if (this.#latest) this.#bucketAt(this.#latest.at).take(this.#latest);
    this.#latest = null;
  }

  #bucketAt(at: number): Bucket {
    const index = this.#index(at);
    if (this.#bucket?.index === index) return this.#bucket;
    if (this.#bucket) this.#points.push(this.#bucket.view());
    this.#bucket = new Bucket(index, at);
    return this.#bucket;
  }

  #index(at: number): number {
    return Math.max(0, Math.min(this.#buckets - 1, Math.floor((at - this.#firstAt) / this.#widthMs)));
  }
}

class Bucket {
  readonly index: number;
  readonly #at: number;
  readonly #flags = new Set<Flag>();
  #last: Value = null;
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
    this.#last = point.value;
    // true and false are drawn as 1 and 0, so that a bucket in which a pump stopped shows it.
    const number = Number(point.value);
    if (typeof point.value === 'string') return;
    this.#min = Math.min(this.#min, point.extra?.window?.min ?? number);
    this.#max = Math.max(this.#max, point.extra?.window?.max ?? number);
    if (typeof point.value !== 'number') return;
    this.#sum += number;
    this.#numbers += 1;
  }

  takeRun({ columns, from, to }: PointRun): void {
    const { values, windows, states, stateOf } = columns;
    if (!(values instanceof Float64Array) || windows) {
      for (let place = from; place < to; place += 1) this.take(columns.point(place));
      return;
    }
    this.#count += to - from;
    this.#numbers += to - from;
    let [sum, min, max] = [this.#sum, this.#min, this.#max];
    for (let place = from; place < to; place += 1) {
      const value = values[place] as number;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    [this.#sum, this.#min, this.#max] = [sum, min, max];
    for (let place = from; place < to;) {
      const start = place;
      const index = stateOf?.[place] ?? 0;
      if (stateOf) while (place < to && stateOf[place] === index) place += 1;
      else place = to;
      const { quality, flags } = states[index] as ChunkColumns['states'][number];
      if (quality === 'good') this.#good += place - start;
      if (quality === 'bad') this.#bad += place - start;
      for (const flag of flags) this.#flags.add(flag);
    }
  }

  /** @param head of a chunk that has numbers */
  takeChunk(head: ChunkHead): void {
    this.#count += head.count;
    this.#good += head.good;
    this.#bad += head.bad;
    for (const flag of flagsOf(head)) this.#flags.add(flag);
    this.#min = Math.min(this.#min, head.low ?? Infinity);
    this.#max = Math.max(this.#max, head.high ?? -Infinity);
    this.#sum += head.sum;
    this.#numbers += head.numbers;
  }

  /** Bad only when all of it is; good only when all of it is. */
  view(): PointView {
    const value = this.#numbers > 0 ? this.#sum / this.#numbers : this.#last;
    const quality = this.#bad === this.#count ? 'bad' : this.#good === this.#count ? 'good' : 'uncertain';
    const spread = this.#min <= this.#max ? { min: this.#min, max: this.#max } : {};
    return { at: this.#at, value, quality, flags: [...this.#flags], ...spread, count: this.#count };
  }
}
