import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../core/event.ts';
import { decodeBatch, encodeBatch, withoutOrigin } from '../core/wire/batch.ts';
import type { ClockCorrection } from './boot-history.ts';
import { restampGroup, tryDecodeBatch } from './restamp.ts';

const HOP = { from: 'e1', stream: 'measurement', epoch: 7, seq: 1 } as const;
const SHIFT = 1_000_000;
const KNOWN: ClockCorrection = { shiftMs: SHIFT, earlierMs: 0, laterMs: 0, inEpoch: 9 };

const draftOf = (more: Partial<Draft>): Draft => ({
  device: 'd',
  point: 'p',
  indicator: 'X-1',
  centre: '500112001',
  kind: 'measurement',
  value: 1,
  unit: 'm',
  occurredAt: 5000,
  clock: 'unsynced',
  observedAt: 5100,
  quality: 'good',
  origin: 'live',
  ...more,
});

function read(drafts: Draft[], onKnown?: (draft: Draft) => Draft): Draft[] {
  const group = { epoch: 7, seq: 1, count: drafts.length, payload: encodeBatch(HOP, drafts) };
  const { payload } = restampGroup('measurement', group, { edge: 'e1', correctionOf: (epoch) => (epoch === 7 ? KNOWN : null), onKnown });
  return withoutOrigin(HOP, decodeBatch(payload).events);
}

test('every time of our own clock moves with the event: its window, its warning, how often a tag was read', () => {
  const tag = { kind: 'tag', epc: 'e280', count: 3, firstAt: 4000, lastAt: 4900 } as const;
  const picture = { kind: 'tag', epc: 'e281' } as const;
  const [one] = read([draftOf({ window: { fromAt: 0, toAt: 60_000, count: 4, min: 1, max: 2 }, evidence: [tag, picture] })]);
  assert.deepEqual(
    one,
    draftOf({
      occurredAt: 5000 + SHIFT,
      observedAt: 5100 + SHIFT,
      clock: 'edge',
      window: { fromAt: SHIFT, toAt: 60_000 + SHIFT, count: 4, min: 1, max: 2 },
      evidence: [{ ...tag, firstAt: 4000 + SHIFT, lastAt: 4900 + SHIFT }, picture],
    }),
  );
});

test('a device that has a clock keeps the times of its evidence', () => {
  const tag = { kind: 'tag', epc: 'e280', firstAt: 1_004_000, lastAt: 1_004_900 } as const;
  const [one] = read([draftOf({ deviceAt: 1_005_000, evidence: [tag] })]);
  assert.deepEqual([one?.occurredAt, one?.evidence], [5000 + SHIFT, [tag]]);
});

test('events beside it that went by a clock that was known stay as they are', () => {
  const synced = draftOf({ clock: 'device', window: { fromAt: 0, toAt: 60_000, count: 1 } });
  assert.deepEqual(read([synced, draftOf({})])[0], synced);
});

test('no time is moved before the year 1970', () => {
  const group = { epoch: 7, seq: 1, count: 1, payload: encodeBatch(HOP, [draftOf({ window: { fromAt: 100, toAt: 9000, count: 1 } })]) };
  const { payload } = restampGroup('measurement', group, { edge: 'e1', correctionOf: () => ({ ...KNOWN, shiftMs: -5050 }) });
  const [one] = decodeBatch(payload).events;
  assert.deepEqual([one?.occurredAt, one?.observedAt, one?.window?.fromAt, one?.window?.toAt], [0, 50, 0, 3950]);
});

test('where only bounds are known the clock stays unknown, and the value says so beside its other flags', () => {
  const onKnown = () => { throw new Error('it is not known'); };
  const bounded = (draft: Draft) => {
    const group = { epoch: 7, seq: 1, count: 1, payload: encodeBatch(HOP, [draft]) };
    const correctionOf = () => ({ ...KNOWN, earlierMs: 700, laterMs: 700 });
    const { payload } = restampGroup('measurement', group, { edge: 'e1', correctionOf, onKnown });
    return withoutOrigin(HOP, decodeBatch(payload).events)[0];
  };
  const moved = { occurredAt: 5000 + SHIFT, observedAt: 5100 + SHIFT };
  assert.deepEqual(bounded(draftOf({})), draftOf({ ...moved, flags: ['skewed'] }));
  assert.deepEqual(bounded(draftOf({ flags: ['stale'] })), draftOf({ ...moved, flags: ['stale', 'skewed'] }));
  assert.deepEqual(bounded(draftOf({ flags: ['skewed', 'stale'] })), draftOf({ ...moved, flags: ['skewed', 'stale'] }));
});

test('what a gap record covers moves with the opening that it is of, unless that had been put right before', () => {
  const gapOf = (epoch: number) => ({
    stream: 'measurement', epoch, fromSeq: 1, toSeq: 2, fromAt: 4000, toAt: 4500, count: 2, reason: 'log_damaged',
  }) as const;
  const other = SHIFT / 2;
  const shiftOf = (epoch: number, inEpoch: number | null) => {
    const group = { epoch: 7, seq: 1, count: 1, payload: encodeBatch(HOP, [draftOf({ gap: gapOf(epoch) })]) };
    const { payload } = restampGroup('measurement', group, {
      edge: 'e1',
      correctionOf: (of) => (of === 7 ? KNOWN : inEpoch === null ? null : { ...KNOWN, shiftMs: other, inEpoch }),
    });
    const [{ gap, occurredAt } = draftOf({})] = decodeBatch(payload).events;
    assert.equal(occurredAt, 5000 + SHIFT);
    assert.equal((gap?.toAt ?? 0) - (gap?.fromAt ?? 0), 500);
    return (gap?.fromAt ?? 0) - 4000;
  };
  // Its own opening, none, and an earlier one: put right before the record was written, in its opening, and later.
  assert.deepEqual(
    [shiftOf(7, null), shiftOf(0, null), shiftOf(0, 9), shiftOf(7, 9), shiftOf(3, null), shiftOf(3, 6), shiftOf(3, 7), shiftOf(3, 8)],
    [SHIFT, SHIFT, SHIFT, SHIFT, 0, 0, other, other],
  );
});

test('a clip moves with its pictures and the events that it is of; other evidence has no times', () => {
  const clip = {
    kind: 'clip', sha256: 'a'.repeat(64), mime: 'video/mp4', bytes: 1, durationMs: 2000, codec: 'h264', width: 2, height: 2,
    fromAt: 3000, toAt: 5000, short: false, blurred: false, of: [{ device: 'd', point: 'p', at: 4000 }],
  } as const;
  const score = { kind: 'boxes', boxes: [] } as const;
  const [one] = read([draftOf({ evidence: [clip, score] as never })]);
  assert.deepEqual(one?.evidence, [
    { ...clip, fromAt: 3000 + SHIFT, toAt: 5000 + SHIFT, of: [{ device: 'd', point: 'p', at: 4000 + SHIFT }] },
    score,
  ]);
});

test('what is no batch is none, and a mistake is no batch that cannot be read', () => {
  assert.equal(tryDecodeBatch(Buffer.from('{')), null);
  assert.throws(() => tryDecodeBatch(undefined as never), TypeError);
});
