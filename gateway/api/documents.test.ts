import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from './examples.ts';
import { LiveMessage } from './shapes.ts';
import { validatorOf, type Document } from './testing/document.ts';
import { follow, openApi } from './testing/http.ts';
import { memoryGateway, numbersGroup } from './testing/memory-sources.ts';

/** A gateway that has one of everything. */
function fullGateway() {
  const gateway = memoryGateway({ view: () => EXAMPLES.demo, cut() {}, kill() {} });
  gateway.devices = [EXAMPLES.device];
  gateway.indicators = [EXAMPLES.indicator];
  gateway.series = [{ view: EXAMPLES.series, points: EXAMPLES.range.items }];
  gateway.warnings = [EXAMPLES.warning];
  gateway.quarantine = [EXAMPLES.quarantined];
  gateway.pictures.set(EXAMPLES.device.id, EXAMPLES.picture);
  gateway.groups = [numbersGroup(7, 1, 30)];
  return gateway;
}

test('the document names every route, and every answer and example fits it', async (t) => {
  const { api, ask } = await openApi(t, fullGateway().sources, testWorld());
  const document = (await ask('/api/v1/openapi.json')).body as unknown as Document;
  const check = validatorOf(document);
  assert.equal(document.openapi, '3.1.0');
  const described = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const served = api.routes.map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual(described.toSorted(), served.toSorted());
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.ok(!ids.has(operation.operationId), operation.operationId);
      ids.add(operation.operationId);
      assert.ok(operation.parameters.some(({ name }) => name === 'lang'));
      const [[mediaType, { schema, example }]] = Object.entries((operation.responses['200'] ?? operation.responses['202'])?.content ?? {}) as [[string, { schema: object; example?: unknown }]];
      if (example !== undefined) check(schema, example);
      // Behind a token: commands.test.ts.
      if (operation.security || mediaType.startsWith('text/')) continue;
      const id = path.includes('warnings') ? EXAMPLES.warning.id : EXAMPLES.device.id;
      for (const query of path.endsWith('/series') ? ['', `?from=0&to=${Number.MAX_SAFE_INTEGER >> 1 || 1}`, '?from=0&maxPoints=5'] : ['']) {
        const answer = await ask(`${path.replace('{id}', id)}${query}`, { method: method.toUpperCase() });
        if (answer.status === 400) continue;
        assert.equal(answer.status, 200, path);
        check(schema, answer.body);
      }
    }
  }
  check({ $ref: '#/components/schemas/Problem' }, (await ask('/api/v1/devices/nobody')).body);
  const viewer = await follow(api.url);
  await viewer.until(() => viewer.messages.length >= 4);
  for (const message of viewer.messages) check({ $ref: '#/components/schemas/LiveMessage' }, message);
  await api.close();
});

test('a response with a field that the document does not know is noticed', async (t) => {
  const { api, ask } = await openApi(t, fullGateway().sources, testWorld());
  const check = validatorOf((await ask('/api/v1/openapi.json')).body as unknown as Document);
  assert.throws(() => check({ $ref: '#/components/schemas/Device' }, { ...EXAMPLES.device, secret: 1 }));
  assert.throws(() => check({ $ref: '#/components/schemas/FollowedEvent' }, EXAMPLES.device));
  assert.ok(!LiveMessage.safeParse({ kind: 'status' }).success);
  await api.close();
});
