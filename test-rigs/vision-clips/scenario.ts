/** What happens in the rendered clip, and what zones and lines have to say about it, to the second. */
import type { z } from 'zod';
import type { SCENE_FIELDS } from '../../scene/settings.ts';
import type { MovingActor, MovingClip } from './moving.ts';

type SceneInput = z.input<z.ZodObject<typeof SCENE_FIELDS>>;

const person = { class: 'person', width: 0.04, height: 0.16 } as const;
const car = { class: 'car', width: 0.1, height: 0.09 } as const;
/** From one place to another between two seconds; standing before and after. */
const glide = (from: number, to: number, start: number, end: number) => (second: number) =>
  from + (to - from) * Math.min(1, Math.max(0, (second - start) / (end - start)));

/** Over the line at x = 0.25 inwards at 2.5 s, back out at 9.5 s. */
const crosses = glide(0.1, 0.4, 0, 5);
const returns = glide(0.4, 0.1, 7, 12);
/** Along the lane at y = 0.9, at a tenth of the picture a second. */
const along = glide(0.5, 1.5, 1, 11);
const against = glide(1.4, 0.4, 2, 12);
/** Into the yard (x > 0.6) at 4 s, stands there from 6 s on. */
const enters = glide(0.4, 0.8, 2, 6);

const ACTORS: readonly MovingActor[] = [
  { ...person, foot: (second) => [second < 6 ? crosses(second) : returns(second), 0.7] },
  // Sways on the line, and walks by its end.
  { ...person, foot: (second) => [0.25 + 0.004 * Math.sin(second * 5), 0.45] },
  { ...person, foot: (second) => [glide(0.1, 0.5, 0, 6)(second), 0.2] },
  { ...person, foot: (second) => [enters(second), 0.5] },
  { ...car, foot: (second) => [along(second), 0.85] },
  { ...car, foot: (second) => (second < 2 ? null : [against(second), 0.97]) },
];

export const CLIP: MovingClip = { width: 480, height: 270, fps: 25, seconds: 14, actors: ACTORS };

export const SCENE: SceneInput = {
  zones: [
    {
      id: 'yard',
      polygon: [
        [0.6, 0.2],
        [1, 0.2],
        [1, 0.6],
        [0.6, 0.6],
      ],
      count: ['person'],
      intrusion: { after: '1s' },
      loitering: { after: '6s' },
    },
    {
      id: 'lane',
      polygon: [
        [0.4, 0.75],
        [1, 0.75],
        [1, 1],
        [0.4, 1],
      ],
      wrongWay: { from: [0.45, 0.9], to: [0.95, 0.9] },
    },
  ],
  lines: [{ id: 'stop-line', from: [0.25, 0.3], to: [0.25, 0.8], inside: [0.5, 0.5] }],
};

/** Seen in full from when it is 5 % inside the picture; then it goes its own height, 0.09, at 0.1 × 16/9 a second. */
const WRONG_AT = 6 + 0.09 / (0.1 * (16 / 9));

/** Point, second, value; states from their first 0 on. */
export const EXPECTED_EVENTS: readonly (readonly [point: string, second: number, value: number])[] = [
  ['stop-line.in', 2.5, 1], ['stop-line.out', 9.5, 1],
  ['yard.persons', 0, 0], ['yard.persons', 4, 1],
  ['yard.intrusion', 0, 0], ['yard.intrusion', 5, 1],
  ['yard.loitering', 0, 0], ['yard.loitering', 10, 1],
  ['lane.wrong-way', WRONG_AT, 1],
];
