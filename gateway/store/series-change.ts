/** What a batch does to one series. */
import type { SeriesHead, SeriesSnapshot, StoredPoint } from './rows.ts';

/** What the writer remembers of a series. */
export interface Known {
  id: number;
  unit: string;
  firstAt: number;
  lastAt: number;
}

export class SeriesChange {
  readonly head: SeriesHead;
  known: Known | undefined;
  newest: StoredPoint | null = null;
  oldestAt = Infinity;

  constructor(head: SeriesHead, known: Known | undefined) {
    this.head = head;
    this.known = known;
  }

  /** A value in another unit than its series says so in its row. */
  take(point: StoredPoint): StoredPoint {
    const placed = withUnit(point, point.extra?.unit ?? this.head.unit, this.known?.unit ?? this.head.unit);
    if (!this.newest || placed.at >= this.newest.at) this.newest = placed;
    this.oldestAt = Math.min(this.oldestAt, placed.at);
    return placed;
  }

  /** The series as it is now, when its newest value came with this batch or its start moved. */
  snapshot(): SeriesSnapshot[] {
    if (!this.known || !this.newest) return [];
    return [{ ...this.head, unit: this.known.unit, id: this.known.id, firstAt: this.known.firstAt, last: this.newest }];
  }
}

function withUnit(point: StoredPoint, unit: string, seriesUnit: string): StoredPoint {
  const { extra, flags, ...plain } = point;
  if (unit !== seriesUnit) return { ...plain, flags: flags.includes('unit') ? flags : [...flags, 'unit'], extra: { ...extra, unit } };
  return extra?.window ? { ...plain, flags, extra: { window: extra.window } } : { ...plain, flags };
}
