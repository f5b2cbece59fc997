/** What of a log is settled, and marks that do not have what its rows have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SenderMarks } from './sender-marks.ts';
import { addWrittenGaps, EMPTY_STREAM_STATE, extendEpoch, formatStreamState, settleRanges } from './stream-state.ts';
import type { GroupOrigin, SettledRange } from './types.ts';
import type { LogFileContent } from './verify-file.ts';
import { edgeSettledNumbers, gatewaySettledNumbers } from './verify-settled.ts';

const file = (name: string, more: Partial<LogFileContent> = {}) => ({
  name,
  content: {
    groups: 0, present: [], origins: [], state: null, settled: [], trimmed: null, isSalvaged: false, damage: null, ...more,
  } satisfies LogFileContent,
});
const unreadable = (name: string) => ({ code: 'CV_VERIFY_LOG_STATE', params: { file: name } });

test('an edge: the newest state says what is settled; an older opening that it does not have is, a newer one is not', () => {
  const loss = { stream: 'state', epoch: 7, fromSeq: 1, toSeq: 1, fromAt: 1, toAt: 1, count: 1, reason: 'refused' } as const;
  const record = { epoch: 7, seq: 5, lost: loss, at: 1, clock: 'edge' } as const;
  const state = addWrittenGaps(settleRanges(extendEpoch(EMPTY_STREAM_STATE, 7, 9), 7, [[1, 3]]), [record]);
  const older = settleRanges(state, 7, [[4, 9]]);
  const files = [file('a', { state: formatStreamState(older) }), file('b', { state: formatStreamState(state) })];
  const { unsettled, faults } = edgeSettledNumbers(files);
  assert.deepEqual(faults, []);
  assert.deepEqual([unsettled(7, 1, 9), unsettled(6, 1, 9), unsettled(8, 2, 3)], [[[4, 4], [6, 9]], [], [[2, 3]]]);
  const first = edgeSettledNumbers([file('a', { state: formatStreamState(EMPTY_STREAM_STATE) })]);
  assert.deepEqual(first.unsettled(7, 1, 2), [[1, 2]]);
});

test('an edge without a state that can be read owes everything, and without a file nothing', () => {
  const none = edgeSettledNumbers([]);
  assert.deepEqual([none.faults, none.unsettled(7, 1, 9)], [[], []]);
  for (const state of [null, '{', 'null']) {
    const { unsettled, faults } = edgeSettledNumbers([file('a', { state: formatStreamState(EMPTY_STREAM_STATE) }), file('b', { state })]);
    assert.deepEqual([faults, unsettled(7, 1, 9)], [[unreadable('b')], [[1, 9]]]);
  }
});

const origin = (seq: number, span: number, epoch = 7): GroupOrigin => ({ sender: 'a', stream: 'state', epoch, seq, span, receivedAt: 1 });
const lost = (epoch: number, from: number, to: number): SettledRange => ({ sender: 'lost#', stream: 'diagnostic', epoch, from, to });
const marksOf = (...ranges: SettledRange[]) => {
  const marks = new SenderMarks();
  for (const range of ranges) marks.settle(range, 1);
  return marks.format();
};
const a = (from: number, to: number, epoch = 7): SettledRange => ({ sender: 'a', stream: 'state', epoch, from, to });

test('a gateway: losses that are recorded are settled, in the snapshot and in the rows behind it, and so is what was let go', () => {
  const { unsettled, faults } = gatewaySettledNumbers([
    file('a', { state: marksOf(lost(3, 50, 60)), trimmed: '{"epoch":3,"seq":4}' }),
    file('b', {
      state: marksOf(lost(3, 11, 12)), settled: [JSON.stringify([lost(3, 14, 14), lost(3, 16, 16)])], trimmed: '{"epoch":3,"seq":6}',
    }),
    file('c', { state: marksOf(lost(3, 11, 12)), settled: [JSON.stringify([lost(3, 18, 18)])] }),
  ]);
  assert.deepEqual(faults, []);
  assert.deepEqual([unsettled(3, 1, 19), unsettled(3, 8, 9)], [[[7, 10], [13, 17], [19, 19]], [[8, 9]]]);
  assert.deepEqual([unsettled(2, 1, 9), unsettled(4, 1, 9)], [[], [[1, 9]]]);
  const whole = gatewaySettledNumbers([]);
  assert.deepEqual([whole.unsettled(3, 1, 9), whole.faults], [[[1, 9]], []]);
  const garbled = gatewaySettledNumbers([
    file('a', { state: marksOf(), trimmed: '{"epoch":3,"seq":4}' }), file('b', { state: marksOf(), trimmed: '{' }),
  ]);
  assert.deepEqual(garbled.unsettled(3, 1, 9), [[5, 9]]);
});

test('a gateway whose newest snapshot cannot be read goes by the rows of all its files', () => {
  for (const state of [null, '{', '{}']) {
    const { unsettled, faults } = gatewaySettledNumbers([
      file('a', { state: marksOf(lost(3, 1, 1)), settled: [JSON.stringify([lost(3, 5, 5)])], origins: [origin(1, 9)] }),
      file('b', { state, origins: [{ ...origin(7, 2, 3), sender: 'lost#', stream: 'diagnostic' }] }),
    ]);
    assert.deepEqual([faults, unsettled(3, 1, 9)], [[unreadable('b')], [[1, 4], [6, 6], [9, 9]]]);
  }
});

test('a group that was taken in before the newest snapshot and is not in its marks would be taken in twice', () => {
  const files = (...ranges: SettledRange[]) => [
    file('a', { state: marksOf(), origins: [origin(1, 5), origin(6, 1)] }),
    file('b', { state: marksOf(), origins: [origin(7, 2)] }),
    file('c', { state: marksOf(...ranges), origins: [origin(9, 50)] }),
  ];
  const found = (...ranges: SettledRange[]) => gatewaySettledNumbers(files(...ranges)).faults;
  const fault = (name: string, fromSeq: number, toSeq: number) =>
    ({ code: 'CV_VERIFY_LOG_UNMARKED', params: { file: name, sender: 'a', stream: 'state', epoch: 7, fromSeq, toSeq } });
  assert.deepEqual(found(a(1, 8)), []);
  assert.deepEqual(found(a(1, 2), a(4, 4), a(7, 7)), [fault('a', 3, 3), fault('a', 6, 6), fault('b', 8, 8)]);
  assert.deepEqual(found(a(1, 4), a(6, 8)), [fault('a', 5, 5)], 'the last number of a group counts');
  assert.deepEqual(found(a(9, 9)), [fault('a', 1, 5), fault('a', 6, 6), fault('b', 7, 8)]);
  assert.deepEqual(found(a(1, 8, 6)), [], 'an opening that the marks do not have at all was forgotten');
});

test('a mistake is no state that cannot be read', (t) => {
  t.mock.method(SenderMarks, 'parse', () => { throw new RangeError('a mistake'); });
  assert.throws(() => gatewaySettledNumbers([file('a', { state: '{}' })]), RangeError);
});
