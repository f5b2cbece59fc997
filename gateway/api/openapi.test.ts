import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

test('the document names what the server itself refuses: 413 and 415 where a body is taken, 414 where an id is', async (t) => {
  const { api, ask } = await openApi(t, memoryGateway().sources, testWorld());
  const { paths } = (await ask('/api/v1/openapi.json')).body as unknown as { paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.values(methods).map((one) => ({ path, ...one })));
  assert.ok(operations.some(({ path }) => path.includes('{')));
  for (const { path, requestBody, responses } of operations) {
    if (path.includes('{')) assert.ok(responses[414], path);
    if (requestBody) assert.ok(responses[413] && responses[415], path);
  }
  await api.close();
});
