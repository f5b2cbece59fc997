import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Event } from '../../core/event.ts';
import { ALL, allRows, fed, storeFolder, openTestStore } from './testing/opened.ts';

const DAY_MS = 86_400_000;

test('10,000 new series at once, and again with the next value', async () => {
  const store = await openTestStore();
  const round = (value: number): Partial<Event>[] =>
    Array.from({ length: 10_000 }, (_, at) => ({ device: `d${at}`, value, occurredAt: 1e12 + value * 1000 }));
  for (const value of [1, 2]) {
    await store.consumer.take(fed(round(value), (value - 1) * 10_000 + 1), { epoch: 1, seq: value * 10_000 });
    assert.equal(store.last().filter((one) => one.value === value).length, 10_000);
  }
  await store.compact();
  assert.deepEqual((await allRows(store, { ...ALL, device: 'd7777' }, 10)).map(({ value }) => value), [1, 2]);
  assert.equal((await store.window({ from: 0, to: 1e15 })).length, 10_000);
  await store.close();
});

test('a series that changes its type, and queries over decades', async () => {
  const store = await openTestStore();
  const values = [1.5, true, 'open', null, -2, false, '', 2 ** 53];
  const points = Array.from({ length: 400 }, (_, at): Partial<Event> => {
    const value = values[at % values.length] as Event['value'];
    return { value, quality: value === null ? 'bad' : 'good', occurredAt: at * 36 * DAY_MS };
  });
  await store.consumer.take(fed(points), { epoch: 1, seq: 400 });
  for (const compacted of [false, true]) {
    if (compacted) await store.compact();
    assert.deepEqual((await allRows(store, ALL, 33)).map(({ value }) => value), points.map(({ value }) => value));
    const { items } = await store.range({ ...ALL, maxPoints: 5 });
    assert.equal(items.reduce((sum, { count }) => sum + (count ?? 1), 0), 400);
    assert.equal((await store.window({ from: 0, to: 1e15 }))[0]?.max, 2 ** 53);
  }
  await store.close();
});

test('a clock that steps while it compacts loses nothing', async () => {
  const store = await openTestStore({ compaction: { everyMs: 1000, settleMs: 0 }, retentionMs: 30 * DAY_MS });
  const nowMs = store.world.clock.nowMs();
  const real = store.world.clock.nowMs.bind(store.world.clock);
  const points = Array.from({ length: 600 }, (_, at): Partial<Event> => ({ value: at, occurredAt: nowMs - 20 * DAY_MS + at * 1000 }));
  for (let round = 0; round < 6; round += 1) {
    const stepMs = [0, 400 * DAY_MS, -400 * DAY_MS][round % 3] as number;
    store.world.clock.nowMs = () => real() + stepMs;
    await store.consumer.take(fed(points.slice(round * 100, round * 100 + 100), round * 100 + 1), { epoch: 1, seq: round * 100 + 100 });
    await store.world.clock.advanceMs(2000);
    await store.compact();
  }
  assert.deepEqual((await allRows(store, ALL, 1000)).map(({ value }) => value), points.map(({ value }) => value));
  await store.close();
});

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test(
  'a disk that fills up during compaction: told, nothing lost, and it goes on by itself',
  { skip: canMount ? false : 'needs root and mounts of its own' },
  async () => {
    const dir = await storeFolder();
    const script = join(dir, 'full.ts');
    const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    await writeFile(
      script,
      `
    import { rmSync, statfsSync, writeFileSync } from 'node:fs';
    import { openStore } from ${from('./store.ts')};
    import { EMPTY_CATALOGUE } from ${from('../../city/catalogue/catalogue.ts')};
    import { realWorld } from ${from('../../core/world.ts')};
    import { ALL, allRows, fed } from ${from('./testing/opened.ts')};
    const dir = process.argv[2] + '/disk/store';
    const store = await openStore({ dir, retentionMs: Infinity, maxBytes: 1e9, catalogue: EMPTY_CATALOGUE }, realWorld(() => {}));
    const points = Array.from({ length: 20_000 }, (_, at) => ({ value: Math.sqrt(at), occurredAt: at * 1000 }));
    for (let at = 0; at < points.length; at += 1000) await store.consumer.take(fed(points.slice(at, at + 1000), at + 1), { epoch: 1, seq: at + 1000 });
    const same = async () => JSON.stringify((await allRows(store, ALL, 5000)).map(({ value }) => value)) === JSON.stringify(points.map(({ value }) => value));
    const { bavail, bsize } = statfsSync(dir);
    writeFileSync(dir + '/ballast', Buffer.alloc(bavail * bsize - 32_768, 1));
    const fault = await store.compact().then(() => 'none', (error) => error.fault?.code ?? String(error));
    const during = await same();
    rmSync(dir + '/ballast');
    await store.compact();
    const { points: chunked, rows, damages, problems } = await store.verify();
    console.log(JSON.stringify({ fault, during, after: await same(), chunked, rows, damages, problems }));
    await store.close();
    process.exit(0);`,
    );
    const { stdout } = await promisify(execFile)('unshare', [
      '-m',
      'sh',
      '-c',
      'mkdir "$1/disk" && mount -t tmpfs -o size=24m tmpfs "$1/disk" && exec "$2" "$3" "$1"',
      'sh',
      dir,
      process.execPath,
      script,
    ]);
    assert.deepEqual(JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')) ?? '{}'), {
      fault: 'CV_STORE_FAILED',
      during: true,
      after: true,
      chunked: 20_000,
      rows: 0,
      damages: [],
      problems: [],
    });
  },
);
