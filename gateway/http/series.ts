/** `series`: without a time the list of series, with one the values of exactly one of them. */
import { z } from 'zod';
import { pageOf } from '../../api/fields.ts';
import { SERIES_EXAMPLE, SERIES_RANGE_EXAMPLE, SeriesRange, SeriesView } from '../../api/series.ts';
import { FaultError } from '../../core/faults.ts';
import { ApiFault } from './problem.ts';
import { after, NO_PARAMS, pageByText, pageLimit, query, route, timeMs, whole } from './route.ts';

const MAX_ROWS = 10_000;
const MAX_CANDIDATES = 100;
const DEFAULT_SPAN_MS = 3_600_000;

const asked = query({
  indicator: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ en: 'of this indicator', zh: '仅此指标', examples: [SERIES_EXAMPLE.indicator] }),
  device: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ en: 'of this device', zh: '仅此设备', examples: [SERIES_EXAMPLE.device] }),
  point: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ en: 'of this point', zh: '仅此测点', examples: [SERIES_EXAMPLE.point] }),
  from: timeMs()
    .optional()
    .meta({
      en: 'ms UTC, part of the range; default: an hour before `to`',
      zh: 'UTC 毫秒，含此刻；默认为 to 之前一小时',
      written: String(SERIES_RANGE_EXAMPLE.from),
    }),
  to: timeMs()
    .optional()
    .meta({
      en: 'ms UTC, not part of the range; default: now',
      zh: 'UTC 毫秒，不含此刻；默认为现在',
      written: String(SERIES_RANGE_EXAMPLE.to),
    }),
  maxPoints: whole(1, MAX_ROWS)
    .optional()
    .meta({
      en: 'at most so many points: buckets with min and max when there are more',
      zh: '最多返回的点数；更多时按桶给出最小值与最大值',
      written: '500',
    }),
  limit: pageLimit(MAX_ROWS, 1000),
  after: after(),
});

export const SERIES_ROUTE = route({
  method: 'GET',
  path: '/api/v1/series',
  needs: 'read',
  summary: { zh: '序列列表；给出时间时为单个序列的数值', en: 'the list of series; with a time, the values of one' },
  query: asked,
  params: NO_PARAMS,
  answer: z.union([SeriesRange, pageOf(SeriesView)]),
  example: SERIES_RANGE_EXAMPLE,
  faults: ['CV_API_RANGE_INVALID', 'CV_API_CURSOR_INVALID', 'CV_API_UNKNOWN_ID', 'CV_API_SERIES_AMBIGUOUS'],
  async handle({ sources, sees, query: wanted, world }): Promise<SeriesRange | { items: SeriesView[]; next: string | null }> {
    const found = (await sources.series(wanted)).filter(({ centre }) => sees(centre));
    const wantsValues = wanted.from !== undefined || wanted.to !== undefined || wanted.maxPoints !== undefined;
    if (!wantsValues) return pageByText(found, wanted.limit, wanted.after, keyOf);
    const to = wanted.to ?? world.clock.nowMs() + 1;
    const from = wanted.from ?? Math.max(0, to - DEFAULT_SPAN_MS);
    if (from >= to) throw new FaultError('CV_API_RANGE_INVALID', { from, to });
    const series = theOne(found, wanted);
    const result = await sources.range({
      indicator: series.indicator,
      device: series.device,
      point: series.point,
      from,
      to,
      maxPoints: wanted.maxPoints ?? null,
      limit: wanted.limit,
      after: wanted.after ?? null,
    });
    return {
      series,
      from,
      to,
      downsampled: result.downsampled,
      items: result.items,
      next: result.next,
      ...(result.gaps ? { gaps: result.gaps } : {}),
    };
  },
});

function theOne(found: readonly SeriesView[], wanted: z.output<typeof asked>): SeriesView {
  const [first, second] = found;
  if (!first) {
    const id = [wanted.indicator, wanted.device, wanted.point].map((part) => part ?? '*').join('|');
    throw new FaultError('CV_API_UNKNOWN_ID', { what: 'series', whatZh: '序列', id, list: '/api/v1/series' });
  }
  if (second)
    throw new ApiFault({ code: 'CV_API_SERIES_AMBIGUOUS', params: { count: found.length } }, { items: found.slice(0, MAX_CANDIDATES) });
  return first;
}

const keyOf = (series: SeriesView): string => `${series.indicator}|${series.device}|${series.point}`;
