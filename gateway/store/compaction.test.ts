import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PointView } from '../../api/series.ts';
import type { Event } from '../../core/event.ts';
import { ALL, allRows, anyPoint, fed, storeFolder, openTestStore } from './testing/opened.ts';

const DAY_MS = 86_400_000;
const viewsOf = (points: readonly Partial<Event>[]): PointView[] =>
  points
    .toSorted((a, b) => (a.occurredAt as number) - (b.occurredAt as number)) // stable
    .map(({ occurredAt, value, quality, flags }) => ({
      at: occurredAt as number,
      value: value as PointView['value'],
      quality: quality ?? 'good',
      flags: flags ?? [],
    }));
const minutes = (count: number, over: (at: number) => Partial<Event> = () => ({})): Partial<Event>[] =>
  Array.from({ length: count }, (_, at) => ({ value: at / 8, quality: 'good', occurredAt: 1e12 + at * 60_000, ...over(at) }));

test('compaction between any batches changes nothing that can be read: late, equal-time, flagged, of changing type', async () => {
  const store = await openTestStore();
  let seq = 0;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyPoint, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 1, max: 60 }),
      async (batches, compactions, limit) => {
        run += 1;
        const named = (point: Partial<Event>): Partial<Event> => ({ ...point, device: `${point.device}${run}` });
        for (const [at, batch] of batches.entries()) {
          const events = fed(batch.map(named), seq + 1);
          seq += batch.length;
          await store.consumer.take(events, { epoch: 1, seq });
          if (compactions[at]) await store.compact();
        }
        for (const device of ['a', 'b']) {
          const expected = viewsOf(batches.flat().filter((point) => point.device === device));
          assert.deepEqual(await allRows(store, { indicator: 'X', device: `${device}${run}`, point: 'p' }, limit), expected);
          const from = expected[Math.floor(expected.length / 3)]?.at ?? 0;
          const { items } = await store.range({ ...ALL, device: `${device}${run}`, from, maxPoints: 10_000 });
          assert.deepEqual(
            items,
            expected.filter(({ at }) => at >= from),
          );
        }
      },
    ),
    { numRuns: 15 },
  );
  const checked = await store.verify();
  assert.deepEqual([checked.points + checked.rows, checked.damages, checked.problems], [seq, [], []]);
  await store.close();
});

test('a long series fills its chunks, in many goes as in one, and takes late values into them', async () => {
  const store = await openTestStore();
  const points = minutes(3000, (at) => (at % 19 === 0 ? { flags: ['spike'], quality: 'uncertain' } : {}));
  for (let from = 0, size = 1; from < points.length; from += size, size = (size * 7) % 500 + 1) {
    await store.consumer.take(fed(points.slice(from, from + size), from + 1), { epoch: 1, seq: Math.min(points.length, from + size) });
    if (from % 3 === 0) await store.compact();
  }
  await store.compact();
  const once = await store.verify();
  assert.ok(once.chunks <= 9 && once.points === 3000 && once.rows === 0, JSON.stringify(once));
  const late = minutes(1500, (at) => ({ occurredAt: 1e12 + at * 60_000 + (at % 2) * 500, value: `late ${at % 3}`, flags: [] }));
  await store.consumer.take(fed(late, 3001), { epoch: 1, seq: 4500 });
  const expected = viewsOf([...points, ...late]);
  assert.deepEqual(await allRows(store, ALL, 777), expected, 'late values beside chunks');
  await store.compact();
  assert.deepEqual(await allRows(store, ALL, 777), expected, 'late values in chunks');
  await store.close();
});

test('pages go on where they were although compaction came between them', async () => {
  const store = await openTestStore();
  const points = Array.from({ length: 900 }, (_, at) => ({ value: at, quality: 'good' as const, occurredAt: Math.floor(at / 90) }));
  await store.consumer.take(fed(points), { epoch: 1, seq: 900 });
  const items: PointView[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.range({ ...ALL, limit: 70, after });
    items.push(...page.items);
    if (page.next === null) break;
    after = page.next;
    if (items.length === 350) await store.compact();
  }
  assert.deepEqual(items, viewsOf(points));
  await store.close();
});

test('buckets and windows over chunks are those over rows', async () => {
  const device = (name: string) =>
    minutes(4000, (at) => ({
      device: name,
      value: Math.round(Math.sin(at / 50) * 1000) / 1000,
      ...(at % 97 === 0 ? { quality: 'bad' as const } : {}),
      ...(at % 61 < 3 ? { flags: ['spike' as const] } : {}),
      ...(name === 'b' && at % 2 === 0 ? { value: at % 4 === 0 } : {}),
    }));
  const [rows, chunks] = [await openTestStore(), await openTestStore()];
  const points = [...device('a'), ...device('b'), { ...minutes(1)[0], device: 'a', occurredAt: 1e12 + 77_000 }];
  for (const store of [rows, chunks]) await store.consumer.take(fed(points), { epoch: 1, seq: points.length });
  await chunks.compact();
  // Between two values of a chunk, at the time of one, and beside the last one.
  const late = [5 * 60_000 + 1, 5 * 60_000 + 2, 9 * 60_000, 3999 * 60_000, 3999 * 60_000 + 1].map((at, nth) => ({
    device: 'a',
    value: 55 + nth,
    occurredAt: 1e12 + at,
    ...(nth === 2 ? { flags: ['stale' as const] } : {}),
  }));
  for (const store of [rows, chunks])
    await store.consumer.take(fed(late, points.length + 1), { epoch: 1, seq: points.length + late.length });
  const close = (items: readonly object[]) =>
    JSON.parse(
      JSON.stringify(items, (_, value: unknown) =>
        typeof value === 'number' ? Number(value.toPrecision(9)) : Array.isArray(value) ? value.toSorted() : value,
      ),
    ) as unknown;
  for (const maxPoints of [1, 2, 3, 5, 40, 5000]) {
    for (const [from, to] of [[0, 1e15], [1e12 + 3_000_000, 1e12 + 100_000_001]]) {
      for (const name of ['a', 'b']) {
        const [expected, got] = await Promise.all(
          [rows, chunks].map((store) => store.range({ ...ALL, device: name, maxPoints, from: from as number, to: to as number })),
        );
        assert.deepEqual(close(got?.items ?? []), close(expected?.items ?? []), `${maxPoints} of ${name} from ${from}`);
      }
    }
  }
  for (const [from, to] of [[0, 1e15], [1e12, 1e12 + 300_000], [1e12 + 61_234, 1e12 + 1_190_007], [1e12 + 4e6, 1e12 + 9e7]]) {
    const [expected, got] = await Promise.all([rows, chunks].map((store) => store.window({ from: from as number, to: to as number })));
    assert.ok((expected?.length ?? 0) > 0);
    assert.deepEqual(close(got ?? []), close(expected ?? []), `window from ${from}`);
  }
  await Promise.all([rows, chunks].map((store) => store.close()));
});

test('windows stay right while values come, are compacted and let go', async () => {
  const store = await openTestStore({ retentionMs: 40 * 60_000 });
  const nowMs = store.world.clock.nowMs();
  const all: { device: string; occurredAt: number; value: number }[] = [];
  const check = async (from: number, to: number) => {
    const expected = ['a', 'b', 'c'].flatMap((device) => {
      const values = all
        .filter((point) => point.device === device && point.occurredAt >= from && point.occurredAt < to)
        .map(({ value }) => value);
      return values.length === 0 ? [] : [{ device, count: values.length, min: Math.min(...values), max: Math.max(...values) }];
    });
    const got = (await store.window({ from, to }))
      .map(({ device, count, min, max }) => ({ device, count, min, max }))
      .toSorted((a, b) => (a.device < b.device ? -1 : 1));
    assert.deepEqual(got, expected);
  };
  let seq = 0;
  for (let step = 0; step < 40; step += 1) {
    const points = Array.from({ length: 30 }, (_, at) => ({
      device: 'abc'[(at * 7 + step) % 3] as string,
      value: (step * 31 + at) % 100,
      occurredAt: nowMs - 30 * 60_000 + step * 20_000 + at * 1300 - (at % 5 === 0 ? 250_000 : 0),
    }));
    all.push(...points);
    await store.consumer.take(fed(points, seq + 1), { epoch: 1, seq: (seq += 30) });
    const headAt = nowMs - 30 * 60_000 + step * 20_000;
    await check(headAt - 300_000, headAt);
    if (step % 7 === 0) await store.compact();
    await check(headAt - 123_456, headAt + 7);
  }
  await store.world.clock.advanceMs(30 * 60_000);
  await store.compact();
  const edge = store.world.clock.nowMs() - 40 * 60_000;
  await store.sweep();
  const left = (await Promise.all(['a', 'b', 'c'].map((device) => allRows(store, { indicator: 'X', device, point: 'p' }, 1000)))).flat();
  assert.ok(left.length < all.length && left.length >= all.filter(({ occurredAt }) => occurredAt >= edge).length);
  all.splice(0, Infinity, ...all.filter((point) => left.some((kept) => kept.at === point.occurredAt)));
  await check(edge, edge + 600_000);
  await store.close();
});

test('retention goes by whole chunks, oldest first, and says by how much', async () => {
  const store = await openTestStore();
  const nowMs = store.world.clock.nowMs();
  const points = Array.from({ length: 7 * 480 }, (_, at) => ({ value: at, occurredAt: nowMs - 7 * DAY_MS + at * 180_000 }));
  await store.consumer.take(fed(points), { epoch: 1, seq: points.length });
  await store.compact();
  await store.sweep();
  assert.equal((await allRows(store, ALL, 10_000)).length, points.length);
  store.setRetention({ retentionMs: 3 * DAY_MS, maxBytes: 1 << 30 });
  await store.sweep();
  const left = await allRows(store, ALL, 10_000);
  const oldest = left[0]?.at as number;
  assert.ok(oldest <= nowMs - 3 * DAY_MS && oldest > nowMs - 4 * DAY_MS - 180_000, String((nowMs - oldest) / DAY_MS));
  assert.deepEqual(left.map(({ value }) => value), points.filter(({ occurredAt }) => occurredAt >= oldest).map(({ value }) => value));
  await store.close();

  const small = await openTestStore({ dir: store.options.dir, maxBytes: 60_000 });
  await small.consumer.take(
    fed(
      points.map((point) => ({ ...point, value: Math.sqrt(point.value), device: 'e' })),
      points.length + 1,
    ),
    { epoch: 1, seq: 2 * points.length },
  );
  await small.compact();
  await small.sweep();
  const kept = (await allRows(small, ALL, 10_000)).length + (await allRows(small, { ...ALL, device: 'e' }, 10_000)).length;
  const lost = small.world.told.reduce(
    (sum, told) => sum + (told.kind === 'samples_lost' && told.reason === 'store_full' ? told.count : 0),
    0,
  );
  assert.ok(lost > 0 && kept > 0);
  assert.equal(lost + kept, left.length + points.length);
  await small.close();
});

test('a clock that jumps ahead lets nothing go, and what comes then is kept; back again, age counts as before', async () => {
  const store = await openTestStore({ retentionMs: 10 * DAY_MS });
  const nowMs = store.world.clock.nowMs();
  await store.consumer.take(
    fed(
      Array.from({ length: 600 }, (_, at) => ({ value: at, occurredAt: nowMs - 9 * DAY_MS + at * 60_000 })).concat([
        { value: -1, occurredAt: nowMs },
      ]),
    ),
    { epoch: 1, seq: 601 },
  );
  await store.compact();
  await store.world.clock.advanceMs(1);
  const jumped = store.world.clock.nowMs.bind(store.world.clock);
  store.world.clock.nowMs = () => jumped() + 1000 * DAY_MS;
  await store.sweep();
  assert.equal((await allRows(store, ALL, 1000)).length, 601);
  store.world.clock.nowMs = jumped;
  await store.sweep();
  assert.equal((await allRows(store, ALL, 1000)).length, 601);
  await store.close();
});

test('time for compaction comes by itself; settled rows go into chunks, recent ones stay', async () => {
  const store = await openTestStore();
  const nowMs = store.world.clock.nowMs();
  await store.consumer.take(fed(Array.from({ length: 33_000 }, (_, at) => ({ value: at, occurredAt: nowMs - 5 * DAY_MS + at * 1000 }))), {
    epoch: 1,
    seq: 33_000,
  });
  await store.consumer.take(
    fed(
      Array.from({ length: 100 }, (_, at) => ({ value: at, occurredAt: nowMs - at })),
      33_001,
    ),
    { epoch: 1, seq: 33_100 },
  );
  for (let minute = 0; minute < 6; minute += 1) {
    await store.world.clock.advanceMs(60_000);
    await store.sweep(); // in turn: after what the clock has begun, which would keep the next look away
  }
  const { rows, points } = await store.verify();
  assert.deepEqual([points, rows], [33_000, 100]);
  assert.equal((await store.range({ ...ALL, maxPoints: 1 })).items[0]?.count, 33_100);
  await store.close();
});

test('what nothing follows is compacted too, as soon as it has settled; how often and how old is a setting', async () => {
  const store = await openTestStore({ compaction: { everyMs: 1000, settleMs: 60_000 } });
  const nowMs = store.world.clock.nowMs();
  await store.consumer.take(fed(minutes(50, (at) => ({ occurredAt: nowMs - at }))), { epoch: 1, seq: 50 });
  await store.world.clock.advanceMs(30_000);
  assert.deepEqual((await store.verify()).points, 0);
  for (let round = 0; round < 3; round += 1) {
    await store.world.clock.advanceMs(20_000);
    await store.verify(); // in turn: after what the clock has begun
  }
  const { rows, points } = await store.verify();
  assert.deepEqual([points, rows], [50, 0]);
  await store.close();
});

test('a damaged chunk is named and left out, the rest is read, and never a wrong value', async () => {
  const dir = await storeFolder();
  const points = minutes(4000, (at) => ({ value: Math.abs(Math.round(Math.sin(at * at) * 1e5) / 1000) }));
  const first = await openTestStore({ dir });
  await first.consumer.take(fed(points), { epoch: 1, seq: points.length });
  await first.compact();
  await first.close();
  const db = new DatabaseSync(join(dir, 'store.db'));
  const chunk = db.prepare('SELECT id, from_at, to_at, count, body FROM chunk ORDER BY from_at LIMIT 1 OFFSET 1').get() as {
    id: number;
    from_at: number;
    to_at: number;
    count: number;
    body: Uint8Array;
  };
  chunk.body[chunk.body.length >> 1] = (chunk.body[chunk.body.length >> 1] as number) ^ 1;
  db.prepare('UPDATE chunk SET body = ? WHERE id = ?').run(chunk.body, chunk.id);
  db.prepare('UPDATE chunk SET sum = sum + 1 WHERE id = (SELECT id FROM chunk ORDER BY from_at DESC LIMIT 1)').run();
  const headless = db.prepare('SELECT from_at FROM chunk ORDER BY from_at DESC LIMIT 1').get() as { from_at: number };
  db.close();
  const store = await openTestStore({ dir });
  const expected = viewsOf(points).filter(({ at }) => (at < chunk.from_at || at > chunk.to_at) && at < headless.from_at);
  const read = await store.range({ ...ALL, limit: 10_000 });
  assert.deepEqual(read.items, expected);
  assert.deepEqual(
    read.gaps
      ?.map(({ from, to, count }) => [from, count === null ? null : to, count])
      .toSorted((a, b) => (a[0] as number) - (b[0] as number)),
    [
      [chunk.from_at, chunk.to_at + 1, chunk.count],
      [headless.from_at, null, null],
    ],
  );
  const { gaps, items } = await store.range({ ...ALL, maxPoints: 20 });
  assert.ok(gaps?.length === 2 && Math.max(...items.map((item) => item.max ?? 0)) <= 100);
  assert.equal((await store.range({ ...ALL, to: chunk.from_at })).gaps, undefined, 'only where it was asked for');
  const [window] = await store.window({ from: 0, to: 1e15 });
  assert.equal(window?.count, expected.length + chunk.count, 'where the head is sound it answers for its chunk');
  await store.range({ ...ALL });
  assert.equal(
    store.world.told.filter((told) => told.kind === 'fault' && told.fault.code === 'CV_STORE_CHUNK_DAMAGED').length,
    2,
    'each is told once',
  );
  assert.deepEqual((await store.verify()).damages.length, 2);
  // What comes late into its time, and at its very first instant, is kept beside it.
  const late = [
    { value: -1, occurredAt: chunk.from_at },
    { value: -2, occurredAt: chunk.from_at + 30_000 },
    { value: -3, occurredAt: headless.from_at + 1 },
  ];
  await store.consumer.take(fed(late, points.length + 1), { epoch: 1, seq: points.length + 3 });
  for (const compacted of [false, true]) {
    if (compacted) await store.compact();
    assert.deepEqual(
      (await store.range({ ...ALL, limit: 10_000 })).items.filter(({ value }) => (value as number) < 0).map(({ value }) => value),
      [-1, -2, -3],
      String(compacted),
    );
  }
  await store.close();
});

test('a file without chunks becomes one with them; a later one is left alone', async () => {
  const dir = await storeFolder();
  await mkdir(dir, { recursive: true });
  const old = new DatabaseSync(join(dir, 'store.db'));
  old.exec(`PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;
    CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
    CREATE TABLE series (id INTEGER PRIMARY KEY, indicator TEXT NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL, subject TEXT NOT NULL, centre TEXT NOT NULL, edge TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL,
      first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT, UNIQUE (indicator, device, point)) STRICT;
    CREATE TABLE recent (t INTEGER NOT NULL, s INTEGER NOT NULL, n INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT, PRIMARY KEY (t, s, n)) STRICT, WITHOUT ROWID;
    INSERT INTO progress VALUES (1, 1, 20000);
    INSERT INTO series VALUES (1, 'X', 'd', 'p', 'd', '500112001', 'e', 'measurement', '', 0, 9999, 1.0, 0, NULL, NULL);
    WITH RECURSIVE i(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM i WHERE k < 19999) INSERT INTO recent SELECT k / 2, 1, k % 2, k + 0.5, CASE WHEN k % 10 = 0 THEN 1 ELSE 0 END, CASE WHEN k % 10 = 0 THEN 'spike,stuck' END, NULL FROM i`);
  old.close();
  const expected = Array.from({ length: 20_000 }, (_, k): PointView => ({
    at: k >> 1,
    value: k + 0.5,
    quality: k % 10 === 0 ? 'uncertain' : 'good',
    flags: k % 10 === 0 ? ['spike', 'stuck'] : [],
  }));
  const store = await openTestStore({ dir });
  assert.deepEqual(await store.consumer.start(), { epoch: 1, seq: 20_000 });
  assert.deepEqual(await allRows(store, ALL, 9000), expected);
  await store.compact();
  assert.deepEqual(await allRows(store, ALL, 9000), expected);
  await store.close();
  const later = new DatabaseSync(join(dir, 'store.db'));
  later.exec('PRAGMA user_version = 99');
  later.close();
  await assert.rejects(openTestStore({ dir }), {
    fault: { code: 'CV_STORE_NEWER', params: { path: join(dir, 'store.db'), detail: '99' } },
  });
});

test('killed at any moment of compaction: nothing twice, nothing gone', async () => {
  const dir = await storeFolder();
  const script = join(dir, 'writer.ts');
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  await writeFile(script, `
    import { openStore } from ${from('./store.ts')};
    import { EMPTY_CATALOGUE } from ${from('../../city/catalogue/catalogue.ts')};
    import { realWorld } from ${from('../../core/world.ts')};
    import { event } from ${from('../../city/testing/rules.ts')};
    import { logBatch } from ${from('../feed/testing/log-batches.ts')};
    const store = await openStore({ dir: ${JSON.stringify(dir)}, retentionMs: Infinity, maxBytes: 1e9, catalogue: EMPTY_CATALOGUE }, realWorld(() => {}));
    let { seq } = await store.consumer.start();
    let compactions = 0;
    (async () => { for (;;) { await store.compact(); compactions += 1; } })();
    for (;;) {
      const batch = Array.from({ length: 40 }, (_, at) => {
        const number = seq + at + 1;
        return logBatch([event({ device: 'd' + (number % 5), value: number, occurredAt: number % 3 === 0 ? number % 97 : number * 10 })], { epoch: 1, seq: number }, 0);
      });
      await store.consumer.take(batch, { epoch: 1, seq: seq + 40 });
      seq += 40;
      console.log(seq, compactions);
    }`);
  let acknowledged = 0;
  let compactions = 0;
  for (let kill = 0; kill < 5; kill += 1) {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [seq, done] = line.split(' ').map(Number) as [number, number];
      assert.ok(seq >= acknowledged, 'nothing that was acknowledged is gone');
      acknowledged = seq;
      lines += 1;
      // Another moment each time, and never before a compaction has gone through.
      if (done > 0 && lines >= 4 + kill * 7) setTimeout(() => child.kill('SIGKILL'), (kill * 13) % 30);
      compactions = Math.max(compactions, done);
    }
  }
  assert.ok(compactions > 0);
  const store = await openTestStore({ dir });
  const { seq } = await store.consumer.start();
  assert.ok(seq >= acknowledged);
  const rows = (await Promise.all([0, 1, 2, 3, 4].map((device) => allRows(store, { ...ALL, device: `d${device}` }, 1000)))).flat();
  assert.deepEqual(rows.map(({ value }) => value as number).toSorted((a, b) => a - b), Array.from({ length: seq }, (_, at) => at + 1));
  assert.ok(rows.every(({ at, value }) => at === ((value as number) % 3 === 0 ? (value as number) % 97 : (value as number) * 10)));
  const { points, problems, damages } = await store.verify();
  assert.ok(points > 0);
  assert.deepEqual([problems, damages], [[], []]);
  await store.close();
});
