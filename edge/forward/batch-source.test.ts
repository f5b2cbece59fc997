import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../../core/event.ts';
import { memoryDisk, openMemoryEdgeLog } from '../../log/testing/memory-log.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { BatchSource } from './batch-source.ts';
import { LiveBoundary } from './live-boundary.ts';
import { RefusedRanges } from './refused-ranges.ts';
import type { StreamSeqRange } from './seq-range.ts';

const drafts = (count: number) =>
  Array.from({ length: count }, (_, at): Draft => ({
    device: 'd',
    point: 'p',
    indicator: 'A-1',
    centre: '500112001',
    kind: 'measurement',
    value: at,
    unit: 'm',
    occurredAt: at,
    clock: 'edge',
    observedAt: at,
    quality: 'good',
    origin: 'live',
  }));
const OPTIONS = { edge: 'pump', centre: '500112001' };
const namesOf = (run: StreamSeqRange) => Array.from({ length: run.to - run.from + 1 }, (_, at) => `${run.epoch}:${run.from + at}`);

/** All that a lane would send, in order, were each answered at once. */
async function emptied(feed: BatchSource, lane: 'up' | 'late'): Promise<string[]> {
  const under: StreamSeqRange[] = [];
  for (;;) {
    const run = feed.find(lane, under, 0);
    if (!run) return under.flatMap(namesOf);
    const next = await feed.read(lane, run, Infinity);
    assert.equal(next.kind, 'batch');
    if (next.kind === 'batch') under.push(next.run);
  }
}

test('each number that is not settled is in one lane alone: live if kept since the connection, else backlog, older first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      fc.nat(6),
      fc.array(fc.nat(40), { maxLength: 8 }),
      async (before, now, split, acks) => {
        const disk = memoryDisk();
        const old = await openMemoryEdgeLog(OPTIONS, testWorld(), disk);
        for (const count of before) await old.append(drafts(count));
        const log = await openMemoryEdgeLog(OPTIONS, testWorld(new VirtualClock(Date.UTC(2026, 1, 1))), disk);
        const fresh = new LiveBoundary();
        let connected = false;
        let liveFrom = Infinity;
        log.onCommitted((kept) => {
          if (!connected) return;
          liveFrom = Math.min(liveFrom, kept.firstSeq);
          fresh.groupKept(kept.stream, kept.firstSeq, 0);
        });
        for (const [at, count] of now.entries()) {
          connected = at >= split;
          await log.append(drafts(count));
        }
        for (const ack of acks) await log.settle('measurement', ack % 2 ? log.epoch : old.epoch, { upTo: 0, have: [[ack + 1, ack + 1]] });
        const feed = new BatchSource(log, fresh, new RefusedRanges());
        const wanted = log.unsettled('measurement').flatMap(({ epoch, from, to }) => namesOf({ stream: 'measurement', epoch, from, to }));
        const isLive = (name: string) => name.startsWith(`${log.epoch}:`) && Number(name.split(':')[1]) >= liveFrom;
        assert.deepEqual(await emptied(feed, 'up'), wanted.filter(isLive));
        assert.deepEqual(
          await emptied(feed, 'late'),
          wanted.filter((name) => !isLive(name)),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('numbers that the log names and does not give are passed over, and asked for again later', async () => {
  const log = await openMemoryEdgeLog(OPTIONS, testWorld());
  await log.append(drafts(3));
  await log.append(drafts(3));
  const read = log.read;
  log.read = async (stream, after, limit) => (await read(stream, after, limit)).filter((group) => group.seq > 3);
  const feed = new BatchSource(log, new LiveBoundary(), new RefusedRanges());
  const first = feed.find('late', [], 0) as StreamSeqRange;
  assert.equal((await feed.read('late', first, Infinity)).kind, 'nothing');
  assert.equal(feed.find('late', [], 0)?.from, 4);
  log.read = read;
  feed.clear();
  assert.equal(feed.find('late', [], 0)?.from, 1);
});

test('what was written just now goes out without being read; what is sent again, or kept long ago, is read', async () => {
  const log = await openMemoryEdgeLog(OPTIONS, testWorld());
  const fresh = new LiveBoundary();
  const feed = new BatchSource(log, fresh, new RefusedRanges());
  const rows: Uint8Array[] = [];
  log.onCommitted((kept) => {
    fresh.groupKept(kept.stream, kept.firstSeq, 0);
    rows.push(Uint8Array.of(rows.length + 1));
    feed.groupKept({ ...kept, payload: rows.at(-1) as Uint8Array });
  });
  for (let group = 0; group < 6; group += 1) await log.append(drafts(2));
  let reads = 0;
  const { read } = log;
  log.read = (stream, after, limit) => {
    reads += 1;
    return read(stream, after, limit);
  };
  const payloadAt = async (from: number) => {
    const next = await feed.read('up', { stream: 'measurement', epoch: log.epoch, from, to: 12 }, Infinity);
    assert.equal(next.kind, 'batch');
    return next.kind === 'batch' ? next.payload : null;
  };
  assert.equal(await payloadAt(9), rows[4]);
  assert.equal(await payloadAt(11), rows[5]);
  assert.equal(reads, 0);
  assert.ok((await payloadAt(1))?.length, 'kept long ago');
  assert.ok((await payloadAt(9))?.length, 'sent again');
  assert.ok(reads > 0);
});
