/** Gap records whose rows are gone: what of them is said again, and where they stand among what is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LossReason } from '../core/losses.ts';
import { savedGapsAfter, mergeSavedGaps } from './saved-gaps.ts';
import {
  EMPTY_STREAM_STATE,
  formatStreamState,
  addWrittenGaps,
  recordLoss,
  shiftPendingLosses,
  unsettledRows,
  parseStreamState,
  extendEpoch,
  settleRanges,
  unsettledRanges,
  type StreamState,
} from './stream-state.ts';
import type { StoredGroup } from './types.ts';

const EPOCH = 7;
const range = (fromSeq: number, toSeq: number, reason: LossReason = 'log_full_oldest') =>
  ({ stream: 'state', epoch: EPOCH, fromSeq, toSeq, fromAt: 1, toAt: 2, reason }) as const;
const record = (seq: number) => ({ epoch: EPOCH, seq, lost: { ...range(1, 2), count: 2 }, at: 5, clock: 'edge' }) as const;
/** Ten numbers, the first two lost, the records under the numbers given. */
const stateWith = (...records: number[]): StreamState =>
  settleRanges(addWrittenGaps(extendEpoch(EMPTY_STREAM_STATE, EPOCH, 10), records.map(record)), EPOCH, [[1, 2]]);
const group = (seq: number, count = 1, bytes = 10): StoredGroup => ({ epoch: EPOCH, seq, count, payload: new Uint8Array(bytes) });

test('a record is no loss when its row has to give way, and stays to be sent', () => {
  const { state, count, ranges } = recordLoss(stateWith(4), range(3, 6));
  assert.deepEqual([count, ranges], [3, [[3, 3], [5, 6]]]);
  assert.deepEqual(state.pending.map(({ fromSeq, toSeq, count: lost }) => [fromSeq, toSeq, lost]), [[3, 3, 1], [5, 6, 2]]);
  assert.deepEqual(unsettledRanges(state), [{ epoch: EPOCH, from: 4, to: 4 }, { epoch: EPOCH, from: 7, to: 10 }]);
  assert.deepEqual(unsettledRows(state, EPOCH, 1, 6), [], 'no row is needed for it');
  assert.deepEqual(parseStreamState(formatStreamState(state)), state);
});

test('a record that is refused is said again, and so is one of very many', () => {
  const refused = recordLoss(stateWith(4), range(4, 4, 'refused'));
  assert.deepEqual(
    refused.state.pending.map(({ fromSeq, toSeq, count, reason }) => [fromSeq, toSeq, count, reason]),
    [
      [1, 2, 2, 'log_full_oldest'],
      [4, 4, 0, 'refused'],
    ],
  );
  assert.deepEqual(refused.state.written, []);
  const many = addWrittenGaps(stateWith(4), Array.from({ length: 200 }, (_, index) => record(100 + index)));
  assert.deepEqual(recordLoss(many, range(3, 6)).state.pending.map(({ fromSeq, toSeq, count }) => [fromSeq, toSeq, count]), [[1, 6, 5]]);
});

test('records stand in order among what is read, within its limits, none behind what is not read yet', () => {
  const standing = savedGapsAfter(stateWith(4, 6, 9), { epoch: EPOCH, seq: 4 });
  assert.deepEqual(standing.map(({ seq }) => seq), [6, 9]);
  assert.deepEqual(savedGapsAfter(stateWith(4, 6, 9), { epoch: EPOCH, seq: 5 }), standing);
  const seqs = (read: StoredGroup[], complete: boolean, maxGroups = 10, maxBytes = 1000) => {
    const found = mergeSavedGaps({ groups: read, complete }, standing, ({ seq }) => group(seq), { maxGroups, maxBytes });
    return [found.groups.map(({ seq }) => seq), found.complete];
  };
  assert.deepEqual(seqs([group(5), group(7)], true), [[5, 6, 7, 9], true]);
  assert.deepEqual(seqs([group(5), group(7)], false), [[5, 6, 7], false]);
  assert.deepEqual(seqs([group(5, 3)], true), [[5, 9], true], 'what a row holds is not given twice');
  assert.deepEqual(seqs([group(6)], true), [[6, 9], true]);
  assert.deepEqual(seqs([group(5), group(7)], true, 2), [[5, 6], false]);
  assert.deepEqual(seqs([group(5), group(7)], true, 10, 15), [[5], false]);
  assert.deepEqual(seqs([group(5), group(7)], true, 10, 5), [[5], false], 'one comes however large it is');
  assert.deepEqual(seqs([group(5), group(7)], true, 10, 20), [[5, 6], false]);
  assert.deepEqual(seqs([], true), [[6, 9], true]);
  assert.deepEqual(seqs([], false), [[], false]);
});

test('a loss that was noted before the clock was known gets its time, and none before the year 1970', () => {
  const lost = {
    stream: 'measurement' as const,
    epoch: EPOCH,
    fromSeq: 0,
    toSeq: 0,
    fromAt: 40,
    toAt: 900,
    count: 3,
    reason: 'log_full_newest' as const,
  };
  const [moved, other] = shiftPendingLosses({ ...EMPTY_STREAM_STATE, pending: [lost, { ...lost, epoch: EPOCH + 1 }] }, (epoch) =>
    epoch === EPOCH ? -100 : 5,
  ).pending;
  assert.deepEqual(
    [moved, other],
    [
      { ...lost, fromAt: 0, toAt: 800 },
      { ...lost, epoch: EPOCH + 1, fromAt: 45, toAt: 905 },
    ],
  );
});
