import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareCursors, formatCursor, LOG_START, parseCursor } from './types.ts';

test('a cursor is its epoch and number, in order of both, and the same after being written and read', () => {
  const cursors = [LOG_START, { epoch: 0, seq: 9 }, { epoch: 7, seq: 1 }, { epoch: 7, seq: 10 }, { epoch: 1_760_000_000_000, seq: 2 }];
  assert.deepEqual(cursors.toReversed().toSorted(compareCursors), cursors);
  assert.equal(compareCursors({ epoch: 7, seq: 1 }, { epoch: 7, seq: 1 }), 0);
  assert.deepEqual(cursors.map(formatCursor), ['0-0', '0-9', '7-1', '7-10', '1760000000000-2']);
  assert.deepEqual(cursors.map((cursor) => parseCursor(formatCursor(cursor))), cursors);
  for (const other of ['', '7', '7-', '-7', '7-1-2', '7-x', ' 7-1', `${'1'.repeat(17)}-1`, `1-${'1'.repeat(17)}`])
    assert.equal(parseCursor(other), null, other);
});
