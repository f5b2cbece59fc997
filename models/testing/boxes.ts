/** Two lists of boxes that should say the same. */
import assert from 'node:assert/strict';
import type { Box } from '../../core/event.ts';

const NUMBERS = ['score', 'x', 'y', 'width', 'height'] as const;

/** Each box has its like in the other list, every number within 1e-4; the order of boxes with equal scores is free. */
export function assertSameBoxes(got: readonly Box[], want: readonly Box[]): void {
  const left = [...want];
  for (const box of got) {
    const at = left.findIndex(
      (other) => other.class === box.class && NUMBERS.every((field) => Math.abs(box[field] - other[field]) <= 1e-4),
    );
    assert.ok(at >= 0, `${JSON.stringify(box)} has no like among ${JSON.stringify(left)}`);
    left.splice(at, 1);
  }
  assert.deepEqual(left, []);
}
