import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'node:http';
import { FaultError } from '../../core/faults.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from './testing/examples.ts';
import { Access } from '../people/access.ts';
import { ALMIGHTY, knownBy } from '../people/testing/memory-people.ts';
import { enrolmentDouble } from './testing/enrolment-double.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

test('the document names what the server itself refuses: 413 and 415 where a body is taken, 414 where an id is', async (t) => {
  const { api, ask } = await openApi(t, memoryGateway().sources, testWorld());
  const { paths } = (await ask('/api/v1/openapi.json')).body as unknown as {
    paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.values(methods).map((one) => ({ path, ...one })));
  assert.ok(operations.some(({ path }) => path.includes('{')));
  for (const { path, requestBody, responses } of operations) {
    if (path.includes('{')) assert.ok(responses[414], path);
    if (requestBody) assert.ok(responses[413] && responses[415], path);
  }
  await api.close();
});

const TOKEN = 'a-token-of-16-or-more';
const WRONG = 'a-wrong-token-of-somebody';
type Headers = Record<string, string>;

/** As any client may send it: also what fetch would not. */
function statusOf(url: string, method: string, headers: Headers, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        method,
        headers: { connection: 'close', ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      },
      (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

test(
  'whatever a request is refused with stands in the document of its route; 413, 414, 415, 429 and 431 stand where they are answered, and nowhere else',
  { timeout: 120_000 },
  async (t) => {
    const world = testWorld();
    const gateway = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
    gateway.devices = [EXAMPLES.device];
    const guesses = new RateLimit(30, world.clock);
    const guessed = async (_: unknown, address: string) => {
      guesses.count(address);
      throw new FaultError('CV_ENROLMENT_CODE_UNKNOWN');
    };
    const enrolment = enrolmentDouble();
    Object.assign(gateway.sources, { enrolment: { ...enrolment, edges: { ...enrolment.edges, enrol: guessed, renew: guessed } } });
    gateway.sources.access = new Access({ gateway: 'town-01', isNeeded: true, people: knownBy([{ ...ALMIGHTY, id: TOKEN }]) }, world.clock);
    const { api, ask } = await openApi(t, gateway.sources, world);
    const { body } = await ask('/api/v1/openapi.json', { headers: { authorization: `Bearer ${TOKEN}` } });
    const { paths } = body as unknown as { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
    const exampleOf = (path: string) => api.routes.find((route) => route.method === 'POST' && route.path === path)?.bodyExample;
    const right = { authorization: `Bearer ${TOKEN}` };
    const json = { ...right, 'content-type': 'application/json' };
    for (const [path, methods] of Object.entries(paths)) {
      for (const [lower, { responses }] of Object.entries(methods)) {
        const method = lower.toUpperCase();
        const at = (id: string, query = '') => `${api.url.slice(0, -1)}${path.replaceAll(/\{\w+\}/g, id)}${query}`;
        const guess = async () => {
          let status = 0;
          const wrong: RequestInit = {
            method,
            redirect: 'manual',
            headers: { authorization: `Bearer ${WRONG}`, 'content-type': 'application/json' },
            ...(method === 'POST' && { body: JSON.stringify(path.startsWith('/api/v1/enrolment') ? exampleOf(path) : { token: WRONG }) }),
          };
          for (let time = 0; time < 31; time += 1) ({ status } = await ask(at('x'), wrong));
          return status;
        };
        const asked = {
          plain: statusOf(at('x'), method, right),
          query: statusOf(at('x', '?nonsense=1'), method, right),
          stranger: statusOf(at('x'), method, {}),
          host: statusOf(at('x'), method, { ...right, host: 'elsewhere.example' }),
          page: statusOf(at('x'), method, { ...right, origin: 'https://elsewhere.example' }),
          noJson: statusOf(at('x'), method, json, '{'),
          nothing: statusOf(at('x'), method, json, '{}'),
          414: statusOf(at('x'.repeat(300)), method, right),
          413: statusOf(at('x'), method, json, JSON.stringify({ text: 'x'.repeat(100_000) })),
          415: statusOf(at('x'), method, { ...right, 'content-type': 'application/xml' }, '<x/>'),
          431: statusOf(at('x'), method, { ...right, 'x-long': 'x'.repeat(20_000) }),
          429: guess(),
        };
        const answers = Object.fromEntries(
          await Promise.all(Object.entries(asked).map(async ([what, status]) => [what, await status] as const)),
        );
        await world.clock.advanceMs(61_000);
        for (const [what, status] of Object.entries(answers))
          assert.ok(responses[status], `${method} ${path} answers ${status} (${what}), which its document lacks`);
        for (const status of [413, 414, 415, 429, 431] as const)
          assert.equal(responses[status] !== undefined, answers[status] === status, `${method} ${path} ${status}: ${answers[status]}`);
      }
    }
  },
);
