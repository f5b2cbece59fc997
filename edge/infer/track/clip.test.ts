/** The first two visits of a real clip with the shipped model; `npm run rig -- vision-clips` does all clips with all models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipWithout } from '../../../core/testing/shared.ts';
import { realWorld } from '../../../core/world.ts';
import { modelById } from '../../../models/index.ts';
import { verifyModel } from '../../../models/verify.ts';
import { scenarioClipPath, trackClip, judgeVisits, detectClip, visitWindows } from '../../../test-rigs/vision-clips/follow.ts';

const CLIP = 'one-by-one-person-detection.mp4';
const path = scenarioClipPath(CLIP);
const model = modelById('centernet-320');
const graphFault = model ? await verifyModel(model, realWorld(() => {}).files) : null;

test(
  'two people who come one after the other, at 2 pictures a second: two tracks, no change of number',
  { skip: graphFault ? graphFault.code : skipWithout(path, CLIP) },
  async () => {
    assert.ok(model && path);
    const visits = judgeVisits(trackClip(await detectClip(path, model, 2, 45_000)), visitWindows(CLIP, 10).slice(0, 2));
    assert.deepEqual(visits, { visits: 2, tracks: 2, found: 2, switches: 0 });
  },
);
