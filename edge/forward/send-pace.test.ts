import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { paceAfterAck, paceAfterLoss, paceAfterTimeout, INITIAL_PACE, type SendPace } from './send-pace.ts';

const pace = (more: Partial<SendPace> = {}): SendPace => ({ ...INITIAL_PACE, roundTrip: { meanMs: 800, deviationMs: 400 }, ...more });

test('it begins with two batches, uncut, and five seconds for an answer', () => {
  assert.deepEqual(INITIAL_PACE, { timeoutMs: 5000, maxBatches: 2, maxBatchBytes: Infinity, timeouts: 0, roundTrip: null });
});

test('the time for an answer is twice the smoothed round trip and four deviations, from 2 s to 30 s', () => {
  assert.deepEqual(paceAfterAck(INITIAL_PACE, 900, 100), {
    timeoutMs: 2 * 900 + 4 * 337.5,
    maxBatches: 3,
    maxBatchBytes: Infinity,
    timeouts: 0,
    roundTrip: { meanMs: 900, deviationMs: 337.5 },
  });
  assert.deepEqual(paceAfterAck(pace({ timeouts: 2 }), 1600, 100), {
    timeoutMs: 2 * 900 + 4 * 500,
    maxBatches: 2,
    maxBatchBytes: Infinity,
    timeouts: 0,
    roundTrip: { meanMs: 900, deviationMs: 500 },
  });
  assert.equal(paceAfterAck(INITIAL_PACE, 100, 100).timeoutMs, 2000);
  assert.equal(paceAfterAck(INITIAL_PACE, 60_000, 100).timeoutMs, 30_000);
});

test('an answer to what was sent twice says only that there is an answer', () => {
  assert.deepEqual(
    paceAfterAck(pace({ timeouts: 2, timeoutMs: 9000, maxBatches: 5 }), 10, 100, true),
    pace({ timeouts: 0, timeoutMs: 9000, maxBatches: 5 }),
  );
});

test('quick answers let more and larger batches go, slow ones fewer, and smaller only when one is left', () => {
  const sized = (tookMs: number, more: Partial<SendPace>, bytes = 100_000) => {
    const { maxBatches, maxBatchBytes } = paceAfterAck(pace(more), tookMs, bytes);
    return [maxBatches, maxBatchBytes];
  };
  assert.deepEqual(
    [
      sized(999, { maxBatches: 9, maxBatchBytes: 3000 }),
      sized(1000, { maxBatches: 9, maxBatchBytes: 3000 }),
      sized(2000, { maxBatches: 9, maxBatchBytes: 3000 }),
      sized(2001, { maxBatches: 9, maxBatchBytes: 3000 }),
    ],
    [
      [10, 6000],
      [9, 3000],
      [9, 3000],
      [8, 3000],
    ],
  );
  assert.deepEqual([sized(1, { maxBatches: 63 })[0], sized(1, { maxBatches: 64 })[0]], [64, 64]);
  assert.deepEqual([sized(1, { maxBatchBytes: 1 << 19 })[1], sized(1, { maxBatchBytes: (1 << 19) + 1 })[1]], [1 << 20, Infinity]);
  assert.deepEqual(
    [
      sized(5000, { maxBatches: 2 }),
      sized(5000, { maxBatches: 1 }),
      sized(5000, { maxBatches: 1, maxBatchBytes: 9001 }),
      sized(5000, { maxBatches: 1 }, 2000),
    ],
    [
      [1, Infinity],
      [1, 50_000],
      [1, 4500],
      [1, 1024],
    ],
  );
});

test('each time-out halves how many may go and doubles the wait; each third makes them smaller', () => {
  let now = pace({ maxBatches: 9, timeoutMs: 4000 });
  const seen: unknown[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    now = paceAfterTimeout(now, 60_000);
    seen.push([now.maxBatches, now.timeoutMs, now.maxBatchBytes, now.timeouts]);
  }
  assert.deepEqual(seen, [
    [4, 8000, Infinity, 1],
    [2, 16_000, Infinity, 2],
    [1, 30_000, 30_000, 3],
    [1, 30_000, 30_000, 4],
    [1, 30_000, 30_000, 5],
    [1, 30_000, 15_000, 6],
  ]);
  assert.deepEqual(now.roundTrip, { meanMs: 800, deviationMs: 400 });
});

test('one that was lost among others halves how many may go, and nothing else', () => {
  assert.deepEqual(
    [paceAfterLoss(pace({ maxBatches: 9 })), paceAfterLoss(pace({ maxBatches: 1 }))],
    [pace({ maxBatches: 4 }), pace({ maxBatches: 1 })],
  );
});

test('of two links the quicker never gets less, shorter or fewer', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          tookMs: fc.integer({ min: 0, max: 20_000 }),
          bytes: fc.integer({ min: 1, max: 1 << 20 }),
          savedMs: fc.integer({ min: 0, max: 20_000 }),
        }),
        { maxLength: 60 },
      ),
      (acks) => {
        let [quick, slow] = [INITIAL_PACE, INITIAL_PACE];
        for (const { tookMs, bytes, savedMs } of acks) {
          quick = paceAfterAck(quick, Math.max(0, tookMs - savedMs), bytes);
          slow = paceAfterAck(slow, tookMs, bytes);
          assert.ok(quick.maxBatches >= slow.maxBatches);
          assert.ok((quick.roundTrip?.meanMs ?? 0) <= (slow.roundTrip?.meanMs ?? 0));
        }
      },
    ),
  );
});
