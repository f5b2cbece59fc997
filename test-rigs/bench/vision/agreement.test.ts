import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '../../../core/event.ts';
import { agreementOf } from './agreement.ts';

const box = (x: number, score = 0.5, label = 'person'): Box => ({ class: label, score, x, y: 0, width: 0.5, height: 1 });

test('both sides count; class, place and picture must be the same, the score of a partner need not', () => {
  assert.deepEqual(agreementOf([[box(0)]], [[box(0.001)]]), { share: 1, boxes: 2 });
  assert.deepEqual(agreementOf([[box(0)]], [[box(0, 0.26)]]), { share: 1, boxes: 1 });
  assert.deepEqual(agreementOf([[box(0)]], [[box(0.01)]]), { share: 0, boxes: 2 });
  assert.deepEqual(agreementOf([[box(0)], []], [[], [box(0)]]), { share: 0, boxes: 2 });
  assert.deepEqual(agreementOf([[box(0), box(0, 0.5, 'car')]], [[box(0)]]), { share: 2 / 3, boxes: 3 });
});
