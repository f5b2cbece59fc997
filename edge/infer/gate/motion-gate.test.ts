import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../core/world.ts';
import { MotionGate, type GateDecision } from './motion-gate.ts';

const SETTINGS = { contrast: 10, share: 0.1, adapt: 3_000, settle: 2000, every: 60_000 };
const [WIDTH, HEIGHT] = [160, 96];
const STEP_MS = 200;

interface Scene {
  /** Grey of the wall. */
  light?: number;
  /** Grey levels of noise either way. */
  noise?: number;
  /** A body of 16 × 40 pixels, as much brighter, at that column. */
  bodyAt?: number | null;
  contrast?: number;
}

/** Pictures of a wall, perhaps with somebody before it. */
function camera(seed = 1) {
  const random = seededRandom(seed);
  return (at: number, { light = 100, noise = 3, bodyAt = null, contrast = 40 }: Scene = {}) => {
    const yuv = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
    for (let y = 0; y < HEIGHT; y += 1) {
      for (let x = 0; x < WIDTH; x += 1) {
        const isBody = bodyAt !== null && x >= bodyAt && x < bodyAt + 16 && y >= 40 && y < 80;
        yuv[y * WIDTH + x] = light + (x % 32) + (isBody ? contrast : 0) + Math.round((random.next() * 2 - 1) * noise);
      }
    }
    return { width: WIDTH, height: HEIGHT, yuv, ptsMs: at * STEP_MS };
  };
}

/** What the gate says to scenes one after the other, 5 a second. */
function play(scenes: readonly Scene[], settings: Partial<typeof SETTINGS> = {}, seed = 1): GateDecision[] {
  const gate = new MotionGate({ ...SETTINGS, ...settings });
  const picture = camera(seed);
  return scenes.map((scene, at) => gate.decide(picture(at, scene)));
}

const still = (count: number, scene: Scene = {}) => Array.from({ length: count }, () => scene);
const count = (verdicts: readonly GateDecision[], wanted: GateDecision) => verdicts.filter((one) => one === wanted).length;

test('around what has changed is known, while it changes, and not of light or noise', () => {
  const gate = new MotionGate(SETTINGS);
  const picture = camera();
  const regions = [...still(5), { bodyAt: 48 }, ...still(1), { light: 180 }].map((scene, at) => {
    gate.decide(picture(at, scene));
    return gate.motionArea;
  });
  assert.deepEqual(regions, [
    null,
    null,
    null,
    null,
    null,
    { x: 48 / WIDTH, y: 40 / HEIGHT, width: 16 / WIDTH, height: 40 / HEIGHT },
    null,
    null,
  ]);
});

test('where pictures are further apart than it settles, the one after a change is looked at', () => {
  const [gate, picture] = [new MotionGate(SETTINGS), camera()];
  const verdicts = [{}, {}, {}, { bodyAt: 48 }, {}, {}].map((scene, at) => gate.decide({ ...picture(at, scene), ptsMs: at * 5000 }));
  assert.deepEqual(verdicts, ['first', 'settling', 'still', 'changed', 'settling', 'still']);
});

test('a still scene is looked at once, until it has settled, and when a look is due', () => {
  const verdicts = play(still(700));
  assert.equal(verdicts[0], 'first');
  assert.deepEqual(verdicts.slice(1, 11), Array.from({ length: 10 }, () => 'settling'));
  assert.equal(count(verdicts, 'still'), 700 - 11 - 2);
  assert.deepEqual(
    [verdicts.indexOf('due'), verdicts.lastIndexOf('due')],
    [310, 610],
    'a minute after the last look, and a minute after that',
  );
});

test('whoever walks in is seen at once; who stays becomes background, and is seen again when they leave', () => {
  const verdicts = play([
    ...still(50),
    ...Array.from({ length: 20 }, (_, at) => ({ bodyAt: at * 4 })),
    ...still(400, { bodyAt: 80 }),
    ...still(30),
  ]);
  assert.ok(verdicts.slice(50, 70).every((verdict) => verdict === 'changed'));
  assert.ok(verdicts.slice(370, 470).every((verdict) => verdict === 'still' || verdict === 'due'));
  assert.equal(verdicts[470], 'changed');
});

test('slow light is no motion; a lamp that is switched on begins anew and is looked at', () => {
  const dawn = play([...still(50), ...Array.from({ length: 300 }, (_, at) => ({ light: 100 + at * 0.2 }))]);
  assert.equal(count(dawn.slice(20), 'changed') + count(dawn, 'light'), 0);
  const lamp = play([...still(50), ...still(50, { light: 170 })]);
  assert.equal(lamp[50], 'light');
  assert.ok(lamp.slice(61).every((verdict) => verdict === 'still'));
});

test('noise alone is never motion, and a body is seen in it', () => {
  fc.assert(fc.property(fc.nat(1000), fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 140 }), (seed, noise, bodyAt) => {
    const verdicts = play([...still(40, { noise }), { noise, bodyAt }], {}, seed);
    assert.equal(count(verdicts.slice(11, 40), 'still'), 29);
    assert.equal(verdicts[40], 'changed');
  }), { numRuns: 25 });
});

test('time alone decides when a look is due, not how many pictures there were', () => {
  for (const every of [1000, 5000]) {
    for (const stepMs of [40, 200, 1000]) {
      const gate = new MotionGate({ ...SETTINGS, settle: 0, every });
      const picture = camera();
      const looks = Array.from({ length: 20_000 / stepMs + 1 }, (_, at) => gate.decide({ ...picture(at), ptsMs: at * stepMs })).filter(
        (verdict) => verdict !== 'still',
      ).length;
      assert.equal(looks, 20_000 / every + 1);
    }
  }
});

test('the same pictures give the same answers; another size and a clock that goes back begin anew', () => {
  const scenes = [...still(20), ...still(5, { bodyAt: 30 }), ...still(20)];
  assert.deepEqual(play(scenes), play(scenes));
  const gate = new MotionGate(SETTINGS);
  const picture = camera();
  assert.deepEqual([0, 10, 21, 5].map((at) => gate.decide(picture(at))), ['first', 'settling', 'still', 'first']);
  assert.deepEqual([6, 7, 30].map((at) => gate.decide({ ...picture(at), width: 96, height: 160 })), ['first', 'settling', 'still']);
  gate.detectNext();
  assert.equal(gate.decide({ ...picture(31), width: 96, height: 160 }), 'due');
  assert.equal(new MotionGate(SETTINGS).decide({ width: 2, height: 2, yuv: new Uint8Array(6), ptsMs: 0 }), 'first');
});
