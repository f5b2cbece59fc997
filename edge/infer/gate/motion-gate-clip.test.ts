/** The gate on real footage: one person at a time comes and goes; in between there is nothing to look at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultError } from '../../../core/faults.ts';
import { sharedFolder, skipWithout } from '../../../core/testing/shared.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import { open } from '../../../drivers/camera/link.ts';
import { settings } from '../../../drivers/camera/settings.ts';
import type { GateSettings } from '../../../scene/picture-settings.ts';
import { MotionGate, type GateDecision } from './motion-gate.ts';

const CLIP = sharedFolder('footage', 'one-by-one-person-detection.mp4');
const CLIP_FPS = 10;
const FPS = 5;
const CLIP_PICTURES = 697;
/** First frames of the six visits, as counted by eye. */
const VISITS = [60, 235, 510, 755, 930, 1245];
/** Frames between them in which nobody, no shadow either, is to be seen, from a second after the last change on. */
const EMPTY = [[20, 55], [494, 502], [720, 750], [890, 925]] as const;

async function verdicts(): Promise<GateDecision[]> {
  const camera = settings.parse({ url: `file:${CLIP}`, fps: FPS, speed: 'max' });
  const gate = new MotionGate(camera.motion as GateSettings);
  const link = await open(camera, [], testWorld());
  // One that is as the one before does not come.
  const found: GateDecision[] = Array.from({ length: CLIP_PICTURES }, () => 'still');
  try {
    for await (const picture of link.frames(new AbortController().signal)) found[picture.index] = gate.decide(picture);
  } catch (error) {
    assert.equal((error as FaultError).fault?.code, 'CV_VIDEO_ENDED');
  } finally {
    await link.close();
  }
  return found;
}

test(
  'every visit is looked at from its first moments on; where nobody is, nobody looks',
  { skip: skipWithout(CLIP, 'one-by-one-person-detection.mp4') },
  async () => {
    const found = await verdicts();
    assert.equal(found.length, CLIP_PICTURES);
    const between = (from: number, to: number) => found.slice((from * FPS) / CLIP_FPS, (to * FPS) / CLIP_FPS);
    for (const visit of VISITS)
      assert.ok(
        between(visit, visit + 30).filter((verdict) => verdict === 'changed').length >= 10,
        `visit at frame ${visit}: ${between(visit, visit + 30).join()}`,
      );
    const empty = EMPTY.flatMap(([from, to]) => between(from, to));
    const gated = empty.filter((verdict) => verdict === 'still').length / empty.length;
    if (process.env.CITYVITALS_SHOW)
      console.log(
        `still: ${(gated * 100).toFixed(0)} % of empty stretches, ${((found.filter((verdict) => verdict === 'still').length / found.length) * 100).toFixed(0)} % of all`,
      );
    assert.ok(gated >= 0.9, `${gated}`);
  },
);
