import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogueOf, normaliser } from '../../city/catalogue/catalogue.ts';
import * as fc from 'fast-check';
import type { Indicator } from '../../city/catalogue/indicator.ts';
import { formatCursor } from '../../log/types.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { eventsAfter } from './events.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway, numbersGroup } from './testing/memory-sources.ts';

test('a follower with any limits sees every event once and in order, across groups and epochs', async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ count: fc.integer({ min: 1, max: 40 }), newEpoch: fc.boolean() }), { maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
    async (shape, limits) => {
      const gateway = memoryGateway();
      let epoch = 1000;
      let seq = 1;
      const want: string[] = [];
      for (const { count, newEpoch } of shape) {
        if (newEpoch) {
          epoch += 5;
          seq = 1;
        }
        gateway.groups.push(numbersGroup(epoch, seq, count));
        for (let at = 0; at < count; at += 1) want.push(formatCursor({ epoch, seq: seq + at }));
        seq += count;
      }
      const got: string[] = [];
      let cursor: string | undefined;
      for (let turn = 0; ; turn += 1) {
        const limit = limits[turn % limits.length] as number;
        const page = await eventsAfter(gateway.sources.log, normaliser(catalogueOf([])), cursor, limit, () => true);
        assert.ok(page.items.length <= limit);
        got.push(...page.items.map((item) => item.cursor));
        cursor = page.next;
        if (page.items.length === 0) break;
      }
      assert.deepEqual(got, want);
      assert.equal(cursor, want.at(-1) ?? '0-0');
    },
  ), { numRuns: 60 });
});

test('events carry their cursor and origin; a page at the head is empty and says where to go on', async (t) => {
  const gateway = memoryGateway();
  gateway.groups = [numbersGroup(7, 1, 3, 5000)];
  const { api, ask } = await openApi(t, gateway.sources, testWorld());
  const first = (await ask('/api/v1/events?limit=2')).body;
  const [item] = first.items as Record<string, unknown>[];
  assert.deepEqual([item?.cursor, item?.receivedAt, item?.edge, item?.seq, item?.value], ['7-1', 5000, 'rig-01', 1, 1]);
  assert.equal(first.next, '7-2');
  assert.deepEqual((await ask('/api/v1/events?after=7-3')).body, { items: [], next: '7-3' });
  gateway.groups.push(numbersGroup(9, 1, 1, 6000));
  assert.equal(((await ask('/api/v1/events?after=7-3')).body.items as unknown[]).length, 1);
  await api.close();
});

test('events have the catalogue\'s unit, with what was sent beside where that is another', async (t) => {
  const gateway = memoryGateway();
  gateway.groups = [numbersGroup(7, 1, 1)];
  const { api, ask } = await openApi(t, gateway.sources, testWorld());
  const item = async () => ((await ask('/api/v1/events')).body.items as Record<string, unknown>[])[0] as Record<string, unknown>;
  const { value, unit, original } = await item();
  assert.deepEqual([value, unit, original], [1, '', undefined]);
  gateway.catalogue = [{ code: 'TEST-N', unit: '{person}' } as Indicator];
  const converted = await item();
  assert.deepEqual([converted.value, converted.unit, converted.original], [1, '{person}', { value: 1, unit: '' }]);
  await api.close();
});

test('a cursor of another gateway is 410 also where it lies behind the head; a follower of this one goes on in any of its epochs', async (t) => {
  const gateway = memoryGateway();
  gateway.groups = [numbersGroup(7, 1, 3), numbersGroup(9, 1, 2), numbersGroup(12, 1, 2)];
  gateway.tail = { epoch: 7, seq: 0 };
  const { api, ask } = await openApi(t, gateway.sources, testWorld());
  const foreign = await ask('/api/v1/events?after=8-2&lang=zh-CN');
  assert.deepEqual(
    [foreign.status, foreign.body.code, foreign.body.oldest, foreign.body.title],
    [410, 'CV_API_CURSOR_FOREIGN', '7-0', '已失效'],
  );
  assert.equal((await ask('/api/v1/events?after=10-1')).body.code, 'CV_API_CURSOR_FOREIGN');
  for (const [own, left] of [
    ['7-3', 4],
    ['9-1', 3],
    ['9-2', 2],
    ['12-2', 0],
  ] as const)
    assert.equal(((await ask(`/api/v1/events?after=${own}`)).body.items as unknown[]).length, left, own);
  await api.close();
});

test('a cursor before the tail is 410 with the oldest, one beyond the head 410, nonsense 400', async (t) => {
  const gateway = memoryGateway();
  gateway.groups = [numbersGroup(7, 11, 3)];
  gateway.tail = { epoch: 7, seq: 10 };
  const { api, ask } = await openApi(t, gateway.sources, testWorld());
  const gone = await ask('/api/v1/events?after=7-9');
  assert.deepEqual([gone.status, gone.body.code, gone.body.oldest], [410, 'CV_API_CURSOR_GONE', '7-10']);
  assert.equal(((await ask(`/api/v1/events?after=${String(gone.body.oldest)}`)).body.items as unknown[]).length, 3);
  assert.equal(((await ask('/api/v1/events')).body.items as unknown[]).length, 3);
  assert.equal((await ask('/api/v1/events?after=0-0')).status, 410);
  assert.equal((await ask('/api/v1/events?after=7-14')).body.code, 'CV_API_CURSOR_AHEAD');
  assert.equal((await ask('/api/v1/events?after=99-1')).status, 410);
  for (const bad of ['x', '7', '7-', '7-1-2', '-1-1', '7-99999999999999999', '%00'])
    assert.equal((await ask(`/api/v1/events?after=${bad}`)).body.code, 'CV_API_CURSOR_INVALID', bad);
  await api.close();
});
