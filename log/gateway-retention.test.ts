/** Which files of a gateway's log go: for their age, for room in the log, and for room on the disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { FileChain } from './file-chain.ts';
import { logFileName, PREPARED_FILE_BYTES } from './file-name.ts';
import { Retention } from './gateway-retention.ts';
import { LOG_START, type Cursor } from './types.ts';

const KEEP_MS = 1_000_000;
const GRACE_MS = 60_000;
const EPOCH = 5;
const FILE_BYTES = 100;
/** Files of 10 numbers each. */
const FILES = 4;
const BYTES = FILES * FILE_BYTES + PREPARED_FILE_BYTES;
const end = (files: number): Cursor => ({ epoch: EPOCH, seq: files * 10 });

/** @param maxBytes beyond what the log has already */
function bench({ spareBytes = 1e6, trimmed = null as string | null, ages = [0, 0, 0, 0] } = {}) {
  const world = testWorld();
  const nowMs = world.clock.nowMs();
  const files = ages.map((ageMs, index) => ({
    ...logFileName('log', EPOCH, index * 10 + 1), last: index * 10 + 10, lastAt: nowMs - ageMs, bytes: FILE_BYTES, damaged: false,
  }));
  const chain = new FileChain('log', 1000, files);
  const options = { dir: '', gateway: 'g', maxBytes: BYTES + spareBytes, keepMs: KEEP_MS };
  const retention = new Retention(options, chain, trimmed, world);
  /** How many of the oldest files go. */
  const planned = (...args: Parameters<Retention['plan']>) => {
    const { names, fits } = retention.plan(...args);
    assert.deepEqual(names, files.slice(0, names.length).map(({ name }) => name));
    return [names.length, fits];
  };
  const overruns = () => world.told.splice(0).map((event) => event.kind === 'fault' && [event.fault.code, event.fault.params]);
  return { world, chain, retention, planned, overruns };
}

test('what is needed fits while the log, the next file and it are no larger than the bound; the oldest make room, never the newest', () => {
  const { planned } = bench({ spareBytes: 50 });
  assert.deepEqual(
    [0, 50, 51, 150, 151, 350, 351].map((needed) => planned(needed)),
    [[0, true], [0, true], [1, true], [1, true], [2, true], [3, true], [3, false]],
  );
});

test('files of which the newest group is older than what is kept go a minute after the opening, when all have passed them', async () => {
  const old = KEEP_MS + 1;
  const { planned, retention, world } = bench({ ages: [old, old, KEEP_MS - GRACE_MS, 0] });
  assert.deepEqual(planned(0), [0, true]);
  await world.clock.advanceMs(GRACE_MS - 1);
  assert.deepEqual(planned(0), [0, true]);
  await world.clock.advanceMs(1);
  assert.deepEqual(planned(0), [2, true]);
  await world.clock.advanceMs(1);
  assert.deepEqual(planned(0), [3, true]);
  for (const required of [true, false]) {
    retention.hold('sink', { epoch: EPOCH, seq: 19 }, required);
    assert.deepEqual(planned(0), [1, true]);
    retention.hold('sink', end(2), required);
    assert.deepEqual(planned(0), [2, true]);
  }
  retention.hold('sink', LOG_START, false);
  assert.deepEqual(planned(0), [0, true]);
  retention.removeConsumer('sink');
  assert.deepEqual(planned(0), [3, true]);
});

test('a required consumer holds its files however full the log is, another is run over and told by how much', () => {
  const { planned, retention, overruns } = bench({ spareBytes: 0 });
  retention.hold('rules', { epoch: EPOCH, seq: 15 }, true);
  assert.deepEqual(planned(250), [1, false]);
  retention.hold('rules', end(3), true);
  retention.hold('influx', { epoch: EPOCH, seq: 4 }, false);
  retention.hold('late', end(2), false);
  assert.deepEqual(overruns(), []);
  assert.deepEqual(planned(200), [2, true]);
  assert.deepEqual(overruns(), [
    ['CV_LOG_OVERRUN', { consumer: 'influx', count: 6 }],
    ['CV_LOG_OVERRUN', { consumer: 'influx', count: 10 }],
  ]);
  assert.deepEqual([planned(200), overruns()], [[2, true], []], 'said once');
});

test('a full disk takes what it needs in any case, and as far as all have passed what makes it easy again', () => {
  const { planned, retention } = bench();
  const short = (spare: number, ease: number) => planned(0, { spare, ease })[0];
  assert.deepEqual([short(0, 0), short(1, 0), short(100, 0), short(101, 0), short(1000, 0)], [0, 1, 1, 2, 3]);
  assert.deepEqual([short(0, 1), short(0, 100), short(0, 101), short(101, 201)], [1, 1, 2, 3]);
  retention.hold('influx', { epoch: EPOCH, seq: 19 }, false);
  assert.deepEqual([short(0, 1000), short(150, 1000)], [1, 2], 'for ease none is run over');
  assert.deepEqual(planned(1e6 + 101, { spare: 0, ease: 0 }), [2, true], 'the bound of the log stays');
});

test('what went is remembered by its last number in each opening, and comes back from its text', () => {
  const { retention, planned } = bench({ spareBytes: 0 });
  assert.deepEqual(retention.trimmed, { epoch: 0, seq: 0, ends: [] });
  const plan = retention.plan(150);
  assert.deepEqual([plan.trimmed, retention.trimmed], [{ ...end(2), ends: [[EPOCH, 20]] }, { epoch: 0, seq: 0, ends: [] }]);
  retention.setTrimmed(plan.trimmed);
  assert.deepEqual(retention.trimmed, plan.trimmed);
  const again = bench({ trimmed: retention.format(), spareBytes: 0 }).retention;
  assert.deepEqual([again.trimmed, again.format(), planned(0)], [plan.trimmed, retention.format(), [0, true]]);
  const other: typeof plan.trimmed = { epoch: 3, seq: 7, ends: [[2, 4], [3, 7]] };
  assert.equal(again.format(other), JSON.stringify(other));
  assert.deepEqual(bench({ trimmed: JSON.stringify(other), spareBytes: 0 }).retention.plan(50).trimmed, {
    ...end(1), ends: [[2, 4], [3, 7], [EPOCH, 10]],
  });
  // A file that was left when its number was written down already.
  const beyond: typeof plan.trimmed = { epoch: EPOCH, seq: 15, ends: [[EPOCH, 15]] };
  assert.deepEqual(bench({ trimmed: JSON.stringify(beyond), spareBytes: 0 }).retention.plan(50).trimmed, beyond);
  const trimmedFrom = (seq: number) =>
    bench({ trimmed: JSON.stringify({ ...beyond, seq, ends: [] }), spareBytes: 0 }).retention.plan(50).trimmed;
  assert.deepEqual([trimmedFrom(10), trimmedFrom(9)], [{ ...end(1), ends: [] }, { ...end(1), ends: [[EPOCH, 10]] }]);
  assert.deepEqual(bench({ trimmed: '{"epoch":3,"seq":7}' }).retention.trimmed, { epoch: 3, seq: 7, ends: [] });
});

test('the ends of a thousand openings are remembered', () => {
  const ends = Array.from({ length: 1000 }, (_, index): [number, number] => [index - 2000, 1]);
  const { retention } = bench({ trimmed: JSON.stringify({ epoch: 0, seq: 0, ends }), spareBytes: 0 });
  assert.deepEqual(retention.plan(50).trimmed.ends, [...ends.slice(1), [EPOCH, 10]]);
});

test('a consumer missed what went behind its cursor, in each opening up to another', () => {
  const trimmed = { epoch: 9, seq: 5, ends: [[3, 10], [5, 20], [9, 5]] };
  const { retention } = bench({ trimmed: JSON.stringify(trimmed) });
  const missed = (...[epoch, seq, upToEpoch, upToSeq]: [number, number, number, number]) =>
    retention.countTrimmed({ epoch, seq }, { epoch: upToEpoch, seq: upToSeq });
  assert.deepEqual(
    [
      missed(0, 0, 9, 5), missed(3, 4, 9, 5), missed(4, 99, 9, 5), missed(5, 20, 9, 5),
      missed(5, 25, 9, 5), missed(0, 0, 5, 7), missed(0, 0, 7, 2),
    ],
    [35, 31, 25, 5, 5, 17, 32],
  );
});

test('a full log says who holds it: the required consumers that have not passed its oldest file', () => {
  const { retention } = bench({ spareBytes: 0 });
  const holder = () => {
    const { code, params } = retention.fullFault();
    assert.deepEqual([code, params.bytes, params.maxBytes], ['CV_LOG_FULL', FILES * FILE_BYTES, BYTES]);
    return params.holder;
  };
  assert.equal(holder(), 'the newest file');
  retention.hold('a', { epoch: EPOCH, seq: 9 }, true);
  retention.hold('b', end(1), true);
  retention.hold('c', LOG_START, false);
  assert.equal(holder(), 'a');
  retention.hold('d', LOG_START, true);
  assert.equal(holder(), 'a, d');
  const empty = new Retention({ dir: '', gateway: 'g', maxBytes: 1, keepMs: 1 }, new FileChain('log', 1), null, testWorld());
  empty.hold('a', LOG_START, true);
  assert.equal(empty.fullFault().params.holder, 'the newest file');
});
