/** Points on their way from a reading thread: as columns, which cost the main thread a fraction of what as many objects do. */
import type { PointView } from '../../core/api.ts';
import { QUALITIES, type Flag, type Quality, type Value } from '../../core/event.ts';

export interface ViewColumns {
  times: Float64Array;
  /** A typed array when all are numbers. */
  values: Float64Array | Value[];
  /** Places in QUALITIES. */
  qualities: Uint8Array;
  /** The lists of flags that occur, and by place which one. */
  flags: Flag[][];
  flagsOf: Uint32Array;
  /** NaN where a point has none. */
  mins: Float64Array;
  maxs: Float64Array;
  counts: Float64Array;
}

export function packViews(points: readonly PointView[]): ViewColumns {
  const lists = new Map<string, number>();
  const flags: Flag[][] = [];
  const placeOf = (list: Flag[]): number => {
    const key = list.join(',');
    let place = lists.get(key);
    if (place === undefined) {
      lists.set(key, (place = flags.length));
      flags.push(list);
    }
    return place;
  };
  const column = (of: (point: PointView) => number): Float64Array => Float64Array.from(points, of);
  return {
    times: column(({ at }) => at),
    values: points.every(({ value }) => typeof value === 'number') ? column(({ value }) => value as number) : points.map(({ value }) => value),
    qualities: Uint8Array.from(points, ({ quality }) => QUALITIES.indexOf(quality)),
    flags, flagsOf: Uint32Array.from(points, (point) => placeOf(point.flags)),
    mins: column(({ min }) => min ?? NaN), maxs: column(({ max }) => max ?? NaN), counts: column(({ count }) => count ?? NaN),
  };
}

export function unpackViews({ times, values, qualities, flags, flagsOf, mins, maxs, counts }: ViewColumns): PointView[] {
  return Array.from(times, (at, place): PointView => {
    const point: PointView = { at, value: values[place] as Value, quality: QUALITIES[qualities[place] as number] as Quality, flags: [...(flags[flagsOf[place] as number] as Flag[])] };
    const [min, max, count] = [mins[place] as number, maxs[place] as number, counts[place] as number];
    if (!Number.isNaN(min)) point.min = min;
    if (!Number.isNaN(max)) point.max = max;
    if (!Number.isNaN(count)) point.count = count;
    return point;
  });
}
