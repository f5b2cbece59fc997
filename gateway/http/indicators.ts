/** The route of the catalogue's indicators. */
import { z } from 'zod';
import { pageOf } from '../../api/fields.ts';
import { INDICATOR_EXAMPLE, IndicatorView } from '../../api/indicators.ts';
import { after, filter, MAX_PAGE, NO_PARAMS, pageByText, pageLimit, query, route } from './route.ts';

export const INDICATORS_ROUTE = route({
  method: 'GET',
  path: '/api/v1/indicators',
  needs: 'read',
  summary: { zh: '体征指标目录，含目录外已收到的代码', en: 'the catalogue, with codes that were received but are not in it' },
  query: query({
    limit: pageLimit(MAX_PAGE, 200),
    after: after(),
    known: filter(z.enum(['true', 'false']), 'whether the catalogue knows it', '目录中是否有', 'false'),
  }),
  params: NO_PARAMS,
  answer: pageOf(IndicatorView),
  example: { items: [INDICATOR_EXAMPLE], next: null },
  faults: [],
  handle({ sources, query: asked }) {
    const wanted = sources.indicators().filter((indicator) => (asked.known ?? `${indicator.known}`) === `${indicator.known}`);
    return pageByText(wanted, asked.limit, asked.after, (indicator) => indicator.code);
  },
});
