/** A series, and its values over a time. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT, EXAMPLE_NAME, EXAMPLE_SERIES } from './example-values.ts';
import { count, flags, next, quality, time, value, WORDS } from './fields.ts';

export const SeriesView = component('Series', 'one indicator of one point of one device', '某设备某测点的某项指标', z.object({
  indicator: z.string(),
  device: z.string(),
  point: z.string(),
  unit: z.string(),
  centre: z.string(),
  edge: z.string(),
  known: z.boolean().meta({ en: 'false when the catalogue does not know the indicator', zh: '目录外的指标为 false' }),
  name: WORDS,
  lastAt: time,
}));
export type SeriesView = z.infer<typeof SeriesView>;

export const PointView = component('Point', 'one stored value, or a bucket of them', '一个存储值，或一桶的汇总', z.object({
  at: time,
  value,
  quality,
  flags,
  /** When down-sampled: what the bucket held. */
  min: z.exactOptional(z.number()),
  max: z.exactOptional(z.number()),
  count: z.exactOptional(count),
}));
export type PointView = z.infer<typeof PointView>;

/** from ≤ at < to; count is null when it is not known. */
export const SeriesGap = z.object({ from: time, to: time, count: count.nullable() });
export type SeriesGap = z.infer<typeof SeriesGap>;

export const SeriesRange = component('SeriesRange', 'values of one series, by time', '单个序列的数值，按时间', z.object({
  series: SeriesView,
  from: time,
  to: time,
  downsampled: z.boolean().meta({ en: 'points are buckets, with the average as value', zh: '为 true 时各点为桶的汇总，value 为平均值' }),
  items: z.array(PointView),
  next,
  gaps: z.exactOptional(z.array(SeriesGap)).meta({ en: 'damaged on disk and left out', zh: '磁盘上已损坏、未列出的部分' }),
}));
export type SeriesRange = z.infer<typeof SeriesRange>;

export const SERIES_EXAMPLE: SeriesView = {
  ...EXAMPLE_SERIES,
  unit: 'm',
  centre: '500112001',
  edge: 'pump-07',
  known: true,
  name: EXAMPLE_NAME,
  lastAt: EXAMPLE_AT,
};
export const SERIES_RANGE_EXAMPLE: SeriesRange = {
  series: SERIES_EXAMPLE, from: EXAMPLE_AT - 60_000, to: EXAMPLE_AT + 1, downsampled: true, next: null,
  items: [{ at: EXAMPLE_AT - 1000, value: 3.1, quality: 'good', flags: [], min: 3, max: 3.2, count: 10 }],
};
