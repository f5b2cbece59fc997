import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '../../core/event.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import { cameraPipeline } from './camera-pipeline.ts';

const MOTION = { contrast: 10, share: 0.1, adapt: 3000, settle: 1000, every: 60_000 };
const ZONE: SceneSettings['zones'][number] = {
  id: 'z',
  polygon: [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ],
  count: ['person'],
  intrusion: { of: ['person'], after: 1000, schedule: [] },
  density: false,
  present: [],
};
const [WIDTH, HEIGHT] = [160, 96];
const [BODY_WIDTH, BODY_HEIGHT] = [16, 48];

/**
 * A wall with somebody before it, picture by picture, through a camera's sight.
 * @param at left edge of the body in pixels at that second; null: nobody. @param finds whether the detector finds it
 * @returns what the zone said last after each picture, and in which pictures it was looked
 */
function watch(fps: number, seconds: number, at: (second: number) => number | null, finds: (second: number) => boolean = () => true) {
  const sight = cameraPipeline({ zones: [ZONE], motion: MOTION }, 0.5);
  const said: Record<string, number> = {};
  const pictures = Array.from({ length: seconds * fps }, (_, index) => {
    const second = index / fps;
    const left = at(second);
    const yuv = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(100);
    if (left !== null)
      for (let y = HEIGHT - BODY_HEIGHT; y < HEIGHT; y += 1) yuv.fill(180, y * WIDTH + left, y * WIDTH + left + BODY_WIDTH);
    const picture = { index, ptsMs: second * 1000, width: WIDTH, height: HEIGHT, yuv };
    const boxes: Box[] =
      left === null || !finds(second)
        ? []
        : [
            {
              class: 'person',
              score: 0.9,
              x: left / WIDTH,
              y: 1 - BODY_HEIGHT / HEIGHT,
              width: BODY_WIDTH / WIDTH,
              height: BODY_HEIGHT / HEIGHT,
            },
          ];
    const held = sight.heldDetections(picture);
    for (const { point, value } of sight.updateZones(held ?? sight.setDetections(boxes, 'model', index), picture, second * 1000))
      said[point] = value;
    return { second, isLook: held === null, people: said['z.persons'], intruders: said['z.intrusion'] };
  });
  return { pictures, from: (second: number) => pictures.filter((one) => one.second >= second) };
}

/** In from the left at 10 s, out to the right at 20 s. */
const walksThrough = (second: number) => (second < 10 || second >= 20 ? null : Math.round((second - 10) * 14));

for (const fps of [0.25, 0.5, 1, 2, 5]) {
  test(`who has walked out of the picture is not counted any more within 5 s, at ${fps} pictures a second`, () => {
    const { pictures, from } = watch(fps, 60, walksThrough);
    assert.deepEqual(
      [Math.max(...pictures.map(({ people }) => people ?? 0)), Math.max(...pictures.map(({ intruders }) => intruders ?? 0))],
      [1, 1],
    );
    assert.deepEqual(new Set(from(25).map(({ people, intruders }) => `${people} ${intruders}`)), new Set(['0 0']));
    assert.deepEqual(from(30).filter(({ isLook }) => isLook), [], 'when that is sure nobody looks any more');
  });
}

test('who stands still and is missed by a look that was merely due stays', () => {
  // Stays from 10 s on; a minute after it has settled one look is due.
  const isDue = (second: number) => second > 60;
  const { from } = watch(1, 100, (second) => (second < 5 ? null : Math.min(70, Math.round((second - 5) * 14))), (second) => !isDue(second));
  assert.equal(from(60).filter(({ isLook }) => isLook).length, 1);
  assert.deepEqual(new Set(from(60).map(({ people, intruders }) => `${people} ${intruders}`)), new Set(['1 1']));
});
