import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ResultLine } from './result-lines.ts';
import { comparableLines, resultDifferences } from './difference.ts';
import { formatJunit, formatTap } from './report.ts';

const line = (point: string, value: number, at = 0): ResultLine => ({
  device: 'd',
  point,
  value,
  unit: 'm',
  at,
  quality: 'good',
  flags: [],
});

test('a changed value, a missing line and a new one are told as such', () => {
  const found = resultDifferences([line('a', 1), line('b', 2), line('c', 3)], [line('a', 9), line('c', 3), line('d', 4)]).map(
    ({ en }) => en,
  );
  assert.deepEqual(found, [
    'd/a 1970-01-01T00:00:00.000Z: value was 1, is 9',
    'missing: d/b 1970-01-01T00:00:00.000Z 2 m good',
    'new: d/d 1970-01-01T00:00:00.000Z 4 m good',
  ]);
});

test('lists are different when and only when something is told', () => {
  const lines = fc.array(
    fc
      .tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
      .map(([point, value, at]) => line(point, value, at)),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const isSame = JSON.stringify(a) === JSON.stringify(b);
      assert.equal(resultDifferences(a, b).length === 0, isSame);
      assert.deepEqual(resultDifferences(a, a), []);
    }),
  );
});

test('of a fault the code, the place and the values count, not the words', () => {
  const fault = { fault: 'CV_FRAME_LENGTH', stage: 'decode', message: 'wrong frame length: 7 bytes, 9 expected', remedy: '', at: 5 };
  const reworded = { ...fault, message: '9 bytes wanted, frame has 7', remedy: 'look at the cable' };
  assert.deepEqual(resultDifferences([fault], [reworded]), []);
  assert.deepEqual(
    [{ message: 'wrong frame length: 8 bytes, 9 expected' }, { fault: 'CV_FRAME_CHECKSUM' }, { stage: 'open' }, { at: 6 }].map(
      (change) => resultDifferences([fault], [{ ...fault, ...change }]).length,
    ),
    [1, 2, 1, 1],
  );
});

test('TAP and JUnit carry any text', () => {
  const results = [
    { suite: 'x', name: 'a#b', problems: ['<"\u0001&>'] },
    { suite: 'x', name: 'c', problems: [] },
    { suite: 'x', name: 'd', problems: [], skipped: 'why' },
  ];
  assert.match(formatTap(results), /^TAP version 14\n1\.\.3\nnot ok 1 - x\/a\\#b\n/);
  assert.match(formatTap(results), /ok 3 - x\/d # SKIP why/);
  const xml = formatJunit(results);
  assert.match(xml, /tests="3" failures="1" errors="0" skipped="1"/);
  assert.ok(xml.includes('&lt;&quot;&amp;&gt;') && !xml.includes('\u0001'));
});

test('a case that says nothing of origin, window and position is compared without them; one that does is not', () => {
  const old = { device: 'd', point: 'p', value: 1, unit: '', at: 1, quality: 'good', flags: [] } as const;
  const now = { ...old, origin: 'backfill', window: { fromAt: 0, toAt: 1, count: 0 } } as const;
  assert.deepEqual(resultDifferences([old], comparableLines([old], [now])), []);
  assert.deepEqual(resultDifferences([now], comparableLines([now], [now])), []);
  assert.match(
    resultDifferences([now], comparableLines([now], [{ ...now, origin: 'replay' }]))[0]?.en ?? '',
    /origin was backfill, is replay/,
  );
  assert.match(resultDifferences([now], comparableLines([now], [old]))[0]?.en ?? '', /origin was backfill, is nothing/);
});
