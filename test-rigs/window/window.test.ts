/** A point with a window, the whole way: file → edge → wire → gateway → store → what the API and the console show. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import type { SeriesRange } from '../../api/series.ts';
import { defineDriver } from '../../core/driver.ts';
import type { Draft, Event } from '../../core/event.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { realWorld } from '../../core/world.ts';
import { loadEdge, loadGateway } from '../../cli/load.ts';
import { runEdge } from '../../edge/main.ts';
import { runGateway } from '../../gateway/main.ts';

let asked = 0;
const counter = defineDriver({
  id: 'counter',
  title: { zh: '计数', en: 'counts' },
  settings: z.object({}),
  points: { n: { zh: '数', en: 'n', unit: 'm' } },
  traits: ['polled'],
  requests: () => [{ points: ['n'] }],
  open: async () => ({ exchange: async () => (asked += 1), close: async () => {} }),
  decode: (value: number) => ({ ok: true, values: [{ point: 'n' as const, value }] }),
});

test('values are put together on the edge, and the window is there on the other side', async (t) => {
  const { dir, remove } = await tempDir();
  const told: number[] = [];
  const kept: Draft[] = [];
  const town = await loadGateway({
    path: join(dir, 'gateway.yaml'),
    text: 'gateway: g\ncentre: "500112001"\nbroker: { embedded: { port: 0, edges: [{ id: e }] } }\nhttp: { port: 0 }\n',
  });
  assert.ok(town.setup, JSON.stringify(town.problems));
  const gateway = await runGateway(
    town.setup,
    realWorld(() => {}),
  );
  const box = await loadEdge(
    {
      path: join(dir, 'edge.yaml'),
      text: `edge: e\ncentre: "500112001"\ngateway: { url: "${gateway.brokerUrl}" }\ndevices:\n  - { id: d, driver: counter, every: 50ms, points: [{ id: n, indicator: YJ-FLD-001, window: { every: 1s, value: max } }] }\n`,
    },
    [counter],
  );
  assert.ok(box.setup, JSON.stringify(box.problems));
  const edge = await runEdge(
    box.setup,
    realWorld((event) => {
      if (event.kind === 'samples_read') told.push(event.count);
    }),
    {
      extraDrivers: [counter],
      onKept: ({ stream, drafts }) => {
        if (stream === 'measurement') kept.push(...drafts);
      },
    },
  );
  t.after(async () => {
    await edge.close();
    await gateway.close();
    await remove();
  });

  const get = async <T>(path: string) => (await (await fetch(`${gateway.httpUrl}/api/v1/${path}`)).json()) as T;
  let items: Event[] = [];
  while (items.filter(({ window }) => (window?.count ?? 0) > 10).length < 1)
    ({ items } = await get<{ items: Event[] }>('events?limit=500'));
  await edge.close();
  const read = told.reduce((sum, count) => sum + count, 0);
  assert.equal(
    kept.reduce((sum, { window }) => sum + (window?.count ?? 1), 0),
    read,
    'each value is in exactly one event, those of the last part at the end too',
  );
  // Alone are the first value, one that was stale for other work of the machine, and the one that came after it.
  const isStale = (at: number) => items[at]?.flags?.includes('stale') ?? false;
  const whole = items.filter(({ window }, index) => index === 0 || window);
  for (const [index, { value, window }] of items.entries()) {
    if (index === 0 || isStale(index) || isStale(index - 1)) continue;
    assert.ok(window && window.toAt - window.fromAt === 1000);
    assert.deepEqual([value, Number(window.max) - Number(window.min) + 1], [window.max, window.count]);
  }
  const query = 'series?indicator=YJ-FLD-001&device=d&point=n&maxPoints=500';
  const wanted = whole.map(({ value, window }) => JSON.stringify([value, window?.count, window?.min, window?.max]));
  let shown: string[] = [];
  while (!wanted.every((row) => shown.includes(row))) {
    shown = (await get<SeriesRange>(query)).items.map(({ value, count, min, max }) => JSON.stringify([value, count, min, max]));
  }
  assert.deepEqual(shown.filter((row) => wanted.includes(row)), wanted, 'in order, each once');
});
