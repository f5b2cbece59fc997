import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../core/event.ts';
import { decodeBatch, encodeBatch, withoutOrigin } from '../core/wire/batch.ts';
import type { ClockCorrection } from './boot-history.ts';
import { restampGroup } from './restamp.ts';

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
