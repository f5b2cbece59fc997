/** The OpenAPI 3.1 document, made of the same table of routes that the server registers. */
import { z } from 'zod';
import { explain, FAULTS, type FaultCode } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import type { Route } from './route.ts';
import { answerSchema } from './shapes.ts';

const ANY_ROUTE: FaultCode[] = ['CV_API_QUERY_INVALID', 'CV_API_INTERNAL'];

export function openapiDocument(version: string, routes: readonly Route[], schemas: Record<string, unknown>): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'cityvitals gateway', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Times are ms UTC. Lists answer `{ items, next }`; give `next` as `after` for the next page. Errors are problem+json with a code of docs/faults.md and a remedy.',
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas, securitySchemes: { operator: { type: 'http', scheme: 'bearer', description: 'a token of `operators` in the gateway\'s configuration' } } },
  };
}

function operation(route: Route): Record<string, unknown> {
  return {
    operationId: operationId(route),
    summary: route.summary.en,
    'x-summary-zh': route.summary.zh,
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body ? { requestBody: { required: true, content: { 'application/json': { schema: bodySchema(route.body), ...(route.bodyExample === undefined ? {} : { example: route.bodyExample }) } } } } : {}),
    ...(route.secured ? { security: [{ operator: [] }] } : {}),
    responses: { [route.status ?? 200]: { description: route.summary.en, content: content(route) }, ...problems([...route.faults, ...ANY_ROUTE]) },
  };
}

function operationId(route: Route): string {
  const words = route.path.replace(/^\/api\/v1/, '').split(/[/:.]+/).filter((word) => word !== '');
  return [route.method.toLowerCase(), ...words].map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

function parameters(schema: z.ZodType, place: 'path' | 'query'): unknown[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as { properties?: Record<string, unknown>; required?: string[] };
  return Object.entries(properties).map(([name, field]) => ({ name, in: place, required: place === 'path' || required.includes(name), schema: field }));
}

function bodySchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}

function content(route: Route): Record<string, unknown> {
  if ('mediaType' in route.answer) return { [route.answer.mediaType]: { schema: { type: 'string' }, ...example(route) } };
  const schema = '$ref' in route.answer ? route.answer : answerSchema(route.answer);
  return { 'application/json': { schema, ...example(route) } };
}

const example = (route: Route): Record<string, unknown> => (route.example === undefined ? {} : { example: route.example });

function problems(codes: FaultCode[]): Record<string, unknown> {
  const byStatus = new Map<number, FaultCode[]>();
  for (const code of codes) {
    const row: FaultRow = FAULTS[code];
    const status = row.status ?? 500;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, {
    description: same.map((code) => `${code}: ${explain({ code, params: {} }, 'en').message}`).join('; '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }]));
}
