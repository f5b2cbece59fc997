import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '../../core/event.ts';
import { realFiles } from '../../core/world.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import centernet320 from '../../models/centernet-320/model.ts';
import { verifyModel } from '../../models/verify.ts';
import { measurePrecision } from './main.ts';
import { scorePictures, within95, type LabelledBox } from './score.ts';

const box = (x: number, width = 0.1, surely = 0.9): Box => ({ class: 'person', score: surely, x, y: 0, width, height: 0.5 });
const skip = (await verifyModel(centernet320, realFiles))
  ? 'the graph is not made yet (node models/convert/main.ts)'
  : skipWithout(sharedFolder('footage', 'vtest.avi'), 'vtest.avi');

test('each label is found once; a second box on it, and one on nothing, are false; what is cut counts neither way', () => {
  const labels: LabelledBox[] = [[0, 0, 0.1, 0.5], [0.5, 0, 0.1, 0.5]];
  assert.deepEqual(scorePictures([box(0.01), box(0, 0.1, 0.5), box(0.8)], labels), { labelled: 2, found: 3, right: 1 });
  assert.deepEqual(scorePictures([box(0.95)], labels, [[0.96, 0, 0.04, 0.5]]), { labelled: 2, found: 0, right: 0 });
  assert.deepEqual(scorePictures([box(0.08)], labels), { labelled: 2, found: 1, right: 0 }, 'too little is shared');
  assert.deepEqual(within95(49, 52).map((share) => Math.round(share * 100)), [84, 98]);
  assert.deepEqual(within95(0, 0), [0, 1]);
});

test('what the shipped detector is said to be is what it is on these pictures', { skip }, async () => {
  const { pictures, skipped, persons, vehicles } = await measurePrecision('centernet-320');
  if (skipped.length > 0) return assert.ok(pictures > 0);
  const said = centernet320.tested?.map(({ result }) => result).join();
  const share = (part: number, whole: number) => `${Math.round((part / whole) * 100)} % (${part} of ${whole}`;
  for (const { labelled, found, right } of [persons, vehicles]) {
    assert.ok(said?.includes(`precision ${share(right, found)}`), `precision ${share(right, found)}`);
    assert.ok(said?.includes(`recall ${share(right, labelled)}`), `recall ${share(right, labelled)}`);
  }
});
