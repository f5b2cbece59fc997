import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PointView } from '../../api/series.ts';
import { catalogueOf } from '../../city/catalogue/catalogue.ts';
import type { Indicator } from '../../city/catalogue/indicator.ts';
import type { FaultError } from '../../core/faults.ts';
import { indicatorViews } from './indicators.ts';
import { ALL, allRows, anyPoint, fed, storeFolder, openTestStore } from './testing/opened.ts';

test('any mix of late, equal-time, flagged, bad, boolean and text values reads back exactly, in pages of any size, also after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyPoint, { minLength: 1, maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 70 }),
      async (points, sizes, limit) => {
        let store = await openTestStore();
        const batch = fed(points);
        let from = 0;
        for (const size of [...sizes, 1000]) {
          const part = batch.slice(from, from + size);
          from += part.length;
          const upTo = { epoch: 1, seq: from };
          await store.consumer.take(part, upTo);
          await store.consumer.take(part, upTo); // after a fault the same batch is delivered again
        }
        for (const again of [false, true]) {
          if (again) {
            await store.close();
            store = await openTestStore({ dir: store.options.dir });
            await store.consumer.take(batch, { epoch: 1, seq: points.length });
          }
          for (const device of ['a', 'b']) {
            const expected = points
              .filter((point) => point.device === device)
              .toSorted((a, b) => (a.occurredAt as number) - (b.occurredAt as number)) // stable
              .map(({ occurredAt, value, quality, flags }) => ({ at: occurredAt, value, quality, flags: flags ?? [] }));
            assert.deepEqual(await allRows(store, { indicator: 'X', device, point: 'p' }, limit), expected);
            const last = store.last({ device })[0];
            assert.deepEqual(last && { at: last.at, value: last.value, quality: last.quality, flags: last.flags }, expected.at(-1));
          }
        }
        assert.deepEqual(await store.consumer.start(), { epoch: 1, seq: points.length });
        await store.close();
      },
    ),
    { numRuns: 8 },
  );
});

test('buckets never hide a crossing, keep the ends, and add up', async () => {
  const store = await openTestStore();
  let seq = 0;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      async (values, maxPoints) => {
        const device = `d${(run += 1)}`;
        await store.consumer.take(
          fed(
            values.map((value, at) => ({ device, value, occurredAt: 1000 + at * 7 })),
            seq + 1,
          ),
          { epoch: 1, seq: (seq += values.length) },
        );
        const { items, downsampled } = await store.range({ ...ALL, device, maxPoints });
        assert.ok(items.length <= maxPoints);
        assert.equal(downsampled, values.length > maxPoints);
        const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
        assert.equal(sum(items.map((item) => item.count ?? 1)), values.length);
        assert.equal(Math.max(...items.map((item) => item.max ?? (item.value as number))), Math.max(...values));
        assert.equal(Math.min(...items.map((item) => item.min ?? (item.value as number))), Math.min(...values));
        assert.ok(Math.abs(sum(items.map((item) => (item.value as number) * (item.count ?? 1))) - sum(values)) < 1e-6);
        if (maxPoints >= 3) assert.deepEqual([items[0]?.value, items.at(-1)?.value], [values[0], values.at(-1)]);
        assert.ok(items.every((item, at) => at === 0 || item.at >= (items[at - 1] as PointView).at));
      },
    ),
    { numRuns: 50 },
  );
  await store.close();
});

test('a pump that stopped within a bucket shows it; a bucket is bad only when all of it is', async () => {
  const store = await openTestStore();
  const values = [true, true, false, true, true, true];
  await store.consumer.take(fed(values.map((value, at) => ({ value, occurredAt: at, quality: at === 3 ? 'bad' : 'good' }))), {
    epoch: 1,
    seq: 6,
  });
  const {
    items: [bucket],
  } = await store.range({ ...ALL, maxPoints: 1 });
  assert.deepEqual(bucket, { at: 0, value: true, quality: 'uncertain', flags: [], min: 0, max: 1, count: 6 });
  await store.close();
});

test("values are kept in the catalogue's unit; one in a foreign unit stays as it is and says so", async () => {
  const level = { code: 'X', unit: 'm', name: { zh: '水位', en: 'level' } } as Indicator;
  const store = await openTestStore({ catalogue: catalogueOf([level]) });
  await store.consumer.take(
    fed([
      { value: 320, unit: 'cm', occurredAt: 1 },
      { value: 5, unit: 'kg', occurredAt: 2 },
      { value: 1, unit: 'a', indicator: 'NEW', occurredAt: 3 },
      { value: 2, unit: 'b', indicator: 'NEW', occurredAt: 4 },
    ]),
    { epoch: 1, seq: 4 },
  );
  assert.deepEqual((await store.range(ALL)).items, [
    { at: 1, value: 3.2, quality: 'good', flags: [] },
    { at: 2, value: 5, quality: 'uncertain', flags: ['unit'] },
  ]);
  assert.deepEqual(
    store.series().map(({ indicator, unit, known, name }) => ({ indicator, unit, known, name: name.en })),
    [
      { indicator: 'NEW', unit: 'a', known: false, name: 'NEW' },
      { indicator: 'X', unit: 'm', known: true, name: 'level' },
    ],
  );
  assert.deepEqual(store.last({ indicator: 'NEW' })[0]?.unit, 'b');
  await store.consumer.take(
    fed(
      [
        { device: 'other', occurredAt: 5 },
        { point: 'q', value: 7, occurredAt: 6 },
      ],
      5,
    ),
    { epoch: 1, seq: 6 },
  );
  const device = store.last()[0]?.device as string;
  assert.deepEqual(
    store.last({ device }).map(({ indicator, point, value }) => [indicator, point, value]),
    [
      ['X', 'p', 5],
      ['NEW', 'p', 2],
      ['X', 'q', 7],
    ],
  );
  assert.deepEqual(
    [store.last({ device, point: 'q' }).length, store.last({ device, indicator: 'X' }).length, store.last({ device: 'nobody' }).length],
    [1, 2, 0],
  );
  assert.deepEqual(
    (await store.range({ ...ALL, indicator: 'NEW' })).items.map((item) => item.flags),
    [[], ['unit']],
  );
  await store.close();
});

test('a series that begins in a unit that cannot be converted is never good, is told once, and goes on well when the unit is right', async () => {
  const level = { code: 'X', unit: 'm', name: { zh: '水位', en: 'level' } } as Indicator;
  const store = await openTestStore({ catalogue: catalogueOf([level]) });
  for (const at of [1, 2, 3])
    await store.consumer.take(fed([{ value: 9, unit: 'furlong', occurredAt: at, seq: at }], at), { epoch: 1, seq: at });
  assert.deepEqual(
    (await store.range(ALL)).items.map(({ value, quality, flags }) => [value, quality, flags]),
    [1, 2, 3].map(() => [9, 'uncertain', ['unit']]),
  );
  assert.equal(store.world.told.filter((one) => one.kind === 'fault' && one.fault.code === 'CV_UNIT_UNCONVERTIBLE').length, 1);
  await store.consumer.take(fed([{ value: 3.2, unit: 'm', occurredAt: 4, seq: 4 }], 4), { epoch: 1, seq: 4 });
  assert.deepEqual(
    store.last({ indicator: 'X' }).map(({ unit, value, quality, flags }) => [unit, value, quality, flags]),
    [['m', 3.2, 'good', []]],
  );
});

test('the list of indicators holds the catalogue, its variants and codes that came although nobody knows them', async () => {
  const level = { code: 'YJ-FLD-001', version: 3, unit: 'm', board: 'YJ', runway: 'FLD', name: { zh: '水位', en: 'level' } } as Indicator;
  const catalogue = catalogueOf([level, { ...level, code: 'YJ-FLD-009' }]);
  const store = await openTestStore({ catalogue });
  await store.consumer.take(
    fed([
      { indicator: 'YJ-FLD-001', device: 'a' },
      { indicator: 'YJ-FLD-001', device: 'b' },
      { indicator: 'YJ-FLD-001.H' },
      { indicator: 'NEW', unit: 'kg' },
    ]),
    { epoch: 1, seq: 4 },
  );
  assert.deepEqual(
    indicatorViews(catalogue, store).map(({ code, known, version, unit, seriesCount }) => [code, known, version, unit, seriesCount]),
    [
      ['NEW', false, null, 'kg', 1],
      ['YJ-FLD-001', true, 3, 'm', 2],
      ['YJ-FLD-001.H', true, 3, 'm', 1],
      ['YJ-FLD-009', true, 3, 'm', 0],
    ],
  );
  assert.deepEqual(
    indicatorViews(catalogue, store).map(({ board, runway }) => [board, runway]),
    [
      [null, null],
      ['YJ', 'FLD'],
      ['YJ', 'FLD'],
      ['YJ', 'FLD'],
    ],
  );
  await store.close();
});

test('windows cover all series and leave out what is bad or no number', async () => {
  const store = await openTestStore();
  await store.consumer.take(
    fed([
      { device: 'a', value: 1, occurredAt: 100 },
      { device: 'a', value: 4, occurredAt: 150 },
      { device: 'a', value: 99, occurredAt: 150, quality: 'bad' },
      { device: 'b', value: true, occurredAt: 150 },
      { device: 'a', value: 50, occurredAt: 200 },
      { device: 'c', value: -1, occurredAt: 199 },
    ]),
    { epoch: 1, seq: 6 },
  );
  assert.deepEqual(await store.window({ from: 100, to: 200 }), [
    { indicator: 'X', device: 'a', point: 'p', count: 2, min: 1, max: 4, avg: 2.5 },
    { indicator: 'X', device: 'c', point: 'p', count: 1, min: -1, max: -1, avg: -1 },
  ]);
  await store.close();
});

test('retention lets go of the oldest by age, and by size says what it let go', async () => {
  const store = await openTestStore({ retentionMs: 1000 });
  const nowMs = store.world.clock.nowMs();
  await store.consumer.take(fed(Array.from({ length: 9000 }, (_, at) => ({ value: at, occurredAt: nowMs - 9000 + at }))), {
    epoch: 1,
    seq: 9000,
  });
  await store.sweep();
  const { items } = await store.range(ALL);
  assert.deepEqual([items.length, items[0]?.at], [1000, nowMs - 1000]);
  assert.equal(store.world.told.filter((told) => told.kind === 'samples_lost').length, 0, 'age is a setting, no loss');
  await store.close();

  const small = await openTestStore({ dir: store.options.dir, maxBytes: 200_000 });
  await small.consumer.take(
    fed(
      Array.from({ length: 20_000 }, (_, at) => ({ value: at, occurredAt: nowMs + at })),
      9001,
    ),
    { epoch: 1, seq: 29_000 },
  );
  await small.sweep();
  const left = await allRows(small, ALL, 10_000);
  assert.ok(left.length > 1000 && left.length < 20_000, String(left.length));
  assert.equal(left.at(-1)?.value, 19_999, 'the newest stays');
  const lost = small.world.told.reduce(
    (sum, told) => sum + (told.kind === 'samples_lost' && told.reason === 'store_full' ? told.count : 0),
    0,
  );
  assert.equal(lost + left.length, 21_000);
  await small.close();
});

test('a second gateway on the same folder and a bad page cursor are each said', async () => {
  const store = await openTestStore();
  const code = (error: unknown) => (error as FaultError).fault?.code;
  await assert.rejects(openTestStore({ dir: store.options.dir }), (error) => code(error) === 'CV_STORE_BUSY');
  for (const after of ['x', '1', '-1-0', '99999999999999999-0'])
    await assert.rejects(store.range({ ...ALL, after }), (error) => code(error) === 'CV_API_CURSOR_INVALID');
  await store.close();
  await store.close();
  await assert.rejects(
    store.range({ ...ALL, indicator: 'X' }).then(() => store.window({ from: 0, to: 1 })),
    (error) => code(error) === 'CV_STORE_FAILED',
  );
});

test('killed at any moment, it holds exactly what its cursor says: nothing twice, nothing gone', async () => {
  const dir = await storeFolder();
  const script = join(dir, 'writer.ts');
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  await writeFile(
    script,
    `
    import { openStore } from ${from('./store.ts')};
    import { EMPTY_CATALOGUE } from ${from('../../city/catalogue/catalogue.ts')};
    import { realWorld } from ${from('../../core/world.ts')};
    import { event } from ${from('../../city/testing/rules.ts')};
    import { logBatch } from ${from('../feed/testing/log-batches.ts')};
    const store = await openStore({ dir: ${JSON.stringify(dir)}, retentionMs: Infinity, maxBytes: 1e9, catalogue: EMPTY_CATALOGUE }, realWorld(() => {}));
    let { seq } = await store.consumer.start();
    console.log(seq);
    for (;;) {
      const batch = Array.from({ length: 50 }, (_, at) => logBatch([event({ value: seq + at + 1, occurredAt: (seq + at + 1) % 97 })], { epoch: 1, seq: seq + at + 1 }, 0));
      await store.consumer.take(batch, { epoch: 1, seq: seq + 50 });
      seq += 50;
      console.log(seq);
    }`);
  let acknowledged = 0;
  for (let kill = 0; kill < 4; kill += 1) {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      assert.ok(Number(line) >= acknowledged, 'nothing that was acknowledged is gone');
      acknowledged = Number(line);
      if ((lines += 1) === 3 + kill * 5) child.kill('SIGKILL');
    }
  }
  const store = await openTestStore({ dir });
  const { seq } = await store.consumer.start();
  const values = (await allRows(store, ALL, 1000)).map((row) => row.value as number).toSorted((a, b) => a - b);
  assert.ok(seq >= acknowledged && seq > 0);
  assert.deepEqual(values, Array.from({ length: seq }, (_, at) => at + 1));
  await store.close();
});
