/** Every measure on boxes that are where they are said to be, at three rates: the same events, at the same time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { Box } from '../../../core/event.ts';
import { SCENE_FIELDS } from '../../../scene/settings.ts';
import { emptyScene, CameraScene, updateScene } from './scene.ts';
import { sceneGeometry } from './geometry.ts';
import type { MeasureValue } from './zone.ts';

const ASPECT = 16 / 9;
const RATES = [2, 5, 12.5];
const parse = (settings: z.input<z.ZodObject<typeof SCENE_FIELDS>>) => z.object(SCENE_FIELDS).parse(settings);
/** By its foot. */
const at = (x: number, y: number, label = 'person', score = 0.8): Box => ({
  class: label,
  score,
  x: x - 0.02,
  y: y - 0.15,
  width: 0.04,
  height: 0.15,
});
const HALF: [number, number][] = [
  [0.5, 0],
  [1, 0],
  [1, 1],
  [0.5, 1],
];

const split = (boxes: readonly Box[]) => ({
  boxes: boxes.filter(({ score }) => score >= 0.4),
  lowScoreBoxes: boxes.filter(({ score }) => score < 0.4),
});

interface Told {
  second: number;
  point: string;
  value: number;
}

/** What was said anew: states and occurrences as they are told, measurements when they change. */
function play(
  settings: Parameters<typeof parse>[0],
  fps: number,
  seconds: number,
  boxesAt: (second: number) => Box[],
  startsAt = 0,
): Told[] {
  const scene = new CameraScene(parse(settings));
  const told: Told[] = [];
  const last = new Map<string, number>();
  for (let picture = 0; picture <= Math.round(seconds * fps); picture += 1) {
    const second = picture / fps;
    for (const { point, value, kind, ptsMs = second * 1000 } of scene.update(
      { ptsMs: second * 1000, at: startsAt + second * 1000, ...split(boxesAt(second)) },
      ASPECT,
    )) {
      if (kind !== 'occurrence' && last.get(point) === value) continue;
      last.set(point, value);
      told.push({ second: ptsMs / 1000, point, value });
    }
  }
  return told;
}
/** Values in order, each within a picture (and what it takes to believe somebody, for those who are there from the start) of its time. */
function holds(told: readonly Told[], point: string, wanted: readonly [second: number, value: number][], fps: number): void {
  const said = told.filter((one) => one.point === point);
  assert.deepEqual(said.map(({ value }) => value), wanted.map(([, value]) => value), `${point} ${JSON.stringify(said)}`);
  said.forEach(({ second }, index) => {
    const want = wanted[index]?.[0] as number;
    assert.ok(second >= want - 1 / fps - 1e-9 && second <= want + 1 / fps + 0.15, `${point} ${second} s, ${want} s wanted`);
  });
}

for (const fps of RATES) {
  const rate = `at ${fps} pictures a second`;

  test(`${rate}: who walks in is counted, stays counted behind a post for a moment, and is gone when outside`, () => {
    const told = play({ zones: [{ id: 'z', polygon: HALF, count: ['person', 'vehicle'] }] }, fps, 10, (second) =>
      second > 3 && second < 3.8 ? [] : [at(0.3 + 0.1 * (second < 5 ? second : 10 - second), 0.6)],
    );
    holds(
      told,
      'z.persons',
      [
        [0, 0],
        [2, 1],
        [8, 0],
      ],
      fps,
    );
    holds(told, 'z.vehicles', [[0, 0]], fps);
  });

  test(`${rate}: a line is crossed in and out, once each; swaying on it is no crossing, nor is walking around its end`, () => {
    const lines = [
      { id: 'l', from: [0.5, 0.3] as [number, number], to: [0.5, 0.9] as [number, number], inside: [0.9, 0.5] as [number, number] },
    ];
    const told = play({ lines }, fps, 12, (second) => [
      at(0.3 + 0.033 * (second < 6 ? second : 12 - second), 0.6),
      at(0.3 + 0.05 * (second < 6 ? second : 12 - second), 0.25),
    ]);
    assert.deepEqual(told, [], 'one came up to the line, one passed beside it');
    const there = play({ lines }, fps, 12, (second) => [
      at(0.3 + 0.08 * (second < 6 ? second : 12 - second), 0.6),
      at(0.3 + 0.08 * (second < 6 ? second : 12 - second), 0.2),
    ]);
    holds(there, 'l.in', [[2.5, 1]], fps);
    holds(there, 'l.out', [[9.5, 1]], fps);
    assert.deepEqual(play({ lines }, fps, 12, (second) => [at(0.5 + 0.003 * Math.sin(second * 9), 0.6)]), []);
  });

  test(`${rate}: a crossing bears the time of the picture in which somebody was over the line, however slow and tall they are`, () => {
    const lines = [
      { id: 'l', from: [0.5, 0.1] as [number, number], to: [0.5, 0.9] as [number, number], inside: [0.9, 0.5] as [number, number] },
    ];
    const tall = (x: number, y: number): Box => ({ class: 'person', score: 0.8, x: x - 0.06, y: y - 0.6, width: 0.12, height: 0.6 });
    const slow = play({ lines }, fps, 40, (second) => [tall(0.3 + 0.01 * second, 0.7)]);
    const [first] = slow;
    assert.deepEqual([slow.length, first?.value], [1, 1]);
    assert.ok(Math.abs((first?.second ?? 0) - 20) <= 1 / fps + 1e-9, `${first?.second} s`);
    const both = play({ lines }, fps, 8, (second) => [at(0.3 + 0.05 * second, 0.3), tall(0.3 + 0.05 * second, 0.85)]);
    assert.equal(
      both.reduce((sum, { value }) => sum + value, 0),
      2,
    );
    assert.ok(
      both.every(
        ({ second }, index) => Math.abs(second - 4) <= 1 / fps + 0.002 && (index === 0 || second > (both[index - 1] as Told).second),
      ),
      JSON.stringify(both),
    );
  });

  test(`${rate}: who is out of sight before the time is over has not been there for so long`, () => {
    const zones = [
      { id: 'z', polygon: HALF, intrusion: { after: '3s' }, loitering: { after: '3s' }, stopped: { after: '3s', of: ['person' as const] } },
    ];
    const seconds = (until: number) =>
      play({ zones }, fps, 12, (second) => (second <= until ? [at(0.7, 0.6)] : []))
        .filter(({ value }) => value > 0)
        .map(({ point, second }) => [point, second]);
    assert.deepEqual(seconds(2), []);
    assert.deepEqual(seconds(4).map(([point]) => point).toSorted(), ['z.intrusion', 'z.loitering', 'z.stopped']);
  });

  test(`${rate}: intrusion while it is forbidden, and not before`, () => {
    const zones = [{ id: 'z', polygon: HALF, intrusion: { after: '1s', schedule: [{ from: '22:00', to: '06:00' }] } }];
    const walk = (second: number) => [at(0.3 + 0.1 * second, 0.6)];
    holds(play({ zones }, fps, 5, walk, Date.parse('2026-11-27T22:30+08:00')), 'z.intrusion', [[0, 0], [3, 1]], fps);
    holds(play({ zones }, fps, 5, walk, Date.parse('2026-11-27T20:00+08:00')), 'z.intrusion', [[0, 0]], fps);
    holds(play({ zones }, fps, 8, () => [at(0.7, 0.6)], Date.parse('2026-11-27T21:59:56+08:00')), 'z.intrusion', [[0, 0], [4, 1]], fps);
    holds(play({ zones, timeZone: 'Europe/Berlin' }, fps, 5, walk, Date.parse('2026-11-27T22:30+08:00')), 'z.intrusion', [[0, 0]], fps);
    holds(
      play({ zones, timeZone: 'Europe/Berlin' }, fps, 5, walk, Date.parse('2026-11-27T22:30+01:00')),
      'z.intrusion',
      [
        [0, 0],
        [3, 1],
      ],
      fps,
    );
  });

  test(`${rate}: loitering and dwell go by time, through pictures in which one is not seen`, () => {
    const told = play({ zones: [{ id: 'z', polygon: HALF, loitering: { after: '10s' }, dwell: {} }] }, fps, 16, (second) =>
      second > 6 && second < 8 ? [] : [at(second < 2 ? 0.3 : 0.7, 0.6), ...(second < 14 ? [at(0.8, 0.9)] : [])],
    );
    holds(
      told,
      'z.loitering',
      [
        [0, 0],
        [10, 1],
        [12, 2],
        [16, 2],
      ].slice(0, 3) as [number, number][],
      fps,
    );
    const longest = Math.max(...told.filter(({ point }) => point === 'z.dwell').map(({ value }) => value));
    assert.ok(Math.abs(longest - 14.9) <= 1 / fps + 0.1, `${longest} s`);
  });

  test(`${rate}: the wrong way is told once each, the right way and standing never`, () => {
    const zones = [
      {
        id: 'z',
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ] as [number, number][],
        wrongWay: { from: [0.9, 0.5] as [number, number], to: [0.1, 0.5] as [number, number] },
      },
    ];
    const told = play({ zones }, fps, 6, (second) => [
      at(0.1 + 0.1 * second, 0.3, 'car'),
      at(0.9 - 0.1 * second, 0.6, 'car'),
      at(0.5 + 0.002 * Math.sin(second * 7), 0.9, 'truck'),
    ]);
    // A height of 0.15 of the picture at 0.1 × 16/9 of it a second.
    holds(told, 'z.wrong-way', [[0.15 / (0.1 * ASPECT), 1]], fps);
  });

  test(`${rate}: a vehicle that stands is stopped after its time, and is not once it goes on; those who wait are a queue`, () => {
    const told = play({ zones: [{ id: 'z', polygon: HALF, stopped: { after: '5s' }, queue: {} }] }, fps, 14, (second) => [
      at(second < 2 ? 0.5 + 0.1 * second : second < 10 ? 0.7 : 0.7 + 0.1 * (second - 10), 0.5, 'car'),
      at(0.8, 0.9, 'car'),
    ]);
    const stopped = told.filter(({ point }) => point === 'z.stopped').map(({ value }) => value);
    assert.deepEqual(stopped, [0, 1, 2, 1]);
    const queue = told.filter(({ point }) => point === 'z.queue');
    assert.equal(Math.max(...queue.map(({ value }) => value)), 2);
    assert.equal(queue.at(-1)?.value, 1);
  });

  test(`${rate}: a bag is left behind once its owner has gone, and a thing that is taken away is missed; somebody before it is no reason`, () => {
    const zones = [{ id: 'z', polygon: HALF, abandoned: { after: '8s' }, removed: { of: ['fire hydrant'], known: '5s', after: '3s' } }];
    const told = play({ zones }, fps, 32, (second) => [
      ...(second < 25 ? [at(0.7, 0.8, 'suitcase', Math.round(second * 2) % 3 === 0 ? 0.2 : 0.6)] : []),
      at(second < 6 ? 0.72 : Math.min(0.95, 0.72 + 0.1 * (second - 6)), 0.8),
      ...(second < 12 || (second > 20 && second < 22) ? [at(0.55, 0.5, 'fire hydrant')] : []),
      ...(second >= 12 && second < 20 ? [at(0.555, 0.51, 'car')] : []),
    ]);
    const left = told.filter(({ point }) => point === 'z.abandoned');
    assert.deepEqual(left.map(({ value }) => value), [0, 1, 0]);
    assert.ok((left[1]?.second as number) >= 14 && (left[1]?.second as number) < 16.5, JSON.stringify(left));
    holds(told, 'z.removed', [[25, 1]], fps);
  });

  test(`${rate}: density, crowd grade and length of a queue over the ground; what a model of one's own sees`, () => {
    // 10 m across and 20 m deep, all of the picture.
    const homography = {
      picture: [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ] as [number, number][],
      ground: [
        [0, 20],
        [10, 20],
        [10, 0],
        [0, 0],
      ] as [number, number][],
    };
    const zones = [
      {
        id: 'z',
        polygon: HALF,
        density: true,
        crowd: [0.02, 0.03],
        queue: { of: ['person'] },
        present: [{ id: 'smoke', of: ['smoke'], indicator: 'YJ-FOR-002', after: '2s', off: '4s' }],
      },
    ];
    const told = play({ zones, homography }, fps, 16, (second) => [
      at(0.6, 0.5),
      at(0.9, 0.5),
      ...(second < 8 ? [at(0.6, 1)] : []),
      ...((second > 3 && second < 4) || (second > 6 && second < 9.1) ? [at(0.8, 0.4, 'smoke')] : []),
    ]);
    const values = (point: string) => told.filter((one) => one.point === point).map(({ value }) => value);
    assert.deepEqual([Math.max(...values('z.density')), values('z.density').at(-1)], [0.03, 0.02]);
    assert.equal(Math.max(...values('z.crowd')), 2);
    assert.equal(values('z.crowd').at(-1), 1);
    assert.ok(Math.abs(Math.max(...values('z.queue-length')) - Math.hypot(3, 10)) < 0.2, values('z.queue-length').join());
    holds(told, 'z.smoke', [[0, 0], [8, 1], [13, 0]], fps);
  });
}

test('a crossing made before somebody is believed is told once they are', () => {
  const lines = [{ id: 'l', from: [0.5, 0] as [number, number], to: [0.5, 1] as [number, number], inside: [0.9, 0.5] as [number, number] }];
  holds(play({ lines }, 12.5, 3, (second) => [at(0.46 + 0.3 * second, 0.6)]), 'l.in', [[0.24, 1]], 12.5);
});

test('while nothing moves and nobody looks: one look proves nobody, one look without them loses nobody, three do', () => {
  const scene = new CameraScene(
    parse({
      zones: [
        {
          id: 'z',
          polygon: HALF,
          count: ['person'],
          abandoned: { after: '2s' },
          removed: { of: ['bench'], known: '1s', after: '2s' },
          present: [{ id: 'waste', of: ['waste'], indicator: 'X', after: '1s', off: '2s' }],
        },
      ],
    }),
  );
  const last = new Map<string, number>();
  let picture = 0;
  /** A look that sees this, and then so many pictures in which nothing moves. */
  const look = (boxes: Box[], still: number) => {
    for (let held = 0; held <= still; held += 1, picture += 1) {
      for (const { point, value } of scene.update({ ptsMs: picture * 200, at: 0, boxes, lowScoreBoxes: [], isHeld: held > 0 }, ASPECT))
        last.set(point.slice(2), (point === 'z.removed' ? (last.get('removed') ?? 0) : 0) + value);
    }
    return ['persons', 'abandoned', 'waste', 'removed'].map((measure) => last.get(measure) ?? 0);
  };
  const all = [at(0.7, 0.6), at(0.9, 0.9, 'suitcase'), at(0.6, 0.9, 'waste'), at(0.9, 0.3, 'bench')];
  assert.deepEqual(look(all, 50), [0, 0, 0, 0]);
  look(all, 0);
  assert.deepEqual(look(all, 50), [1, 1, 1, 0]);
  assert.deepEqual(look([], 50), [1, 1, 1, 0]);
  look(all, 0);
  look([], 0);
  look([], 0);
  assert.deepEqual(look([], 50), [0, 0, 0, 1]);
});

test('looks are asked for until it is clear what is there and what has gone, three at most, and none for what somebody stands before', () => {
  const scene = new CameraScene(
    parse({
      zones: [
        {
          id: 'z',
          polygon: HALF,
          count: ['person'],
          abandoned: { of: ['suitcase'], after: '1m' },
          present: [{ id: 'waste', of: ['waste'], indicator: 'X' }],
        },
      ],
    }),
  );
  let second = 0;
  const asks = (looks: number, ...boxes: Box[]) => Array.from({ length: looks }, () => {
    scene.update({ ptsMs: (second += 1) * 1000, at: 0, boxes, lowScoreBoxes: [] }, ASPECT);
    return scene.isUnsettled;
  });
  const [bag, person] = [at(0.7, 0.5, 'suitcase'), at(0.7, 0.5)];
  assert.deepEqual(asks(4, at(0.7, 0.5, 'waste')), [true, true, false, false]);
  assert.deepEqual(asks(4), [true, true, false, false], 'it was there');
  assert.deepEqual(asks(3, at(0.6, 0.5)), [false, false, false]);
  assert.deepEqual(asks(4), [true, true, false, false], 'somebody was there');
  assert.deepEqual(asks(1, bag), [true]);
  assert.deepEqual(asks(3, person), [false, false, false]);
});

test('pictures of another stream: what was timed by the old one does not go on', () => {
  const scene = new CameraScene(parse({ zones: [{ id: 'z', polygon: HALF, loitering: { after: '5s' } }] }));
  const look = (second: number) =>
    scene.update({ ptsMs: second * 1000, at: 0, boxes: [at(0.7, 0.6)], lowScoreBoxes: [] }, ASPECT).map(({ value }) => value);
  const first = [0, 1, 2, 3, 4, 5].flatMap(look);
  const second = [0, 1, 2, 3, 4, 5].flatMap(look);
  assert.deepEqual([first, second], [[0, 1], [0, 1]]);
});

test('whatever comes, a step changes nothing of what was and gives the same again; counts are whole and within what is seen', () => {
  const settings = parse({
    zones: [
      {
        id: 'z',
        polygon: HALF,
        count: ['person', 'car'],
        stopped: { after: '1s' },
        abandoned: { of: ['car'], after: '1s' },
        queue: {},
        intrusion: {},
        wrongWay: { from: [0, 0], to: [1, 1] },
      },
    ],
    lines: [{ id: 'l', from: [0.5, 0], to: [0.5, 1], inside: [0.9, 0.5], of: ['person', 'car'] }],
  });
  const plan = sceneGeometry(settings, ASPECT);
  const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  const boxes = fc.array(
    fc.record<Box>(
      {
        class: fc.constantFrom('person', 'car'),
        score: number(0.05, 1),
        x: number(0, 0.9),
        y: number(0, 0.9),
        width: number(0.01, 0.3),
        height: number(0.01, 0.3),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(number(-500, 2000), boxes), { maxLength: 10 }), (pictures) => {
      let state = emptyScene(settings);
      let ptsMs = 0;
      for (const [gapMs, seen] of pictures) {
        ptsMs = Math.max(0, ptsMs + gapMs);
        const copy = structuredClone(state);
        const look = { ptsMs, at: ptsMs, ...split(seen) };
        const [once, again] = [updateScene(state, look, plan), updateScene(copy, look, plan)];
        assert.deepEqual(once, again);
        assert.deepEqual(state, copy);
        state = once.state;
        assert.ok(
          once.readings.every(
            ({ value, objects: on }: MeasureValue) =>
              Number.isInteger(value) && value >= 0 && on.length <= state.tracker.tracks.length + seen.length + 50,
          ),
        );
      }
    }),
    { numRuns: 60 },
  );
});
