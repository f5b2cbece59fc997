/** How all of it stands. */
import { STATUS_EXAMPLE, StatusView } from '../../api/status.ts';
import { NO_PARAMS, query, route } from './route.ts';

export const STATUS_ROUTE = route({
  method: 'GET', path: '/api/v1/status', needs: 'read', summary: { zh: '样本全程的实时计数', en: 'the path of a sample with live counts' },
  query: query({}), params: NO_PARAMS, answer: StatusView, example: STATUS_EXAMPLE, faults: [],
  handle: ({ sources, sees, seesAll }) => (seesAll ? sources.status() : sources.status(sees)),
});
