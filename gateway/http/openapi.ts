/** The OpenAPI 3.1 document, made of the same table of routes that the server registers. */
import { z } from 'zod';
import { explain, FAULTS, type FaultCode } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { jsonSchemaOf, type JsonSchema } from '../../core/json-schema.ts';
import { bilingualDescription } from '../../core/typed-schema.ts';
import { FAULT_PARAMS_EXAMPLE } from './fault-examples.ts';
import { problemOf, TITLES } from './problem.ts';
import type { Permission } from '../../api/permissions.ts';
import type { Route } from './route.ts';
import { answerSchema } from '../../api/component.ts';
import '../people/faults.ts';

const ANY_ROUTE: FaultCode[] = ['CV_API_QUERY_INVALID', 'CV_API_HOST', 'CV_API_INTERNAL'];
const ANY_READ: FaultCode[] = ['CV_API_READ_TOKEN', 'CV_API_FORBIDDEN', 'CV_COMMAND_TOO_MANY'];
/** What a token of `http.readers` is good for, and what nobody needs any for. */
const READERS_MAY: ReadonlySet<Permission> = new Set(['public', 'read', 'read_evidence']);
const both = ({ en, zh }: BilingualText): string => `${en} · ${zh}`;

export function openapiDocument(version: string, routes: readonly Route[], schemas: Record<string, unknown>): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'cityvitals gateway · 城市体征网关', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      ...bilingualDescription(
        'Times are ms UTC. Lists answer `{ items, next }`; give `next` as `after` for the next page. Errors are problem+json with a code of docs/faults.md and a remedy, in the language of Accept-Language.',
        '时间均为 UTC 毫秒。列表返回 `{ items, next }`，以 `next` 作为下一页的 `after`。错误为 problem+json，含 docs/faults.md 中的代码与处理办法，语言取 Accept-Language。',
      ),
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, words]) => ({ name, description: both(words) })),
    // Nothing is needed where HTTP listens on this machine alone.
    security: [{}, { reader: [] }, { session: [] }, { operator: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        reader: {
          type: 'http',
          scheme: 'bearer',
          ...bilingualDescription(
            "a token of `http.readers` in the gateway's configuration; needed for reading where HTTP listens beyond its own machine",
            '网关配置中 http.readers 的令牌；HTTP 不只监听本机时，读取需要它',
          ),
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'cityvitals-GATEWAY',
          ...bilingualDescription(
            'set by `POST /api/v1/session`; GATEWAY is the id of the gateway',
            '由 `POST /api/v1/session` 写入；GATEWAY 为网关编号',
          ),
        },
        operator: {
          type: 'http',
          scheme: 'bearer',
          ...bilingualDescription("a token of `operators` in the gateway's configuration", '网关配置中 operators 的令牌'),
        },
      },
    },
  };
}

const TAGS = {
  gateway: { en: 'the gateway itself', zh: '网关自身' },
  devices: { en: 'devices and their newest values', zh: '设备与最新值' },
  values: { en: 'indicators and series', zh: '指标与序列' },
  events: { en: 'the durable stream, and changes as they come', zh: '持久事件流与实时变化' },
  warnings: { en: 'warnings', zh: '风险提示' },
  commands: { en: 'commands to edges', zh: '对边缘节点的命令' },
  people: { en: 'signing in, users, tokens', zh: '登录、用户与令牌' },
  demo: { en: 'only inside the demo', zh: '仅在演示中' },
} satisfies Record<string, BilingualText>;
/** By the first part of a path behind `/api/v1`; the others are the gateway's. */
const TAG_OF: Record<string, keyof typeof TAGS> = {
  devices: 'devices',
  indicators: 'values',
  series: 'values',
  events: 'events',
  evidence: 'events',
  live: 'events',
  quarantine: 'events',
  warnings: 'warnings',
  commands: 'commands',
  session: 'people',
  account: 'people',
  users: 'people',
  setup: 'people',
  'sign-in': 'people',
  demo: 'demo',
};

function operation(route: Route): Record<string, unknown> {
  return {
    operationId: operationId(route),
    summary: both(route.summary),
    tags: [TAG_OF[/^\/api\/v1\/([\w-]+)/.exec(route.path)?.[1] ?? ''] ?? 'gateway'],
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: schemaOf(route.body),
                ...(route.bodyExample === undefined ? {} : { example: route.bodyExample }),
              },
            },
          },
        }
      : {}),
    'x-permission': route.needs,
    ...(route.needs === 'public' ? { security: [] } : {}),
    ...(READERS_MAY.has(route.needs) ? {} : { security: [{ operator: [] }, ...(route.needs === 'watch_live' ? [{}] : [])] }),
    responses: {
      [route.status ?? 200]: {
        description: both(route.summary),
        ...(route.headers ? { headers: headers(route.headers) } : {}),
        content: content(route),
      },
      ...others(route),
      ...refusals(route),
      ...problems([...new Set([...route.faults, ...ANY_ROUTE, ...(route.needs === 'public' ? [] : ANY_READ)])]),
    },
  };
}

/** Answers of the same shape under another status. */
function others({ alternatives = [] }: Route): Record<string, unknown> {
  return Object.fromEntries(
    alternatives.map(({ status, words, answer, example }) => [
      status,
      { description: both(words), content: { 'application/json': { schema: answerSchema(answer), example } } },
    ]),
  );
}

const headers = (of: Record<string, BilingualText>) =>
  Object.fromEntries(Object.entries(of).map(([name, words]) => [name, { description: both(words), schema: { type: 'string' } }]));

function operationId(route: Route): string {
  const words = route.path
    .replace(/^\/api\/v1/, '')
    .split(/[/:.]+/)
    .filter((word) => word !== '');
  return [route.method.toLowerCase(), ...words]
    .map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}

const schemaOf = (schema: z.ZodType): JsonSchema => jsonSchemaOf(schema, { target: 'draft-2020-12', io: 'input' });

function parameters(schema: z.ZodType, place: 'path' | 'query'): unknown[] {
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Record<string, JsonSchema>; required?: string[] };
  return Object.entries(properties).map(([name, { description, examples, ...field }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: field,
    ...(Array.isArray(examples) ? { example: examples[0] as unknown } : {}),
  }));
}

function content(route: Route): Record<string, unknown> {
  if ('mediaType' in route.answer)
    return {
      [route.answer.mediaType]: {
        schema: {
          type: 'string',
          ...(route.answer.mediaType.startsWith('image/')
            ? { contentEncoding: 'base64', description: 'the bytes themselves; the example is in base64 · 文件本身；示例以 base64 表示' }
            : {}),
          ...(route.answer.data ? { 'x-data-schema': { $ref: route.answer.data } } : {}),
        },
        ...example(route),
      },
    };
  return { 'application/json': { schema: answerSchema(route.answer), ...example(route) } };
}

const example = (route: Route): Record<string, unknown> => (route.example === undefined ? {} : { example: route.example });

/** What the server itself refuses before a route sees it: headers or a body that are too large, a body of another type (also where none is wanted), an id that is too long. */
function refusals(route: Route): Record<string, unknown> {
  const statuses = [431, ...(route.method === 'GET' ? [] : [413, 415]), ...(route.path.includes('/:') ? [414] : [])];
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: `CV_API_REQUEST: ${both(TITLES[status] as BilingualText)}`,
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: { CV_API_REQUEST: { value: problemOf({ code: 'CV_API_REQUEST', params: FAULT_PARAMS_EXAMPLE }, 'en', {}, status) } },
          },
        },
      },
    ]),
  );
}

/** One response a status, with an example of each of its faults. */
function problems(codes: FaultCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => (FAULTS[code] as FaultRow).status ?? 500);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((code) => `${code}: ${both({ en: sentence(code, 'en'), zh: sentence(code, 'zh-CN') })}`).join('\n'),
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(same.map((code) => [code, { value: problemOf({ code, params: FAULT_PARAMS_EXAMPLE }, 'en') }])),
          },
        },
      },
    ]),
  );
}

const sentence = (code: FaultCode, language: 'en' | 'zh-CN'): string => explain({ code, params: FAULT_PARAMS_EXAMPLE }, language).message;
