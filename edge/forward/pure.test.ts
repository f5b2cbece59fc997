/** The pure parts of forwarding, each against a simple truth. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../../core/event.ts';
import { decodeBatch, encodeBatch } from '../../core/wire/batch.ts';
import { readAckMessage } from './ack-messages.ts';
import { cutBatch } from './cut-batch.ts';
import { LiveBoundary } from './live-boundary.ts';
import { BACKLOG_SHARE, LaneScheduler } from './lane-scheduler.ts';
import { paceAfterAck, paceAfterTimeout, INITIAL_PACE, type SendPace } from './send-pace.ts';
import { RefusedRanges, MAX_SINGLE_REFUSALS } from './refused-ranges.ts';
import { attemptsAfterEnd, reconnectDelayMs, isContested, NO_ATTEMPTS, urlForAttempt } from './reconnect.ts';
import { firstFreeRange, type StreamSeqRange } from './seq-range.ts';
import { SendWindow } from './send-window.ts';

const runOf = (from: number, to: number, epoch = 1): StreamSeqRange => ({ stream: 'measurement', epoch, from, to });
const numbersOf = ({ from, to }: { from: number; to: number }) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const anyRun = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 12 })).map(([from, more]) => runOf(from, from + more));

test('the first free part begins with the smallest number that is not taken', () => {
  fc.assert(fc.property(anyRun, fc.array(anyRun, { maxLength: 6 }), (run, taken) => {
    const blocked = new Set(taken.flatMap(numbersOf));
    const free = numbersOf(run).filter((seq) => !blocked.has(seq));
    const found = firstFreeRange(run, taken);
    assert.equal(found?.from, free[0]);
    if (found) {
      assert.ok(numbersOf(found).every((seq) => free.includes(seq)));
      assert.ok(!free.includes(found.to + 1));
    }
    assert.deepEqual(firstFreeRange(run, taken.map((other) => ({ ...other, epoch: 2 }))), run);
  }));
});

test('while both lanes have work the backlog gets its share, and live never less than the rest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 300 }), (sizes) => {
      const share = new LaneScheduler();
      const sent = { up: 0, late: 0 };
      for (const bytes of sizes) {
        const lane = share.choose({ up: true, late: true });
        assert.ok(lane);
        share.sent(lane, bytes, true);
        sent[lane] += bytes;
      }
      const total = sent.up + sent.late;
      const largest = Math.max(...sizes);
      assert.ok(sent.late >= BACKLOG_SHARE * total - largest);
      assert.ok(sent.up >= (1 - BACKLOG_SHARE) * total - largest);
    }),
  );
});

test('live goes first, a lane alone goes at once and runs up no debt', () => {
  const share = new LaneScheduler();
  for (let times = 0; times < 100; times += 1) {
    assert.equal(share.choose({ up: true, late: false }), 'up');
    share.sent('up', 1000, false);
  }
  assert.equal(share.choose({ up: true, late: true }), 'up');
  assert.equal(share.choose({ up: false, late: true }), 'late');
  assert.equal(share.choose({ up: false, late: false }), null);
});

test('pace stays within its bounds whatever happens, and a batch can always shrink to let one event through', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ack' as const), ms: fc.double({ min: 0, max: 1e6, noNaN: true }) }),
    fc.record({ kind: fc.constant('timeout' as const), bytes: fc.integer({ min: 1, max: 1 << 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let pace: SendPace = INITIAL_PACE;
      for (const one of steps) {
        pace = one.kind === 'ack' ? paceAfterAck(pace, one.ms, 5000) : paceAfterTimeout(pace, one.bytes);
        assert.ok(pace.timeoutMs >= 2000 && pace.timeoutMs <= 30_000);
        assert.ok(pace.maxBatches >= 1 && pace.maxBatches <= 64);
        assert.ok(pace.maxBatchBytes >= 1024);
      }
    }),
  );
  let pace = INITIAL_PACE;
  for (let times = 0; times < 40; times += 1) pace = paceAfterTimeout(pace, 65_536);
  assert.equal(pace.maxBatchBytes, 1024);
  for (let times = 0; times < 20; times += 1) pace = paceAfterAck(pace, 10, 1000);
  assert.equal(pace.maxBatchBytes, Infinity);
});

function windowOf() {
  const window = new SendWindow();
  let seq = 0;
  const add = (lane: 'up' | 'late', bytes = 10, sentAtMs = 0) =>
    window.add({ run: runOf((seq += 1), seq), lane, payload: new Uint8Array(bytes).fill(seq), sentAtMs });
  const ack = (numbers: [number, number][], nowMs: number) => window.settle('measurement', 1, numbers, nowMs);
  return { window, add, ack, left: () => window.runs.map((run) => run.from) };
}

test('the window holds back the backlog before live, and opens as answers come', () => {
  const { window, add, ack } = windowOf();
  const fill = (lane: 'up' | 'late') => {
    while (window.hasRoom(lane)) add(lane);
  };
  fill('late');
  assert.equal(window.runs.length, 1);
  fill('up');
  assert.equal(window.runs.length, 2);
  for (let turn = 0; turn < 100; turn += 1) {
    ack([[1, 1e6]], 5);
    fill('late');
    assert.ok(window.hasRoom('up'));
    fill('up');
  }
  assert.equal(window.runs.length, 64);
  ack([[1, 1e6]], 5);
  add('late', 64 << 20);
  assert.ok(!window.hasRoom('late'));
});

test('the window gives back what was answered, refused, overtaken or not answered in time', () => {
  const { window, add, ack, left } = windowOf();
  for (let count = 0; count < 9; count += 1) add('up');
  window.settle('state', 1, [[1, 9]], 5);
  assert.equal(left().length, 9);
  ack(
    [
      [1, 2],
      [4, 4],
    ],
    5,
  );
  assert.deepEqual(left(), [3, 5, 6, 7, 8, 9]);
  const sha = createHash('sha256').update(new Uint8Array(10).fill(5)).digest('hex');
  assert.deepEqual(window.refused(sha)?.run, runOf(5, 5));
  assert.equal(window.refused(sha), null);
  ack([[6, 7]], 6);
  assert.deepEqual(left(), [8, 9], 'three that were sent after number 3 were answered before it');
  const { timeoutMs } = window.pace;
  window.expire(6 + timeoutMs - 1);
  assert.deepEqual(left(), [8, 9]);
  window.expire(6 + timeoutMs);
  assert.deepEqual(left(), []);
});

test('after time-outs a word from the gateway gives back what was sent long ago, and what is new keeps its time', () => {
  const { window, add, left } = windowOf();
  add('up', 10, 0);
  window.revive(60_000);
  assert.deepEqual(left(), [1], 'nothing was late, nothing is sent twice');
  for (let turn = 1; turn <= 4; turn += 1) {
    window.expire(turn * 100_000);
    add('up', 10, turn * 100_000);
  }
  assert.equal(window.pace.timeoutMs, 30_000);
  add('up', 10, 405_000);
  window.revive(406_000);
  assert.deepEqual(left(), [6]);
  assert.equal(window.pace.timeoutMs, 5000);
});

test('answers that come slowly make less go out at a time, and then smaller', () => {
  const { window, add, ack } = windowOf();
  for (let turn = 0; turn < 100; turn += 1) {
    add('late', 60_000, turn * 10_000);
    ack([[1, turn + 1]], turn * 10_000 + 6_000);
  }
  assert.equal(window.pace.maxBatches, 1);
  assert.equal(window.pace.maxBatchBytes, 1024);
});

test('refusals end: every wrong event is set aside after three, no other is, and everything else gets through', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { maxLength: 12 }), fc.integer({ min: 1, max: 64 }), (wrong, size) => {
      const refusals = new RefusedRanges();
      const open = new Set(numbersOf(runOf(1, 64)));
      const aside: number[] = [];
      const refused = new Map<number, number>();
      for (let turns = 0; open.size > 0; turns += 1) {
        assert.ok(turns < 2000, 'it ends');
        const from = Math.min(...open);
        let to = from;
        while (open.has(to + 1) && to - from + 1 < size) to += 1;
        const run = refusals.bound(runOf(from, to));
        assert.ok(run.to >= run.from && run.to <= to);
        const bad = numbersOf(run).filter((number) => wrong.includes(number));
        if (bad.length === 0) {
          numbersOf(run).forEach((number) => open.delete(number));
          continue;
        }
        if (run.from === run.to) refused.set(run.from, (refused.get(run.from) ?? 0) + 1);
        const verdict = refusals.refuse(run);
        if (verdict.kind !== 'set-aside') continue;
        assert.equal(refused.get(run.from), MAX_SINGLE_REFUSALS);
        aside.push(run.from);
        open.delete(run.from);
      }
      assert.deepEqual(
        aside.toSorted((a, b) => a - b),
        wrong.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('live is what was kept in this connection and lately; many holes are closed before live goes on', () => {
  const fresh = new LiveBoundary();
  assert.equal(fresh.liveFrom('measurement', 0, 1), Infinity);
  for (let second = 0; second <= 60; second += 1) fresh.groupKept('measurement', 1 + second * 10, second * 1000);
  assert.equal(fresh.liveFrom('measurement', 60_000, 1), 301);
  assert.equal(fresh.liveFrom('measurement', 60_000, 100), Infinity);
  assert.equal(fresh.liveFrom('state', 60_000, 1), Infinity);
  fresh.clear();
  assert.equal(fresh.liveFrom('measurement', 60_000, 1), Infinity);
});

const drafts = (count: number) =>
  Array.from({ length: count }, (_, at): Draft => ({
    device: 'd',
    point: `p${at % 7}`,
    indicator: 'A-1',
    centre: '500112001',
    kind: 'measurement',
    value: at * 1.37,
    unit: 'm',
    occurredAt: at,
    clock: 'edge',
    observedAt: at,
    quality: 'good',
    origin: 'live',
  }));

test('parts of a group put together are the group, each within its size unless it is one event', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 5000 }), (count, maxBytes) => {
      const payload = encodeBatch({ from: 'pump', stream: 'measurement', epoch: 3, seq: 11 }, drafts(count));
      const group = { epoch: 3, seq: 11, count, payload };
      const events = [];
      for (let from = 11; from < 11 + count;) {
        const cut = cutBatch('pump', 'measurement', group, { stream: 'measurement', epoch: 3, from, to: 10 + count }, maxBytes);
        assert.ok(cut && cut.run.from === from);
        assert.ok(cut.payload.length <= maxBytes || cut.run.to === cut.run.from);
        events.push(...decodeBatch(cut.payload).events);
        from = cut.run.to + 1;
      }
      assert.deepEqual(events, decodeBatch(payload).events);
    }),
  );
});

test('a group that fits goes as it lies in the log, and numbers outside the wanted ones never go', () => {
  const payload = encodeBatch({ from: 'pump', stream: 'measurement', epoch: 3, seq: 11 }, drafts(30));
  const group = { epoch: 3, seq: 11, count: 30, payload };
  assert.equal(cutBatch('pump', 'measurement', group, { stream: 'measurement', epoch: 3, from: 5, to: 99 }, Infinity)?.payload, payload);
  assert.deepEqual(cutBatch('pump', 'measurement', group, { stream: 'measurement', epoch: 3, from: 13, to: 15 }, Infinity)?.run, {
    stream: 'measurement',
    epoch: 3,
    from: 13,
    to: 15,
  });
  assert.equal(cutBatch('pump', 'measurement', group, { stream: 'measurement', epoch: 3, from: 41, to: 50 }, Infinity), null);
});

test('tries go round the list, wait longer, and a connection taken again and again is contested', () => {
  let tries = NO_ATTEMPTS;
  assert.equal(urlForAttempt(['a', 'b'], tries), 'a');
  tries = attemptsAfterEnd(tries, null);
  assert.equal(urlForAttempt(['a', 'b'], tries), 'b');
  for (let times = 0; times < 20; times += 1) {
    const next = attemptsAfterEnd(tries, null);
    assert.ok(reconnectDelayMs(next, 0) >= reconnectDelayMs(tries, 0) && reconnectDelayMs(next, 1) <= 30_000);
    tries = next;
  }
  tries = attemptsAfterEnd(tries, 60_000);
  assert.deepEqual(tries, NO_ATTEMPTS);
  for (let times = 0; times < 3; times += 1) tries = attemptsAfterEnd(tries, 100);
  assert.ok(isContested(tries) && !isContested(attemptsAfterEnd(tries, 60_000)));
  assert.equal(urlForAttempt(['a', 'b'], tries), 'a');
  // A gateway that could not be reached in between was gone: nobody took our place.
  for (const livedMs of [null, 100, null, 100, 100, null]) tries = attemptsAfterEnd(tries, livedMs);
  assert.ok(!isContested(tries));
  for (const livedMs of [100, 100]) tries = attemptsAfterEnd(tries, livedMs);
  assert.ok(!isContested(tries) && isContested(attemptsAfterEnd(tries, 100)));
});

test('any bytes on the ack topic are an answer or a reason, never a throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.json().map((text) => Buffer.from(text)),
        fc
          .record({
            v: fc.constant(1),
            stream: fc.constantFrom('state', 'x'),
            epoch: fc.integer(),
            upTo: fc.integer(),
            have: fc.anything(),
            refused: fc.anything(),
          })
          .map((body) => Buffer.from(JSON.stringify(body) ?? '')),
      ),
      (payload) => {
        const answer = readAckMessage(payload);
        if (typeof answer === 'object' && 'have' in answer) for (const [from, to] of answer.have) assert.ok(from <= to);
      },
    ),
  );
  assert.equal(
    typeof readAckMessage(Buffer.from('{"v":1,"stream":"state","epoch":1,"upTo":3,"have":[[5,6]],"refused":[],"gateway":"g","at":1}')),
    'object',
  );
  assert.equal(typeof readAckMessage(Buffer.from('{"v":1,"stream":"state","epoch":1,"upTo":3,"have":[[6,5]],"refused":[]}')), 'string');
});

test('a refusal on the ack topic is one, and names its batch; half of one is a reason', () => {
  const read = (more: object) => readAckMessage(Buffer.from(JSON.stringify({ v: 1, ...more })));
  assert.deepEqual(read({ error: 'CV_WIRE_SHAPE', sha256: 'ab', detail: 'x' }), {
    v: 1,
    error: 'CV_WIRE_SHAPE',
    sha256: 'ab',
    detail: 'x',
  });
  for (const half of [{ error: 'CV_WIRE_SHAPE' }, { error: 'CV_WIRE_SHAPE', sha256: 5 }, { error: 5, sha256: 'ab' }])
    assert.equal(read(half), 'refusal without error and sha256');
  assert.equal(read({ sha256: 'ab' }), 'neither ack, refusal, clock nor evidence');
  assert.equal(readAckMessage(Buffer.from('{"v":2,"error":"CV_WIRE_SHAPE","sha256":"ab"}')), 'version 2');
});
