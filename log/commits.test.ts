/** What commits of a log take, and what is said of what they cannot take. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { bulkyDraft, TEST_CENTRE, testDraft, testDrafts, testWarning } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { failingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { settle, testWorld } from '../core/testing/virtual-clock.ts';
import { openEdgeLog } from './edge-log.ts';
import { openGatewayLog } from './gateway-log.ts';
import { LOG_START } from './types.ts';
import { directStorage } from './worker-storage.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return join(dir, 'log');
}

test('calls that come together share a commit of a gateway\'s log up to 8 MB; one call goes alone however large it is', async (t) => {
  const world = testWorld();
  const disk = failingStorage(directStorage());
  const log = await openGatewayLog({ dir: await folder(t), gateway: 'town-1', maxBytes: 256 << 20, keepMs: 3_600_000 }, world, disk);
  let seq = 0;
  const call = (bytes: number) =>
    log.accept([
      {
        origin: { sender: 'a', stream: 'measurement', epoch: 7, seq: (seq += 1), span: 1, receivedAt: 1 },
        count: 1,
        payload: new Uint8Array(bytes),
      },
    ]);
  const commits = async (...sizes: number[]) => {
    const before = disk.commits;
    await Promise.all(sizes.map(call));
    return disk.commits - before;
  };
  await call(10);
  assert.equal(await commits(10, 10, 10), 1);
  assert.equal(await commits(4 << 20, 4 << 20), 1);
  assert.equal(await commits(4 << 20, (4 << 20) + 1), 2);
  assert.equal(await commits(9 << 20, 10), 2);
  assert.equal(await commits(3 << 20, 3 << 20, 3 << 20), 2);
  assert.deepEqual(log.head(), { epoch: log.epoch, seq });
  await log.close();
});

test('an event that no group can hold is told of and counted, and those that came with it are kept', async (t) => {
  const world = testWorld();
  const log = await openEdgeLog({ dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
  const unwritable = testDraft(2, { kind: 'state' });
  (unwritable as unknown as { value: unknown }).value = 10n;
  await log.append([testDraft(1, { kind: 'state' }), unwritable]);
  assert.deepEqual(
    world.told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'unwritable', intended: false, stream: 'state' }],
  );
  const fault = world.told.find(({ kind }) => kind === 'fault');
  assert.ok(fault?.kind === 'fault' && fault.device === unwritable.device && fault.fault.code === 'CV_DRIVER_FAILED');
  assert.match(String(fault.fault.params.detail), /^level: /);
  await log.close();
});

test('on a disk that stays full a commit costs at most three files of what is less important', async (t) => {
  const world = testWorld();
  const disk = failingStorage(directStorage());
  // Each file that goes makes room, by the system's word.
  let freeBytes = 1 << 20;
  const removed: string[] = [];
  const report = () => ({ freeBytes, ballast: true, wantedBytes: 0 });
  const { remove, commit } = disk;
  Object.assign(disk, {
    disk: () => Promise.resolve(report()),
    async remove(request: Parameters<typeof remove>[0]) {
      removed.push(...request.names);
      await remove(request);
      freeBytes += 10 << 20;
      return report();
    },
    commit: async (request: Parameters<typeof commit>[0]) => ({ ...await commit(request), disk: report() }),
  });
  const log = await openEdgeLog(
    { dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10 },
    world,
    disk,
  );
  for (let index = 0; index < 60; index += 1) {
    const done = log.append(Array.from({ length: 5 }, (_, part) => bulkyDraft(index * 5 + part, 3000, () => world.random.next())));
    await world.clock.advanceMs(1000);
    await done;
  }
  assert.deepEqual(removed, []);
  disk.failWith = 13;
  await assert.rejects(log.append([testDraft(1, { kind: 'state' })]), { name: 'CV_LOG_DISK_FULL' });
  assert.equal(removed.length, 3);
  // Nor does the next one try it again at once.
  await assert.rejects(log.append([testDraft(2, { kind: 'state' })]), { name: 'CV_LOG_DISK_FULL' });
  assert.equal(removed.length, 3);
  disk.failWith = null;
  await log.close();
});

test('a full log gives up the oldest of everything but warnings: of those it takes no more', async (t) => {
  for (const [kind, stream, isOldestThere] of [
    ['measurement', 'measurement', false],
    ['state', 'state', false],
    ['occurrence', 'warning', true],
  ] as const) {
    const world = testWorld();
    const log = await openEdgeLog(
      { dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 1 << 20, maxFileBytes: 64 << 10 },
      world,
      directStorage(),
    );
    for (let offset = 1; offset <= 500; offset += 20) {
      const drafts = Array.from({ length: 20 }, (_, part) => ({
        ...bulkyDraft(offset + part, 4000, () => world.random.next(), kind),
        ...(kind === 'occurrence' && { warning: testWarning(offset + part).warning as never }),
      }));
      const done = log.append(drafts);
      await world.clock.advanceMs(1000);
      await done;
    }
    const values = (await readAll(log, stream)).filter(({ gap }) => !gap).map(({ value }) => value);
    assert.ok(values.length > 50 && values.length < 500, `${values.length} of ${stream}`);
    assert.deepEqual([values.includes(1), values.includes(500)], [isOldestThere, !isOldestThere], stream);
    await log.close();
  }
});

test('a reader that comes to the end gets what was let go as well, within its bounds', async (t) => {
  const world = testWorld();
  const log = await openEdgeLog({ dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
  const append = async (from: number, count: number) => {
    const done = log.append(testDrafts(from, count, { kind: 'state' }));
    await world.clock.advanceMs(1000);
    await done;
  };
  await append(1, 3);
  const [{ payload: { length: bytes } = new Uint8Array() } = {}] = await log.read('state', LOG_START, { maxGroups: 10, maxBytes: 1 << 20 });
  const counts = async (maxGroups: number, maxBytes: number) =>
    (await log.read('state', LOG_START, { maxGroups, maxBytes })).map(({ seq, count }) => [seq, count]);
  // A loss that is known and not written yet is written for the reader, if there is room for more.
  const settled = log.settle('state', log.epoch, { upTo: 0, have: [[6, 6]] });
  assert.deepEqual(await counts(10, bytes), [[1, 3]]);
  await settled;
  assert.deepEqual(await counts(10, 1 << 20), [[1, 3], [7, 1]]);
  assert.deepEqual(await counts(1, 1 << 20), [[1, 3]]);
  await log.close();
});

test('what a failing disk does not take before the end is counted, to the last one', async (t) => {
  const world = testWorld();
  const disk = failingStorage(directStorage());
  const log = await openEdgeLog({ dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, disk);
  const warned = log.append([testWarning(1), testDraft(1)]);
  // The warning is on disk, the measurement waits for its group.
  await settle();
  disk.failWith = 13;
  const closed = log.close();
  await assert.rejects(warned, { name: 'CV_LOG_CLOSED' });
  await closed;
  assert.deepEqual(
    world.told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'shutdown', intended: false, stream: 'measurement' }],
  );
});

test('a full log that takes no more refuses one event as it refuses many', async (t) => {
  const world = testWorld();
  const log = await openEdgeLog(
    { dir: await folder(t), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 1 << 20, maxFileBytes: 64 << 10 },
    world,
    directStorage(),
  );
  for (let value = 1; value <= 400; value += 1) {
    const done = log.append([
      { ...bulkyDraft(value, 9000, () => world.random.next(), 'occurrence'), warning: testWarning(value).warning as never },
    ]);
    await world.clock.advanceMs(1000);
    await done;
  }
  const values = (await readAll(log, 'warning')).filter(({ gap }) => !gap).map(({ value }) => value);
  assert.deepEqual([values.includes(1), values.includes(400), values.length > 40], [true, false, true]);
  const refused = world.told.filter((event) => event.kind === 'samples_lost' && event.reason === 'log_full_newest').length;
  assert.equal(values.length + refused, 400);
  await log.close();
});
