/** The route of the audit record. Entries of no centre are of the gateway as a whole, for those who see all of it. */
import { z } from 'zod';
import { AUDIT_EXAMPLE, AUDIT_KINDS, AUDIT_OUTCOMES, AuditEntryView } from '../../api/audit.ts';
import { pageOf } from '../../api/fields.ts';
import { IDS } from '../../core/event.ts';
import { recorded } from './recorded.ts';
import { filter, MAX_PAGE, NO_PARAMS, pageLimit, query, route, timeMs, whole } from './route.ts';

const time = (en: string, zh: string) => timeMs().optional().meta({ en, zh, written: '1781764225000' });

export const AUDIT_ROUTE = route({
  method: 'GET',
  path: '/api/v1/audit',
  needs: 'read_audit',
  summary: {
    zh: '审计记录，最新在前；一页可能少于 limit 条甚至为空，只要 next 不为 null 就还有',
    en: 'the audit record, newest first; a page may have fewer items than `limit`, even none: there is more while `next` is not null',
  },
  query: query({
    limit: pageLimit(MAX_PAGE, 100),
    after: whole(1, Number.MAX_SAFE_INTEGER).optional().meta({ en: '`next` of the page before', zh: '上一页的 next', written: '4711' }),
    since: time('from this time on, ms UTC', '自此时刻起，UTC 毫秒'),
    until: time('before this time, ms UTC', '此时刻之前，UTC 毫秒'),
    who: filter(z.string().max(128), 'of this person or token', '仅此人员或令牌', 'li-wei'),
    kind: filter(z.enum(AUDIT_KINDS), 'of this kind', '仅此类别', 'command'),
    centre: filter(z.string().max(12), 'of this centre', '仅此中心', '500112001'),
    edge: filter(z.string().regex(IDS.edge), 'told by this edge', '仅由此边缘节点上报', 'pump-07'),
    outcome: filter(z.enum(AUDIT_OUTCOMES), 'with this outcome', '仅此结果', 'refused'),
  }),
  params: NO_PARAMS,
  answer: pageOf(AuditEntryView),
  example: { items: [AUDIT_EXAMPLE], next: null },
  faults: [],
  handle: (call) =>
    recorded(call, { kind: 'audit_read', what: 'audit record' }, async () => {
      const { limit, after, since, until, who, kind, centre, edge, outcome } = call.query;
      const { items, next } = await call.sources.audit.list({
        filter: { since, until, who, kind, centre, edge, outcome },
        limit,
        before: after ?? null,
        isSeen: (one) => call.seesAll || (one !== undefined && call.sees(one)),
      });
      return { items, next: next === null ? null : String(next) };
    }),
});
