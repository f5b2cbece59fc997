/** Routes about the gateway itself: health, metrics, and the two documents. */
import { componentSchemas } from '../../api/components.ts';
import { JsonDocument } from '../../api/document.ts';
import { HealthView } from '../../api/health.ts';
import { asyncapiDocument } from './asyncapi.ts';
import { openapiDocument } from './openapi.ts';
import { may } from '../people/principal.ts';
import { NO_PARAMS, query, route, type Route } from './route.ts';

/** @param all gives every route of the table, these included, for the document */
export function metaRoutes(version: string, all: () => readonly Route[]): Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      needs: 'public',
      summary: {
        zh: '健康状态；异常时为 503；需要令牌而未提供时只给出代码，不含详情',
        en: 'health; 503 when impaired; without a token, where one is needed, codes alone are told',
      },
      query: query({}),
      params: NO_PARAMS,
      answer: HealthView,
      example: { status: 'ok', gateway: 'town-01', version, problems: [] },
      faults: [],
      alternatives: [
        {
          status: 503,
          words: { en: 'something keeps the gateway from its work', zh: '网关工作受阻' },
          answer: HealthView,
          example: {
            status: 'impaired',
            gateway: 'town-01',
            version,
            problems: [{ code: 'CV_BROKER_UNREACHABLE', detail: 'the broker is away', detailZh: '代理连接中断' }],
          },
        },
      ],
      handle({ sources, principal, reply }) {
        const isTold = may(principal, 'read', '*');
        const problems = sources.problems().map((problem) => (isTold ? problem : { code: problem.code, detail: '', detailZh: '' }));
        if (problems.length > 0) reply.code(503);
        return { status: problems.length > 0 ? 'impaired' : 'ok', gateway: sources.status().gateway, version, problems };
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      needs: 'read',
      everywhere: true,
      summary: { zh: 'Prometheus 指标', en: 'Prometheus metrics' },
      query: query({}),
      params: NO_PARAMS,
      answer: { mediaType: 'text/plain; version=0.0.4; charset=utf-8' },
      example: '# TYPE cityvitals_points_stored_total counter\ncityvitals_points_stored_total 1200\n',
      faults: [],
      handle: ({ sources }) => sources.metrics(),
    }),
    route({
      method: 'GET', path: '/api/v1/openapi.json', needs: 'read', summary: { zh: '本接口的 OpenAPI 3.1 文档', en: 'this API as OpenAPI 3.1' },
      query: query({}), params: NO_PARAMS, answer: JsonDocument, example: { openapi: '3.1.0' }, faults: [],
      handle: () => openapiDocument(version, all(), componentSchemas()),
    }),
    route({
      method: 'GET', path: '/api/v1/asyncapi.json', needs: 'read',
      summary: { zh: 'MQTT 主题的 AsyncAPI 3 文档', en: 'the MQTT topics as AsyncAPI 3' },
      query: query({}), params: NO_PARAMS, answer: JsonDocument, example: { asyncapi: '3.0.0' }, faults: [],
      handle: () => asyncapiDocument(version),
    }),
  ];
}
