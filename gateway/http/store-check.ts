/** Routes of reading the store back: how far it is, and beginning it. */
import { STORE_CHECK_EXAMPLE, StoreCheckView } from '../../api/store-check.ts';
import { NO_PARAMS, query, route, type Route } from './route.ts';

export const STORE_CHECK_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/store/check',
    needs: 'read',
    everywhere: true,
    summary: { zh: '时序库回读校验的进度与结果', en: 'how far reading the store back is, and what it found' },
    query: query({}),
    params: NO_PARAMS,
    answer: StoreCheckView,
    example: STORE_CHECK_EXAMPLE,
    faults: [],
    handle: ({ sources }) => sources.storeCheck.view(),
  }),
  route({
    method: 'POST',
    path: '/api/v1/store/check',
    needs: 'read',
    everywhere: true,
    summary: {
      zh: '开始全量回读校验时序库；进行中时不重复开始，不阻塞写入与查询',
      en: 'begins to read the whole store back, unless that is under way; nothing waits for it',
    },
    query: query({}),
    params: NO_PARAMS,
    status: 202,
    answer: StoreCheckView,
    example: { ...STORE_CHECK_EXAMPLE, state: 'running', endedAt: null, done: 0, damages: 0, damaged: [] },
    faults: ['CV_API_ORIGIN'],
    handle({ sources, reply }) {
      reply.code(202);
      return sources.storeCheck.start();
    },
  }),
];
