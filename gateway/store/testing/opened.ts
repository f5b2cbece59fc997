/** What the store's tests share: a store in a folder of its own, fed from a log that is only thought of. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import fc from 'fast-check';
import type { PointView } from '../../../api/series.ts';
import { EMPTY_CATALOGUE } from '../../../city/catalogue/catalogue.ts';
import { FLAGS, type Event } from '../../../core/event.ts';
import { event } from '../../../city/testing/rules.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import type { LogBatch } from '../../feed/log-batch.ts';
import { logBatch, encodedLogBatch } from '../../feed/testing/log-batches.ts';
import { openStore, type Store, type StoreOptions } from '../store.ts';

const folders: string[] = [];
const stores: Store[] = [];
after(async () => {
  // Also those of tests that failed: an open thread would keep the process.
  await Promise.all(stores.map((store) => store.close()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

export async function storeFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'cv-store-'));
  folders.push(made);
  return made;
}

export async function openTestStore(
  over: Partial<StoreOptions> = {},
): Promise<Store & { options: StoreOptions; world: ReturnType<typeof testWorld> }> {
  const options = { dir: over.dir ?? (await storeFolder()), retentionMs: Infinity, maxBytes: 1 << 30, catalogue: EMPTY_CATALOGUE, ...over };
  const world = testWorld();
  const store = Object.assign(await openStore(options, world), { options, world });
  stores.push(store);
  return store;
}

/** A group each, in turn as rows and as columns off the wire. */
export const fed = (events: readonly Partial<Event>[], firstSeq = 1, epoch = 1): LogBatch[] => events.map((over, at) => {
  const make = at % 2 === 0 ? logBatch : encodedLogBatch;
  return make([event(over)], { epoch, seq: firstSeq + at }, over.occurredAt ?? 0);
});
export const ALL = { indicator: 'X', device: 'd', point: 'p', from: 0, to: 1e15, maxPoints: null, limit: 10_000, after: null };

export async function allRows(
  store: Store,
  name: { indicator: string; device: string; point: string },
  limit: number,
): Promise<PointView[]> {
  const items: PointView[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.range({ ...ALL, ...name, limit, after });
    items.push(...page.items);
    if (page.next === null) return items;
    after = page.next;
  }
}

export const anyPoint = fc
  .record({
    device: fc.constantFrom('a', 'b'),
    occurredAt: fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2_000_000_000_000 })),
    of: fc.oneof(
      fc
        .oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 53), max: 2 ** 53 }).map((value) => value + 0),
          fc.integer(),
          fc.boolean(),
          fc.string({ maxLength: 20 }),
        )
        .chain((value) => fc.record({ value: fc.constant(value), quality: fc.constantFrom('good', 'uncertain', 'bad') })),
      fc.constant({ value: null, quality: 'bad' as const }),
    ),
    flags: fc.uniqueArray(fc.constantFrom(...FLAGS), { maxLength: 3 }),
  })
  .map(({ of, flags, ...rest }) => Object.assign(rest, of, flags.length > 0 ? { flags } : {}) as Partial<Event>);
