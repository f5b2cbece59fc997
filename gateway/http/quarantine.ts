/** The route of what was refused. */
import { pageOf } from '../../api/fields.ts';
import { QUARANTINE_EXAMPLE, QuarantineItem } from '../../api/quarantine.ts';
import { MAX_ITEMS } from '../intake/quarantine.ts';
import { MAX_PAGE, NO_PARAMS, pageLimit, query, route, seesEdge, whole } from './route.ts';

export const QUARANTINE_ROUTE = route({
  method: 'GET',
  path: '/api/v1/quarantine',
  needs: 'read',
  summary: { zh: '被拒收的内容及原因，最新在前', en: 'what was refused and why, newest first' },
  query: query({
    limit: pageLimit(MAX_PAGE, 100),
    after: whole(0, Number.MAX_SAFE_INTEGER).optional().meta({ en: '`next` of the page before', zh: '上一页的 next', written: '17' }),
  }),
  params: NO_PARAMS,
  answer: pageOf(QuarantineItem),
  example: { items: [QUARANTINE_EXAMPLE], next: null },
  faults: [],
  async handle(call) {
    const { sources, query: asked, seesAll } = call;
    // So many are listed at most: who sees a part of them gets it from all.
    const found = await sources.quarantine(asked.after ?? null, seesAll ? asked.limit + 1 : MAX_ITEMS);
    const items = seesAll ? found : found.filter(({ sender }) => seesEdge(call, sender)).slice(0, asked.limit + 1);
    const kept = items.slice(0, asked.limit);
    return { items: kept, next: items.length > asked.limit ? String(kept.at(-1)?.id) : null };
  },
});
