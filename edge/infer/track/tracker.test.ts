import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box } from '../../../core/event.ts';
import { assignRows } from './assign.ts';
import { initialAxis, correctAxis, predictAxis } from './kalman.ts';
import { MAX_HIDDEN_MS, EMPTY_TRACKER, updateTracks, type Track, type TrackerState } from './tracker.ts';

const ASPECT = 16 / 9;
const box = (x: number, y: number, label = 'person', score = 0.8): Box => ({ class: label, score, x, y, width: 0.05, height: 0.2 });
const look = (state: TrackerState, ptsMs: number, boxes: readonly Box[]) =>
  updateTracks(state, {
    ptsMs,
    boxes: boxes.filter(({ score }) => score >= 0.4),
    lowScoreBoxes: boxes.filter(({ score }) => score < 0.4),
    aspect: ASPECT,
  });

/** Boxes by time, at a rate. @returns every state */
function play(fps: number, seconds: number, at: (second: number) => readonly Box[], from: TrackerState = EMPTY_TRACKER): TrackerState[] {
  const states = [from];
  for (let picture = 0; picture <= seconds * fps; picture += 1)
    states.push(look(states.at(-1) as TrackerState, (picture * 1000) / fps, at(picture / fps)));
  return states.slice(1);
}
const believed = (states: readonly TrackerState[]) => [
  ...new Map(states.flatMap(({ tracks }) => tracks.filter((track) => track.isConfirmed)).map((track) => [track.id, track])).values(),
];
const seenNow = ({ ptsMs, tracks }: TrackerState) => tracks.filter((track) => track.seenMs === ptsMs && track.isConfirmed);

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

test('what is predicted hangs on time, not on the number of steps', () => {
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b)), `${a}, ${b}`);
  fc.assert(
    fc.property(
      number(-2, 2),
      number(-2, 2),
      number(0.01, 2),
      number(0, 2),
      number(0, 1),
      number(0, 3),
      (place, measured, speedStd, seconds, share, agility) => {
        const axis = correctAxis(predictAxis(initialAxis(place, 0.05, speedStd), 0.3, agility), measured, 0.05);
        const [once, twice] = [
          predictAxis(axis, seconds, agility),
          predictAxis(predictAxis(axis, seconds * share, agility), seconds * (1 - share), agility),
        ];
        for (const key of ['position', 'speed', 'positionVar', 'jointVar', 'speedVar'] as const) near(once[key], twice[key]);
        assert.ok(once.positionVar >= 0 && once.positionVar * once.speedVar - once.jointVar ** 2 >= -1e-9);
      },
    ),
  );
});

test('no way of pairing is better', () => {
  const best = (weights: readonly (readonly number[])[], row = 0, taken: readonly number[] = []): number =>
    row === weights.length
      ? 0
      : Math.max(
          best(weights, row + 1, taken),
          ...(weights[row] as number[]).map((weight, column) =>
            taken.includes(column) ? 0 : weight + best(weights, row + 1, [...taken, column]),
          ),
        );
  const table = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 5 }))
    .chain(([rows, columns]) =>
      fc.array(fc.array(fc.oneof(fc.constant(0), number(0, 1)), { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    );
  fc.assert(
    fc.property(table, (weights) => {
      const pairs = assignRows(weights);
      const taken = pairs.filter((column) => column >= 0);
      assert.equal(new Set(taken).size, taken.length);
      const sum = pairs.reduce((total, column, row) => total + (column < 0 ? 0 : ((weights[row] as number[])[column] as number)), 0);
      assert.ok(Math.abs(sum - best(weights)) < 1e-9, `${sum}, ${best(weights)} can be had`);
    }),
  );
});

for (const fps of [2, 5, 12.5]) {
  test(`at ${fps} pictures a second two people who pass each other keep their numbers`, () => {
    const states = play(fps, 8, (second) => [box(0.05 + 0.1 * second, 0.3), box(0.85 - 0.1 * second, 0.42)]);
    assert.equal(believed(states).length, 2);
    const [first, last] = [seenNow(states[Math.ceil(fps)] as TrackerState), seenNow(states.at(-1) as TrackerState)];
    assert.ok(
      first.every(({ id, box: { x } }) => last.some((track) => track.id === id && Math.abs(track.box.x - (x < 0.5 ? 0.85 : 0.05)) < 0.05)),
    );
  });

  test(`at ${fps}, one who walks behind a post for two seconds is the same; one who is gone for longer than remembered is not`, () => {
    const behind = play(fps, 6, (second) => (second > 2 && second < 4 ? [] : [box(0.1 + 0.08 * second, 0.4)]));
    assert.equal(believed(behind).length, 1);
    const gone = play(fps, 8, (second) => (second > 2 && second < 2 + MAX_HIDDEN_MS / 1000 + 1.1 ? [] : [box(0.3, 0.4)]));
    assert.equal(believed(gone).length, 2);
  });

  test(`at ${fps}, one who turns around on the spot is the same; cars that follow one another keep their numbers`, () => {
    assert.equal(believed(play(fps, 8, (second) => [box(0.2 + 0.06 * (second < 4 ? second : 8 - second), 0.4)])).length, 1);
    // At 2 pictures a second each is nearly where the next one was.
    const convoy = play(fps, 3, (second) =>
      [0, 1, 2].map((car) => ({ ...box(0.1 + 0.13 * second + 0.12 * car, 0.5, 'car'), height: 0.06, width: 0.07 })),
    );
    assert.equal(believed(convoy).length, 3);
    const order = (state: TrackerState) =>
      seenNow(state)
        .toSorted((a, b) => a.box.x - b.box.x)
        .map(({ id }) => id);
    assert.deepEqual(order(convoy.at(-1) as TrackerState), order(convoy.find((state) => seenNow(state).length === 3) as TrackerState));
  });

  test(`at ${fps}, weak boxes go on with a track and never begin one`, () => {
    assert.equal(believed(play(fps, 6, (second) => [box(0.1 + 0.08 * second, 0.4, 'person', second < 1.1 ? 0.8 : 0.2)])).length, 1);
    assert.ok(
      seenNow(play(fps, 6, (second) => [box(0.1 + 0.08 * second, 0.4, 'person', second < 1.1 ? 0.8 : 0.2)]).at(-1) as TrackerState)
        .length === 1,
    );
    assert.deepEqual(play(fps, 3, () => [box(0.4, 0.4, 'person', 0.3)]).at(-1)?.tracks, []);
  });

  test(`at ${fps}, what flashes up once is not believed, what stays is within half a second or one picture more`, () => {
    assert.deepEqual(believed(play(fps, 4, (second) => (second === 1 ? [box(0.4, 0.4)] : []))), []);
    const since =
      play(fps, 4, (second) => (second >= 1 ? [box(0.4, 0.4)] : [])).find((state) => seenNow(state).length > 0)?.ptsMs ?? Infinity;
    assert.ok(since - 1000 <= Math.max(500, 1000 / fps), `${since - 1000} ms`);
  });
}

test('a van that is called car and truck by turns, or both at once, is one', () => {
  const states = play(5, 5, (second) => [
    box(0.3 + 0.01 * second, 0.5, Math.round(second * 5) % 3 ? 'truck' : 'car', 0.7),
    ...(second > 2 ? [box(0.3 + 0.01 * second, 0.5, 'bus', 0.45)] : []),
  ]);
  assert.deepEqual(
    believed(states).map((track) => track.class),
    ['truck'],
  );
});

test('a person who gets onto a bicycle stays a person; the bicycle is a thing of its own', () => {
  assert.deepEqual(
    believed(play(5, 3, () => [box(0.3, 0.4), box(0.3, 0.45, 'bicycle')]))
      .map((track: Track) => track.class)
      .toSorted(),
    ['bicycle', 'person'],
  );
});

test('where pictures are rarer than what is remembered, somebody is remembered up to the next one; after a gap nobody is', () => {
  const every = (seconds: number) => play(1 / seconds, 8 * seconds, () => [box(0.5, 0.5)]);
  for (const seconds of [1, 4, 10, 60])
    assert.deepEqual(
      believed(every(seconds)).map(({ id }) => id),
      [seconds > 3 ? 2 : 1],
      `every ${seconds} s`,
    );
  const often = play(5, 10, () => [box(0.5, 0.5)]).at(-1) as TrackerState;
  assert.deepEqual(
    look(often, 40_000, [box(0.5, 0.5)]).tracks.map(({ id, isConfirmed }) => [id, isConfirmed]),
    [[2, false]],
  );
  const seldom = play(0.25, 40, () => [box(0.5, 0.5)]).at(-1) as TrackerState;
  assert.deepEqual(seenNow(look(look(seldom, 44_000, []), 48_000, [box(0.5, 0.5)])), [], 'not beyond one picture without it');
});

test('time that goes back begins anew, with new numbers', () => {
  const [before] = play(5, 3, () => [box(0.3, 0.4)]).slice(-1);
  const after = play(5, 3, () => [box(0.3, 0.4)], before);
  assert.deepEqual([believed([before as TrackerState]).map(({ id }) => id), believed(after).map(({ id }) => id)], [[1], [2]]);
});

test('whatever comes, a step changes nothing of what was, gives the same again, and uses no box twice', () => {
  const boxes = fc.array(
    fc.record(
      {
        class: fc.constantFrom('person', 'car', 'truck', 'bicycle'),
        score: number(0.05, 1),
        x: number(0, 0.8),
        y: number(0, 0.8),
        width: number(0.001, 0.2),
        height: number(0.001, 0.2),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(number(1, 2000), boxes), { maxLength: 12 }), (pictures) => {
      let state = EMPTY_TRACKER;
      let again = EMPTY_TRACKER;
      let ptsMs = 0;
      for (const [gapMs, seen] of pictures) {
        ptsMs += gapMs;
        const before = state;
        const copy = structuredClone(before);
        state = look(before, ptsMs, seen);
        again = look(again, ptsMs, seen);
        assert.deepEqual(before, copy);
        assert.deepEqual(state, again);
        assert.ok(state.tracks.filter((track) => track.seenMs === ptsMs).length <= seen.length);
        assert.equal(new Set(state.tracks.map(({ id }) => id)).size, state.tracks.length);
        for (const {
          box: { x, y, width, height },
        } of state.tracks)
          assert.ok([x, y, width, height].every(Number.isFinite) && width > 0 && height > 0);
      }
    }),
    { numRuns: 60 },
  );
});
