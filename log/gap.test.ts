import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gapDraft, mergeLosses, type LossRecord } from './gap.ts';

const lost = (epoch: number, fromSeq: number, toSeq: number, more: Partial<LossRecord> = {}): LossRecord => ({
  stream: 'measurement',
  epoch,
  fromSeq,
  toSeq,
  count: toSeq - fromSeq + 1,
  fromAt: fromSeq * 10,
  toAt: toSeq * 10,
  reason: 'log_full_oldest',
  ...more,
});

test('a gap record says by the names of the wire what is not coming', () => {
  const gap = lost(7, 3, 5);
  assert.deepEqual(gapDraft('pump-07', '500112001', gap, 99), {
    device: 'pump-07',
    point: 'log',
    indicator: 'cv.gap',
    centre: '500112001',
    kind: 'gap',
    value: 3,
    unit: '1',
    occurredAt: 99,
    clock: 'edge',
    observedAt: 99,
    quality: 'good',
    origin: 'live',
    gap,
  });
  assert.equal(gapDraft('pump-07', '500112001', gap, 99, 'unsynced').clock, 'unsynced');
});

test('neighbours of one opening and reason are one loss, in the order of their numbers; others stay apart', () => {
  const other = { reason: 'log_full_newest' } as const;
  assert.deepEqual(mergeLosses([lost(8, 1, 1), lost(7, 6, 9), lost(7, 1, 5), lost(7, 11, 12), lost(7, 13, 13, other)]), [
    lost(7, 1, 9), lost(7, 11, 12), lost(7, 13, 13, other), lost(8, 1, 1),
  ]);
  assert.deepEqual(mergeLosses([lost(7, 4, 6), lost(7, 1, 3, { fromAt: 500, toAt: 600 })]), [lost(7, 1, 6, { fromAt: 40, toAt: 600 })]);
});

test('losses that never had numbers are one loss, and none of those that had', () => {
  const unnumbered = (count: number): LossRecord => ({ ...lost(7, 0, 0), count });
  assert.deepEqual(mergeLosses([unnumbered(2), lost(7, 1, 3), unnumbered(3)]), [{ ...unnumbered(5) }, lost(7, 1, 3)]);
});
