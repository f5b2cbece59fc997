import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SenderMarks } from './sender-marks.ts';

const DAY_MS = 86_400_000;
const settled = (epoch: number, from: number, to: number, sender = 'a') => ({ sender, stream: 'measurement' as const, epoch, from, to });

test('what is settled is remembered by sender, stream and epoch, and comes back from its text', () => {
  const marks = new SenderMarks();
  marks.settle(settled(7, 1, 3), 10);
  marks.settle(settled(7, 6, 6), 5);
  marks.settle(settled(7, 1, 1, 'b'), 1);
  marks.recordAccepted({ sender: 'a', stream: 'state', epoch: 7, seq: 4, span: 2, receivedAt: 9 });
  assert.deepEqual(
    [marks.mark('a', 'measurement', 7), marks.mark('b', 'measurement', 7), marks.mark('a', 'state', 7), marks.mark('a', 'measurement', 8)],
    [
      { upTo: 3, have: [[6, 6]] },
      { upTo: 1, have: [] },
      { upTo: 0, have: [[4, 5]] },
      { upTo: 0, have: [] },
    ],
  );
  assert.deepEqual(JSON.parse(marks.format()), {
    v: 1,
    marks: [
      [
        'a',
        'measurement',
        7,
        [
          [1, 3],
          [6, 6],
        ],
        10,
      ],
      ['b', 'measurement', 7, [[1, 1]], 1],
      ['a', 'state', 7, [[4, 5]], 9],
    ],
  });
  assert.equal(SenderMarks.parse(marks.format()).format(), marks.format());
  assert.deepEqual(JSON.parse(SenderMarks.parse(null).format()), { v: 1, marks: [] });
});

test('an epoch is forgotten 90 days after its last change, when it has no holes and a newer one has followed', () => {
  const left = (nowMs: number, ...ranges: [epoch: number, from: number, to: number, sender?: string][]) => {
    const marks = new SenderMarks();
    for (const range of ranges) marks.settle(settled(...range), 0);
    marks.pruneDrained(nowMs);
    return (JSON.parse(marks.format()) as { marks: [string, string, number][] }).marks.map(([sender, , epoch]) => `${sender} ${epoch}`);
  };
  assert.deepEqual(left(90 * DAY_MS, [7, 1, 5], [8, 1, 1]), ['a 7', 'a 8']);
  assert.deepEqual(left(90 * DAY_MS + 1, [7, 1, 5], [8, 1, 1]), ['a 8']);
  assert.deepEqual(left(91 * DAY_MS, [7, 1, 5]), ['a 7'], 'the newest stays');
  assert.deepEqual(left(91 * DAY_MS, [7, 1, 5], [7, 8, 9], [8, 1, 1]), ['a 7', 'a 8'], 'with a hole');
  assert.deepEqual(left(91 * DAY_MS, [7, 2, 5], [8, 1, 1]), ['a 7', 'a 8'], 'without its first number');
  assert.deepEqual(left(91 * DAY_MS, [7, 1, 5], [8, 1, 1, 'b']), ['a 7', 'b 8'], 'another sender is no follower');
});
