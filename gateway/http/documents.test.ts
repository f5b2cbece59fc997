import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from './testing/examples.ts';
import { Access } from '../people/access.ts';
import { ALMIGHTY, knownBy } from '../people/testing/memory-people.ts';
import { LiveMessage } from '../../api/live.ts';
import { validatorOf, type Document } from './testing/document.ts';
import { follow, openApi } from './testing/http.ts';
import { memoryGateway, numbersGroup } from './testing/memory-sources.ts';

/** A gateway that has one of everything. */
function fullGateway() {
  const gateway = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  gateway.devices = [EXAMPLES.device];
  gateway.unknownDevices = [EXAMPLES.unknownDevice];
  gateway.indicators = [EXAMPLES.indicator];
  gateway.series = [{ view: EXAMPLES.series, points: EXAMPLES.range.items }];
  gateway.warnings = [EXAMPLES.warning];
  gateway.quarantine = [EXAMPLES.quarantined];
  gateway.pictures.set(EXAMPLES.device.id, EXAMPLES.picture);
  gateway.groups = [numbersGroup(7, 1, 30)];
  gateway.sources.commands = {
    ask: () => Promise.resolve(EXAMPLES.command),
    get: (id) => (id === EXAMPLES.command.id ? EXAMPLES.command : null),
    list: () => [EXAMPLES.command],
  };
  gateway.sources.bindings = { list: () => [EXAMPLES.binding], bind: () => Promise.resolve(EXAMPLES.bindResult) };
  gateway.sources.access = new Access(
    { gateway: 'town-01', isNeeded: false, people: knownBy([ALMIGHTY]) },
    new VirtualClock(EXAMPLES.status.now),
  );
  gateway.sources.access.setTokens([{ name: 'duty-room', token: 'a-token-of-16-or-more' }], []);
  gateway.sources.liveView = {
    ask: () => Promise.resolve(EXAMPLES.liveTicket),
    admit: () => assert.fail('nobody opens the socket'),
    watch: () => {},
  };
  return gateway;
}

/** Bytes as they would be sent: a text is written as it is. */
const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

test('the document is OpenAPI 3.1 by the specification\'s own schema, which notices what is wrong', async (t) => {
  const { ask } = await openApi(t, fullGateway().sources, testWorld());
  const { body } = await ask('/api/v1/openapi.json');
  assert.deepEqual(await new Validator().validate(structuredClone(body)), { valid: true });
  for (const spoil of [
    { ...body, info: {} },
    { ...body, paths: { x: {} } },
    { ...body, paths: { '/x': { get: { responses: 7 } } } },
  ])
    assert.equal((await new Validator().validate(spoil)).valid, false);
});

test('every route is in the document; each is called by its own examples, and answers as it says', async (t) => {
  const { api, ask } = await openApi(t, fullGateway().sources, testWorld(new VirtualClock(EXAMPLES.status.now)));
  const document = (await ask('/api/v1/openapi.json')).body as unknown as Document;
  const check = validatorOf(document);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = api.routes.map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual(described.toSorted(), served.toSorted());
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.ok(!ids.has(operation.operationId), operation.operationId);
      ids.add(operation.operationId);
      const [status = '', good] = Object.entries(operation.responses).find(([code]) => /^[23]/.test(code)) ?? [];
      const [mediaType = '', { schema, example } = { schema: {} }] = Object.entries(good?.content ?? {})[0] ?? [];
      assert.notEqual(example, undefined, `${path}: an example of the answer`);
      check(schema, example);
      if (mediaType.startsWith('text/event-stream')) continue;
      const body = operation.requestBody?.content['application/json'];
      if (body) check(body.schema, body.example);
      const asked: RequestInit = {
        method: method.toUpperCase(),
        redirect: 'manual',
        headers: { authorization: 'Bearer all', ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body.example) } : {}),
      };
      const place = operation.parameters.reduce(
        (url, { name, in: where, example: value }) => (where === 'path' ? url.replace(`{${name}}`, written(value)) : url),
        path,
      );
      // Alone, each parameter of the query as its example has it, and the series by times too.
      const queries = operation.parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, example: value }) => `?${name}=${encodeURIComponent(written(value))}`);
      for (const query of ['', ...queries, ...(path.endsWith('/series') ? ['?from=0&to=9999999999999', '?from=0&maxPoints=5'] : [])]) {
        const answer = await ask(`${place}${query}`, asked);
        // `after` of a list is any text, but that of an ordered one is its own.
        if (query.startsWith('?after') && answer.status === 400) continue;
        assert.equal(String(answer.status), status, `${place}${query}: ${JSON.stringify(answer.body)}`);
        check(schema, /^(text|image)\//.test(mediaType) ? answer.body.text : answer.body);
      }
    }
  }
  check({ $ref: '#/components/schemas/Problem' }, (await ask('/api/v1/devices/nobody')).body);
  const viewer = await follow(api.url);
  await viewer.until(() => viewer.messages.length >= 4);
  for (const message of viewer.messages) check({ $ref: '#/components/schemas/LiveMessage' }, message);
  await api.close();
});

test('everything is explained in both languages, parameters have examples, and each fault stands under its status', async (t) => {
  const { ask } = await openApi(t, fullGateway().sources, testWorld());
  const document = (await ask('/api/v1/openapi.json')).body as unknown as Document;
  const check = validatorOf(document);
  const inBoth = /^[^]+[\n·][^]*[\u4e00-\u9fff]/;
  for (const [path, methods] of Object.entries(document.paths)) for (const operation of Object.values(methods)) {
    assert.match(operation.summary, inBoth);
    for (const { name, description = '', example } of operation.parameters) {
      assert.match(description, inBoth, `${path} ${name}`);
      assert.notEqual(example, undefined, `${path} ${name}`);
    }
    assert.ok(Object.keys(operation.responses).includes('400') && Object.keys(operation.responses).includes('500'));
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      assert.match(description, inBoth, `${path} ${status}`);
      for (const [code, { value }] of Object.entries(content['application/problem+json']?.examples ?? {})) {
        check({ $ref: '#/components/schemas/Problem' }, value);
        assert.equal(value.code, code);
        assert.doesNotMatch(`${description}${value.detail}${value.remedy}`, /\{\w+\}/, `${path} ${code}`);
      }
    }
  }
});

test('a response with a field that the document does not know is noticed', async (t) => {
  const { api, ask } = await openApi(t, fullGateway().sources, testWorld());
  const check = validatorOf((await ask('/api/v1/openapi.json')).body as unknown as Document);
  assert.throws(() => check({ $ref: '#/components/schemas/Device' }, { ...EXAMPLES.device, secret: 1 }));
  assert.throws(() => check({ $ref: '#/components/schemas/FollowedEvent' }, EXAMPLES.device));
  assert.ok(!LiveMessage.safeParse({ kind: 'status' }).success);
  await api.close();
});
