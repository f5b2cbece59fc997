/** A store whose file was damaged: it opens all the same, nothing is wrong or there twice, and what is missing comes back from the log. */
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { PointView } from '../../api/series.ts';
import type { Event } from '../../core/event.ts';
import { seededRandom } from '../../core/world.ts';
import type { LogBatch } from '../feed/log-batch.ts';
import { ALL, allRows, fed, storeFolder, openTestStore } from './testing/opened.ts';

const PAGE = 4096;
const DEVICES = ['a', 'b', 'c', 'd'];
/** More than a generation, so that there are chunks, sealed and open blocks. */
const COUNT = 36_000;
const PRESENT = 2;
/** The first byte of a page that only leads to others. */
const INTERIOR = 5;

const points = Array.from({ length: COUNT }, (_, at): Partial<Event> => ({
  device: DEVICES[at % DEVICES.length] as string,
  value: Math.sin(at) * at,
  occurredAt: 1_000_000 + (at >> 3) * 50,
  ...(at % 97 === 0 ? { flags: ['spike'] } : {}),
}));
let log: LogBatch[] = [];
let whole = '';

/** Half of it compacted, all of it closed in order. */
before(async () => {
  log = fed(points);
  const store = await openTestStore({ presentEpoch: 1 });
  await feed(store, 0, COUNT / 2);
  await store.compact();
  await feed(store, COUNT / 2, COUNT);
  await store.close();
  whole = join(store.options.dir, 'store.db');
});

type Opened = Awaited<ReturnType<typeof openTestStore>>;

async function feed(store: Opened, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 5000)
    await store.consumer.take(log.slice(at, Math.min(to, at + 5000)), { epoch: 1, seq: Math.min(to, at + 5000) });
}

/** What the log does at a start: everything behind the store's cursor comes (again). */
async function catchUp(store: Opened): Promise<void> {
  const { epoch, seq } = await store.consumer.start();
  await feed(store, epoch === 0 ? 0 : seq, COUNT);
}

async function damaged(damage: (path: string) => void): Promise<string> {
  const dir = join(await storeFolder(), 'store');
  await mkdir(dir);
  await copyFile(whole, join(dir, 'store.db'));
  damage(join(dir, 'store.db'));
  return dir;
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

const expected = new Map(
  DEVICES.map((device) => [
    device,
    points
      .filter((point) => point.device === device)
      .map(({ occurredAt, value, flags }) => ({ at: occurredAt, value, quality: 'good', flags: flags ?? [] })),
  ]),
);
const rowsOf = async (store: Opened): Promise<Map<string, PointView[]>> =>
  new Map(await Promise.all(DEVICES.map(async (device) => [device, await allRows(store, { ...ALL, device }, 10_000)] as const)));
const key = ({ at, value, flags }: PointView): string => `${at} ${String(value)} ${flags.join()}`;
const byKey = (rows: PointView[]): string[] => rows.map(key).toSorted();

async function assertAll(store: Opened): Promise<void> {
  for (const [device, rows] of await rowsOf(store)) assert.deepEqual(byKey(rows), byKey(expected.get(device) as PointView[]), device);
}

const salvages = (store: Opened) =>
  store.world.told.flatMap((told) => (told.kind === 'fault' && told.fault.code === 'CV_STORE_SALVAGED' ? [told.fault.params] : []));
const asides = (dir: string) => readdirSync(dir).filter((name) => /damaged-\d+$/.test(name));

const HEADERS: Record<string, (path: string) => void> = {
  'the first 100 bytes are zeros': (path) => { overwrite(path, 0, Buffer.alloc(100)); },
  'the first page is garbage': (path) => { overwrite(path, 0, Buffer.alloc(PAGE, 0xa5)); },
  'the file says that it has no pages': (path) => { overwrite(path, 28, Buffer.alloc(4, 0xff)); },
  'a version nobody knows stands in it': (path) => { overwrite(path, 18, Buffer.from([9, 9])); },
};

for (const [what, damage] of Object.entries(HEADERS)) {
  test(`${what}: all is saved, and it goes on where it was`, async () => {
    const dir = await damaged(damage);
    const bytes = readFileSync(join(dir, 'store.db'));
    const store = await openTestStore({ dir, presentEpoch: PRESENT });
    assert.deepEqual(await store.consumer.start(), { epoch: 1, seq: COUNT });
    await assertAll(store);
    assert.deepEqual(salvages(store).map((params) => params.points), [COUNT]);
    const [aside = ''] = asides(dir);
    assert.ok(
      readFileSync(join(dir, aside)).subarray(PAGE).equals(bytes.subarray(PAGE)),
      'as it is, but for a first page that can be read',
    );
    if (existsSync(join(dir, `${aside}-page1`))) assert.ok(readFileSync(join(dir, `${aside}-page1`)).equals(bytes.subarray(0, PAGE)));
    await store.close();
    const again = await openTestStore({ dir, presentEpoch: PRESENT });
    assert.deepEqual(salvages(again), []);
    await again.close();
  });
}

test('cut short: what is left is saved, what is missing comes back from the log, nothing is there twice', async () => {
  for (const share of [0.5, 0]) {
    const dir = await damaged((path) => { truncateSync(path, Math.floor(statSync(path).size * share)); });
    const store = await openTestStore({ dir, presentEpoch: PRESENT });
    assert.equal(salvages(store).length, 1);
    await catchUp(store);
    await assertAll(store);
    // From the present opening on nothing can be there already: a value that is like another one counts.
    const twin: Partial<Event> = { device: 'new', value: 1, occurredAt: 5e6 };
    await store.consumer.take(fed([twin], 1, PRESENT), { epoch: PRESENT, seq: 1 });
    await store.consumer.take(fed([twin], 2, PRESENT), { epoch: PRESENT, seq: 2 });
    assert.equal((await allRows(store, { ...ALL, device: 'new' }, 10)).length, 2);
    await store.close();
  }
});

test('pages destroyed anywhere in the file: at a start and while it runs, no value is wrong, none is there twice, none is missing in the end', async () => {
  const random = seededRandom(7);
  const pages = statSync(whole).size / PAGE;
  for (let trial = 0; trial < 8; trial += 1) {
    const dir = await damaged((path) => {
      for (let count = 0; count < 1 + (trial % 3); count += 1)
        overwrite(
          path,
          PAGE * Math.floor(random.next() * pages) + Math.floor(random.next() * 64),
          Buffer.from(Array.from({ length: 400 }, () => Math.floor(random.next() * 256))),
        );
    });
    const store = await openTestStore({ dir, presentEpoch: PRESENT });
    await catchUp(store);
    // Whoever reads finds what the opening did not.
    for (const [device, rows] of await rowsOf(store)) {
      const right = new Set(byKey(expected.get(device) as PointView[]));
      assert.equal(new Set(rows.map(key)).size, rows.length, `trial ${trial}: twice`);
      for (const row of rows) assert.ok(right.has(key(row)), `trial ${trial}: ${key(row)} was never sent`);
    }
    await store.consumer.take([], { epoch: 1, seq: COUNT });
    await store.close();
    const next = await openTestStore({ dir, presentEpoch: PRESENT });
    await catchUp(next);
    if (salvages(store).length + salvages(next).length > 0) await assertAll(next);
    await next.close();
  }
});

test('the tree above the chunks is destroyed while it runs: whoever asks is answered, what comes is taken in, the rest is back after a restart', async () => {
  const dir = await damaged(() => {});
  const path = join(dir, 'store.db');
  const store = await openTestStore({ dir, presentEpoch: PRESENT });
  const bytes = readFileSync(path);
  for (let page = PAGE; page < bytes.length; page += PAGE) if (bytes[page] === INTERIOR) overwrite(path, page, Buffer.alloc(PAGE, 0x33));
  const asked = await Promise.all([rowsOf(store), rowsOf(store), store.window({ from: 0, to: 1e9 })]);
  assert.equal(salvages(store).length, 1, 'once for all that asked');
  for (const [device, rows] of asked[0]) {
    const right = new Set(byKey(expected.get(device) as PointView[]));
    assert.ok(rows.every((row) => right.has(key(row))));
  }
  const more: Partial<Event> = { device: 'a', value: 5, occurredAt: 9e6 };
  await store.consumer.take(fed([more], 1, PRESENT), { epoch: PRESENT, seq: 1 });
  assert.equal((await allRows(store, { ...ALL, device: 'a' }, 10_000)).at(-1)?.value, 5);
  await store.close();

  const next = await openTestStore({ dir, presentEpoch: PRESENT + 1 });
  assert.deepEqual(await next.consumer.start(), { epoch: 0, seq: 0 });
  await catchUp(next);
  await next.consumer.take(fed([more], 1, PRESENT), { epoch: PRESENT, seq: 1 });
  const rows = await rowsOf(next);
  assert.deepEqual(
    byKey(rows.get('a') as PointView[]),
    [...byKey(expected.get('a') as PointView[]), key({ at: 9e6, value: 5, quality: 'good', flags: [] })].toSorted(),
  );
  for (const device of ['b', 'c', 'd'])
    assert.deepEqual(byKey(rows.get(device) as PointView[]), byKey(expected.get(device) as PointView[]));
  await next.close();
});

test('killed while it salvages: made again, or finished', async () => {
  const dir = await damaged((path) => { overwrite(path, 0, Buffer.alloc(PAGE)); });
  const path = join(dir, 'store.db');
  writeFileSync(`${path}.salvage`, 'begun');
  const store = await openTestStore({ dir, presentEpoch: PRESENT });
  await assertAll(store);
  await store.close();
  renameSync(path, `${path}.salvage`);
  const finished = await openTestStore({ dir, presentEpoch: PRESENT });
  await assertAll(finished);
  assert.deepEqual(salvages(finished), []);
  await finished.close();
});

test('of damaged files that lie aside the newest three are kept', async () => {
  const dir = await damaged(() => {});
  for (let round = 0; round < 5; round += 1) {
    overwrite(join(dir, 'store.db'), 0, Buffer.alloc(PAGE, round));
    await (await openTestStore({ dir, presentEpoch: PRESENT })).close();
  }
  assert.deepEqual(asides(dir).toSorted(), [3, 4, 5].map((n) => `store.db.damaged-${n}`));
});
