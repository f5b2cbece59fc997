import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PictureFinding } from '../../../scene/picture-findings.ts';
import { seededRandom } from '../../../core/world.ts';
import type { PicturePlanes } from '../../../core/driver.ts';
import { VideoDiagnosis, type VideoQuality } from './diagnosis.ts';

const WIDTH = 320;
const HEIGHT = 180;

/** A street by day, made of plain rectangles: what there is to see, and what passes in front of it. */
function street(seed: number): (second: number) => PicturePlanes {
  const random = seededRandom(seed);
  const within = (from: number, to: number) => Math.floor(from + random.next() * (to - from));
  const things = Array.from({ length: 90 }, () => ({
    x: within(0, WIDTH),
    y: within(0, HEIGHT),
    width: within(8, 60),
    height: within(6, 40),
    luma: within(50, 200),
    u: within(110, 146),
    v: within(110, 146),
  }));
  let grain = 0;
  const draw = (planes: PicturePlanes, { x, y, width, height, luma, u, v }: (typeof things)[number]) => {
    for (let row = Math.max(0, y); row < Math.min(HEIGHT, y + height); row += 1) {
      planes.yuv.fill(luma, row * WIDTH + Math.max(0, x), row * WIDTH + Math.min(WIDTH, Math.max(0, x + width)));
      const chroma = WIDTH * HEIGHT + (row >> 1) * (WIDTH / 2);
      for (const [plane, colour] of [
        [0, u],
        [(WIDTH * HEIGHT) / 4, v],
      ] as const)
        planes.yuv.fill(colour, chroma + plane + (Math.max(0, x) >> 1), chroma + plane + (Math.min(WIDTH, Math.max(0, x + width)) >> 1));
    }
  };
  return (second) => {
    const planes = { width: WIDTH, height: HEIGHT, yuv: new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128) };
    for (const thing of things) draw(planes, thing);
    draw(planes, { x: Math.round(second * 30) % (WIDTH + 60) - 60, y: 90, width: 50, height: 30, luma: 220, u: 120, v: 140 });
    for (let at = 0; at < WIDTH * HEIGHT; at += 1) {
      grain = (grain * 1_103_515_245 + 12_345) & 0x7fffffff;
      planes.yuv[at] = (planes.yuv[at] as number) + (grain >> 16) % 5 - 2;
    }
    return planes;
  };
}

const luma =
  (change: (luma: number, at: number) => number) =>
  ({ width, height, yuv }: PicturePlanes): PicturePlanes => ({
    width,
    height,
    yuv: yuv.map((value, at) => (at < width * height ? Math.max(0, Math.min(255, change(value, at))) : value)),
  });

function blurred(planes: PicturePlanes, radius: number): PicturePlanes {
  const { width, height } = planes;
  const soften = (from: Uint8Array, step: number, length: number, lines: number, lineStep: number): Uint8Array => {
    const to = from.slice();
    for (let line = 0; line < lines; line += 1) {
      for (let at = 0; at < length; at += 1) {
        let sum = 0;
        for (let near = -radius; near <= radius; near += 1)
          sum += from[line * lineStep + Math.max(0, Math.min(length - 1, at + near)) * step] as number;
        to[line * lineStep + at * step] = sum / (2 * radius + 1);
      }
    }
    return to;
  };
  const twice = (yuv: Uint8Array) => soften(soften(yuv, 1, width, height, width), width, height, width, 1);
  return { width, height, yuv: twice(twice(planes.yuv)) };
}

function moved(planes: PicturePlanes, byX: number, byY: number): PicturePlanes {
  const { width, height } = planes;
  const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
  return luma(
    (_, at) => planes.yuv[clamp(Math.floor(at / width) + byY, height - 1) * width + clamp((at % width) + byX, width - 1)] as number,
  )(planes);
}

const random = seededRandom(5);
const other = street(77);
let kept: PicturePlanes | null = null;
const FAULTS: Partial<Record<PictureFinding, (planes: PicturePlanes, second: number) => PicturePlanes>> = {
  'black': luma(() => 16),
  'under-exposed': luma((value) => 16 + value * 0.12),
  'over-exposed': luma((value) => value * 2.6),
  frozen: (planes) => (kept ??= planes),
  noisy: luma((value) => value + (random.next() - 0.5) * 120),
  'colour-cast': (planes) => ({
    ...planes,
    yuv: planes.yuv.map((value, at) => (at < WIDTH * HEIGHT ? value : at < (WIDTH * HEIGHT * 5) / 4 ? value - 25 : value + 20)),
  }),
  blurred: (planes) => blurred(planes, 4),
  occluded: luma((value, at) => (at % WIDTH < WIDTH * 0.55 ? 90 : value)),
  shaking: (planes) => moved(planes, Math.round((random.next() - 0.5) * 16), Math.round((random.next() - 0.5) * 16)),
  'wrong-scene': (_, second) => other(second),
};

/** @param from second at which the fault begins. @param empty nothing passes */
function findings(
  fault: ((planes: PicturePlanes, second: number) => PicturePlanes) | undefined,
  { fps = 5, from = 8, seconds = 24, seed = 3, backAt = Infinity, empty = false } = {},
): { at: number; verdict: VideoQuality }[] {
  const diagnosis = new VideoDiagnosis({ everyMs: 1000, thresholds: {} });
  const scene = street(seed);
  kept = null;
  const said: { at: number; verdict: VideoQuality }[] = [];
  for (let index = 0; index < seconds * fps; index += 1) {
    const second = index / fps;
    const clean = scene(empty ? 0 : second);
    const verdict = diagnosis.check({
      ...(fault && second >= from && second < backAt ? fault(clean, second) : clean),
      ptsMs: second * 1000,
    });
    if (verdict) said.push({ at: second, verdict });
  }
  return said;
}

/** What shows only between pictures. */
const BY_TIME = new Set(['frozen', 'shaking']);

test('sound pictures give no finding, whatever passes', () => {
  for (const fps of [1, 4]) assert.deepEqual(findings(undefined, { fps, seconds: 30 }).map(({ verdict }) => verdict.finding), [null]);
});

for (const [finding, fault] of Object.entries(FAULTS)) {
  test(`${finding}: found, by itself, and taken back when it is over`, () => {
    for (const fps of BY_TIME.has(finding) ? [1, 2, 5, 12.5] : [2]) {
      const said = findings(fault, { fps, backAt: 20, seconds: 34 });
      assert.deepEqual(said.map(({ verdict }) => verdict.finding), [null, finding, null], `${fps} pictures a second`);
      const [, found] = said;
      assert.ok(found && found.at > 8 && found.at <= 19 && found.verdict.score >= found.verdict.threshold, JSON.stringify(said));
    }
  });
}

test('in an empty street, where pictures look alike, what goes wrong is found as well, if it be in its colours alone', () => {
  for (const [finding, fault] of Object.entries(FAULTS)) {
    const said = findings(fault, { fps: 2, backAt: 24, seconds: 38, empty: true });
    assert.deepEqual(said.map(({ verdict }) => verdict.finding), [null, finding, null]);
    assert.ok((said[1]?.at ?? 0) <= 22, JSON.stringify(said));
  }
});

for (const finding of ['black', 'under-exposed', 'over-exposed', 'noisy', 'colour-cast', 'blurred', 'occluded', 'shaking'] as const) {
  test(`${finding} from the first picture on needs nothing to compare with`, () => {
    assert.deepEqual(
      findings(FAULTS[finding], { from: 0, fps: finding === 'shaking' ? 5 : 2, seconds: 12 })
        .map(({ verdict }) => verdict.finding)
        .filter((said) => said !== null),
      [finding],
    );
  });
}

/** Sensors have it in the dark, and with a cover before the lens. */
const grainy = (planes: PicturePlanes, spread = 5): PicturePlanes =>
  luma((value) => value + (random.next() + random.next() - 1) * spread)(planes);

for (const [what, finding, fault] of [
  ['a lens cap, with the grain of a sensor that sees nothing', 'black', (planes) => grainy(luma(() => 16)(planes), 12)],
  ['a cover before all of it', 'occluded', luma(() => 90)],
  ['a cover before all of it, with grain', 'occluded', (planes) => grainy(luma(() => 90)(planes))],
  ['a cover that is lit from one side', 'occluded', luma((_, at) => 40 + ((at % WIDTH) * 90) / WIDTH)],
  [
    'a brown cover',
    'occluded',
    ({ yuv, ...size }) => ({
      ...size,
      yuv: yuv.map((value, at) =>
        at < WIDTH * HEIGHT ? (at % WIDTH < WIDTH * 0.85 ? 90 : value) : at < (WIDTH * HEIGHT * 5) / 4 ? 100 : 155,
      ),
    }),
  ],
  ['so far out of focus that no edge is left', 'blurred', (planes) => blurred(blurred(planes, 12), 12)],
] as const satisfies [string, PictureFinding, (planes: PicturePlanes) => PicturePlanes][]) {
  test(`${finding}, and nothing else: ${what}`, () => {
    assert.deepEqual(findings(fault, { fps: 1, seconds: 20 }).map(({ verdict }) => verdict.finding), [null, finding]);
  });
}

/** Few bits a second leave no grain: a room that is empty is the same to the pixel. @param empty from and to, s; nothing else than the light moves, else */
function room(empty: readonly (readonly [from: number, to: number])[], seconds: number): { at: number; finding: PictureFinding | null }[] {
  const diagnosis = new VideoDiagnosis({ everyMs: 1000, thresholds: {} });
  const plain = street(3)(0);
  return Array.from({ length: seconds }, (_, second) => {
    const isEmpty = empty.some(([from, to]) => second >= from && second < to);
    const verdict = diagnosis.check({
      ...(isEmpty ? plain : luma((value, at) => (at % WIDTH < 40 ? (second * 37) % 200 : value))(plain)),
      ptsMs: second * 1000,
    });
    return verdict ? [{ at: second, finding: verdict.finding }] : [];
  }).flat();
}

test('a room that has never changed, or has stood still before, must stand still for longer to be called frozen', () => {
  assert.deepEqual(room([[0, 7], [12, 23], [28, 46]], 54), [{ at: 0, finding: null }]);
  assert.deepEqual(room([[0, 60]], 60), [{ at: 0, finding: null }, { at: 8, finding: 'frozen' }]);
  assert.deepEqual(room([[8, 40]], 40), [{ at: 0, finding: null }, { at: 13, finding: 'frozen' }]);
});

test('a shake in step with the rests between looks is told', () => {
  for (const [byX, byY] of [
    [4, 0],
    [0, 4],
    [3, 3],
  ] as const) {
    const shake = (planes: PicturePlanes, second: number) => {
      const sway = Math.sin((second * 4 + 0.1) * Math.PI);
      return moved(planes, Math.round(byX * sway), Math.round(byY * sway));
    };
    assert.deepEqual(
      findings(shake, { fps: 5, seconds: 20 }).map(({ verdict }) => verdict.finding),
      [null, 'shaking'],
      `${byX} ${byY}`,
    );
  }
});

test('a mast that sways slowly, and far, shakes', () => {
  assert.deepEqual(
    findings((planes, second) => moved(planes, Math.round(8 * Math.sin((second * 2 * Math.PI) / 2.5)), 0), { fps: 5, seconds: 20 }).map(
      ({ verdict }) => verdict.finding,
    ),
    [null, 'shaking'],
  );
});

const RATES = [1, 2, 5];

const WINDOWS = Array.from({ length: 1000 }, () => 50 + random.next() * 150);
/** Whose windows are as sharp as anything in the street, and which takes up more than a third of the picture. */
const lorry = (planes: PicturePlanes, second: number): PicturePlanes => {
  const left = Math.round((second * 97) % (2 * WIDTH)) - WIDTH;
  return luma((value, at) => {
    const [x, y] = [(at % WIDTH) - left, Math.floor(at / WIDTH)];
    return x >= 0 && x < WIDTH * 0.6 && y > 20 && y < 160 ? WINDOWS[(x >> 3) * 16 + (y >> 4)] as number : value;
  })(planes);
};

for (const [what, change] of [
  ['lorries that pass near by', lorry],
  ['a mast that sways a little', (planes: PicturePlanes, second: number) => moved(planes, Math.round(1.4 * Math.sin(second * 0.7)), 0)],
  ['light that comes and goes', (planes: PicturePlanes, second: number) => luma((value) => value * (second % 4 < 2 ? 1 : 0.75))(planes)],
] as const) {
  test(`no fault: ${what}`, () => {
    for (const fps of RATES)
      assert.deepEqual(
        findings(change, { fps, from: 0 }).map(({ verdict }) => verdict.finding),
        [null],
        `${fps} pictures a second`,
      );
  });
}

test('a camera that is turned slowly does not shake', () => {
  for (const fps of RATES)
    assert.deepEqual(
      findings((planes, second) => moved(planes, Math.round((second - 8) * 4), 0), { fps }).filter(
        ({ verdict }) => verdict.finding === 'shaking',
      ),
      [],
      `${fps} pictures a second`,
    );
});

test('one that shakes further than it can be followed is no other scene', () => {
  for (const fps of RATES)
    assert.deepEqual(
      findings((planes) => moved(planes, Math.round((random.next() - 0.5) * 160), Math.round((random.next() - 0.5) * 80)), { fps }).filter(
        ({ verdict }) => verdict.finding === 'wrong-scene',
      ),
      [],
      `${fps} pictures a second`,
    );
});

test('another scene is told also where lorries pass, and is no shake', () => {
  for (const fps of RATES)
    assert.deepEqual(
      findings((_, second) => lorry(other(second), second), { fps, seconds: 34 }).map(({ verdict }) => verdict.finding),
      [null, 'wrong-scene'],
      `${fps} pictures a second`,
    );
});

test('a stream that stands still is a finding of its own, gone with the next picture', () => {
  const diagnosis = new VideoDiagnosis({ everyMs: 1000, thresholds: {} });
  const scene = street(3);
  assert.equal(diagnosis.check({ ...scene(0), ptsMs: 0 })?.finding, null);
  assert.equal(diagnosis.streamStalled()?.finding, 'stalled');
  assert.equal(diagnosis.streamStalled(), null);
  assert.equal(diagnosis.check({ ...scene(9), ptsMs: 9000 })?.finding, null);
});

test('a finding that is switched off is never said, and what lies below it is', () => {
  const diagnosis = new VideoDiagnosis({ everyMs: 1000, thresholds: { black: null, stalled: null } });
  const said = Array.from(
    { length: 20 },
    (_, second) => diagnosis.check({ ...luma(() => 16)(street(3)(second)), ptsMs: second * 1000 })?.finding,
  );
  assert.deepEqual(
    said.filter((finding) => finding),
    ['under-exposed'],
  );
  assert.equal(diagnosis.streamStalled(), null);
});

test('whatever the pictures, their sizes and their times: scores stay within 0 and 1, nothing is said twice in a row', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          width: fc.integer({ min: 8, max: 80 }),
          height: fc.integer({ min: 8, max: 60 }),
          fill: fc.nat(255),
          spread: fc.nat(255),
          ptsMs: fc.oneof(fc.nat(20_000), fc.constant(-5), fc.constant(1e12)),
        }),
        { maxLength: 30 },
      ),
      fc.nat(),
      (pictures, seed) => {
        const { next } = seededRandom(seed);
        const diagnosis = new VideoDiagnosis({ everyMs: 1000, thresholds: {} });
        let last: PictureFinding | null | undefined;
        for (const { width: w, height: h, fill, spread, ptsMs } of pictures) {
          const [width, height] = [w * 2, h * 2];
          const verdict = diagnosis.check({
            width,
            height,
            ptsMs,
            yuv: Uint8Array.from({ length: (width * height * 3) / 2 }, () => fill + next() * spread),
          });
          if (!verdict) continue;
          assert.ok(verdict.score >= 0 && verdict.score <= 1);
          assert.notEqual(verdict.finding, last);
          last = verdict.finding;
        }
      },
    ),
    { numRuns: 40 },
  );
});
