/** What of a stream is settled, lost, and still to be sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LossReason } from '../core/losses.ts';
import {
  addPendingLosses,
  addWrittenGaps,
  countUnsettled,
  EMPTY_STREAM_STATE,
  epochState,
  extendEpoch,
  formatStreamState,
  parseStreamState,
  pruneDrainedEpochs,
  recordLoss,
  settleRanges,
  takePendingLosses,
  unsettledRanges,
  unsettledRows,
  type StreamState,
} from './stream-state.ts';

const lost = (epoch: number, fromSeq: number, toSeq: number, reason: LossReason = 'log_full_oldest') =>
  ({ stream: 'state', epoch, fromSeq, toSeq, fromAt: fromSeq * 10, toAt: toSeq * 10, reason }) as const;
const record = (epoch: number, seq: number) => ({ epoch, seq, lost: { ...lost(epoch, 1, 1), count: 1 }, at: 5, clock: 'edge' }) as const;
/** Epochs by their last number. */
const stateOf = (...epochs: [epoch: number, last: number][]): StreamState =>
  epochs.reduce((state, [epoch, last]) => extendEpoch(state, epoch, last), EMPTY_STREAM_STATE);

test('an epoch grows and never shrinks, and stands in its order', () => {
  const state = stateOf([8, 3], [7, 5]);
  assert.deepEqual([...state.epochs], [[7, { last: 5, settled: [] }], [8, { last: 3, settled: [] }]]);
  for (const last of [3, 2]) assert.equal(extendEpoch(state, 8, last), state);
  assert.equal(epochState(extendEpoch(state, 8, 4), 8).last, 4);
  assert.deepEqual([...extendEpoch(state, 9, 0).epochs.keys()], [7, 8, 9], 'also one without numbers');
  assert.deepEqual(epochState(state, 1), { last: 0, settled: [] });
  const settled = settleRanges(state, 7, [[2, 3]]);
  assert.deepEqual(epochState(extendEpoch(settled, 7, 9), 7), { last: 9, settled: [[2, 3]] });
});

test('what is settled is owed no more, and a record that is settled is no longer kept', () => {
  const state = addWrittenGaps(stateOf([7, 10], [8, 4]), [record(7, 3), record(7, 4), record(8, 3)]);
  const settled = settleRanges(settleRanges(state, 7, [[1, 3]]), 7, [[6, 9]]);
  assert.deepEqual(unsettledRanges(settled), [
    { epoch: 7, from: 4, to: 5 },
    { epoch: 7, from: 10, to: 10 },
    { epoch: 8, from: 1, to: 4 },
  ]);
  assert.equal(countUnsettled(settled), 7);
  assert.deepEqual(settled.written.map(({ epoch, seq }) => [epoch, seq]), [[7, 4], [8, 3]]);
  assert.deepEqual([countUnsettled(EMPTY_STREAM_STATE), unsettledRanges(EMPTY_STREAM_STATE)], [0, []]);
  assert.deepEqual([...settleRanges(EMPTY_STREAM_STATE, 7, [[1, 2]]).epochs], [[7, { last: 0, settled: [[1, 2]] }]]);
});

test('rows are owed where they are neither settled nor a record, which is kept beside them', () => {
  const state = addWrittenGaps(settleRanges(stateOf([7, 10]), 7, [[1, 2]]), [record(7, 5), record(8, 6)]);
  assert.deepEqual(unsettledRows(state, 7, 1, 10), [[3, 4], [6, 10]]);
  assert.deepEqual([unsettledRows(state, 7, 1, 2), unsettledRows(state, 7, 5, 5)], [[], []]);
  assert.deepEqual(unsettledRows(state, 9, 3, 4), [[3, 4]]);
});

test('what goes is a loss of its own reason as far as it was owed, and settled', () => {
  const { state, count, ranges } = recordLoss(settleRanges(stateOf([7, 10]), 7, [[3, 4]]), lost(7, 2, 6));
  assert.deepEqual([count, ranges], [3, [[2, 2], [5, 6]]]);
  assert.deepEqual(state.pending, [
    { ...lost(7, 2, 6), toSeq: 2, count: 1 },
    { ...lost(7, 2, 6), fromSeq: 5, count: 2 },
  ]);
  assert.deepEqual(epochState(state, 7).settled, [[2, 6]]);
  const again = recordLoss(state, lost(7, 2, 6));
  assert.deepEqual([again.count, again.ranges, again.state.pending], [0, [], state.pending]);
});

test('up to two hundred records stay to be sent; beyond that they are losses like the rest, and say what they said', () => {
  const records = (count: number) => Array.from({ length: count }, (_, index) => record(7, 100 + index));
  const countWith = (count: number) => {
    const { state, count: events } = recordLoss(addWrittenGaps(stateOf([7, 400]), records(count)), lost(7, 99, 100));
    return [events, state.written.length, state.pending.map(({ fromSeq, toSeq, count: of }) => [fromSeq, toSeq, of])];
  };
  assert.deepEqual(countWith(200), [1, 200, [[99, 99, 1]]]);
  assert.deepEqual(countWith(201), [1, 200, [[1, 1, 1], [99, 100, 1]]]);
});

test('a record that is refused is one loss and no event', () => {
  const before = addWrittenGaps(stateOf([7, 10]), [record(7, 5), record(7, 6), record(8, 5)]);
  const { state, count } = recordLoss(before, lost(7, 5, 5, 'refused'));
  assert.deepEqual([count, state.written.map(({ epoch, seq }) => [epoch, seq])], [0, [[7, 6], [8, 5]]]);
  assert.deepEqual(state.pending.map(({ fromSeq, count: of, reason }) => [fromSeq, of, reason]), [
    [1, 1, 'log_full_oldest'],
    [5, 0, 'refused'],
  ]);
  // Each loss counts the records within it, and not those of the others.
  const apart = settleRanges(addWrittenGaps(stateOf([7, 10]), [record(7, 5), record(7, 8)]), 7, [[6, 6]]);
  const { pending } = recordLoss(apart, lost(7, 5, 8, 'refused')).state;
  assert.deepEqual(
    pending.filter(({ reason }) => reason === 'refused').map(({ fromSeq, count: of }) => [fromSeq, of]),
    [[5, 0], [7, 1]],
  );
});

test('losses are taken as many as fit, and come back if they could not be written', () => {
  const state = addPendingLosses(EMPTY_STREAM_STATE, [5, 1, 3].map((seq) => ({ ...lost(7, seq, seq), count: 1 })));
  assert.deepEqual(state.pending.map(({ fromSeq }) => fromSeq), [1, 3, 5]);
  const taken = takePendingLosses(state, 2);
  assert.deepEqual([taken.gaps.map(({ fromSeq }) => fromSeq), taken.state.pending.map(({ fromSeq }) => fromSeq)], [[1, 3], [5]]);
  assert.deepEqual(addPendingLosses(taken.state, taken.gaps), state);
  assert.equal(addWrittenGaps(state, []), state);
});

test('an epoch of which all is settled is forgotten, but for the present one', () => {
  const state = settleRanges(settleRanges(stateOf([7, 3], [8, 3], [9, 0], [10, 2]), 7, [[1, 3]]), 8, [[1, 2]]);
  assert.deepEqual([...pruneDrainedEpochs(state, 10).epochs.keys()], [8, 10]);
  assert.deepEqual([...pruneDrainedEpochs(state, 9).epochs.keys()], [8, 9, 10]);
  assert.deepEqual([...pruneDrainedEpochs(settleRanges(stateOf([7, 3]), 7, [[2, 3]]), 10).epochs.keys()], [7], 'its first number is owed');
  const kept = pruneDrainedEpochs(state, 10);
  assert.equal(pruneDrainedEpochs(kept, 10), kept);
});

test('a state comes back from its text, of which the first word is its version; older ones had no times of records', () => {
  const state = addPendingLosses(
    addWrittenGaps(settleRanges(stateOf([7, 10], [8, 2]), 7, [[1, 2], [5, 5]]), [{ ...record(7, 3), at: 77, clock: 'unsynced' }]),
    [{ ...lost(8, 1, 1), count: 1 }],
  );
  assert.deepEqual(parseStreamState(formatStreamState(state)), state);
  const text = JSON.parse(formatStreamState(state)) as { v: number; epochs: unknown; written: object[] };
  assert.deepEqual([text.v, text.epochs], [1, [[7, 10, [[1, 2], [5, 5]]], [8, 2, []]]]);
  const older = JSON.stringify({ ...text, written: text.written.map((gap) => ({ ...gap, at: undefined, clock: undefined })) });
  assert.deepEqual(parseStreamState(older).written, [{ ...record(7, 3), at: 10, clock: 'edge' }]);
  const unsorted = JSON.stringify({ epochs: [[7, 9, [[5, 6], [1, 2], [3, 3]]]], written: [], pending: [] });
  assert.deepEqual(epochState(parseStreamState(unsorted), 7).settled, [[1, 3], [5, 6]]);
});
