/** Points on their way from a reading thread: as columns, which cost the main thread a fraction of what as many objects do. */
import type { PointView } from '../../api/series.ts';
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
  const { length } = points;
  const column = (): Float64Array => new Float64Array(length);
  const numbers = column();
  const packed: ViewColumns = {
    times: column(),
    values: numbers,
    qualities: new Uint8Array(length),
    flags: [],
    flagsOf: new Uint32Array(length),
    mins: column(),
    maxs: column(),
    counts: column(),
  };
  const lists = new Map<string, number>();
  let isNumbers = true;
  for (let place = 0; place < length; place += 1) {
    const { at, value, quality, flags, min, max, count } = points[place] as PointView;
    packed.times[place] = at;
    if (typeof value === 'number') numbers[place] = value;
    else isNumbers = false;
    packed.qualities[place] = QUALITIES.indexOf(quality);
    packed.mins[place] = min ?? NaN;
    packed.maxs[place] = max ?? NaN;
    packed.counts[place] = count ?? NaN;
    const key = flags.length === 0 ? '' : flags.join(',');
    let list = lists.get(key);
    if (list === undefined) {
      lists.set(key, (list = packed.flags.length));
      packed.flags.push(flags);
    }
    packed.flagsOf[place] = list;
  }
  return isNumbers ? packed : { ...packed, values: points.map(({ value }) => value) };
}

export function unpackViews({ times, values, qualities, flags, flagsOf, mins, maxs, counts }: ViewColumns): PointView[] {
  return Array.from(times, (at, place): PointView => {
    const point: PointView = {
      at,
      value: values[place] as Value,
      quality: QUALITIES[qualities[place] as number] as Quality,
      flags: [...(flags[flagsOf[place] as number] as Flag[])],
    };
    const [min, max, count] = [mins[place] as number, maxs[place] as number, counts[place] as number];
    if (!Number.isNaN(min)) point.min = min;
    if (!Number.isNaN(max)) point.max = max;
    if (!Number.isNaN(count)) point.count = count;
    return point;
  });
}
