import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLAGS, QUALITIES, type Value } from '../../../core/event.ts';
import { seededRandom } from '../../../core/world.ts';
import type { StoredPoint } from '../rows.ts';
import { ChunkColumns } from './columns.ts';
import { encodePoints } from './points.ts';

const decodePoints = (bytes: Uint8Array): StoredPoint[] => new ChunkColumns(bytes).points();

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 53), max: 2 ** 53 }),
  fc.integer(),
  fc.constant(-0),
  fc.constant(2 ** 53),
  fc.constant(-(2 ** 53)),
  fc.constant(5e-324),
  fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(12)).map(([whole, decimals]) => whole / 10 ** decimals),
);
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: number },
  fc.boolean(),
  fc.string({ maxLength: 8, unit: 'binary' }),
  fc.constantFrom('\ud800', '', '\u0000'),
  fc.constant(null),
);
const time = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.constant(Number.MAX_SAFE_INTEGER));
const window = fc
  .record({
    fromAt: time,
    toAt: time,
    count: fc.nat(),
    min: fc.option(number, { nil: undefined }),
    max: fc.option(number, { nil: undefined }),
  })
  .map(({ fromAt, toAt, count, min, max }) => ({
    fromAt,
    toAt,
    count,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  }));
const extra = fc.record({ unit: fc.string({ maxLength: 4 }), window }, { requiredKeys: [] });
const point = fc
  .record({
    at: time,
    value,
    quality: fc.constantFrom(...QUALITIES),
    flags: fc.uniqueArray(fc.constantFrom(...FLAGS), { maxLength: 3 }),
    extra: fc.option(extra, { nil: undefined, freq: 3 }),
  })
  .map(({ extra: more, ...plain }): StoredPoint => (more && Object.keys(more).length > 0 ? { ...plain, extra: { ...more } } : plain));
/** Like most series are: one kind of value, states in runs. */
const steady = fc
  .record({
    start: time,
    steps: fc.array(fc.nat(70_000), { minLength: 1, maxLength: 600 }),
    decimals: fc.nat(6),
    of: fc.infiniteStream(fc.integer({ min: -1e6, max: 1e6 })),
  })
  .map(({ start, steps, decimals, of }) => {
    let at = Math.min(start, 2e12);
    return steps.map((step): StoredPoint => ({
      at: (at += step),
      value: (of.next().value as number) / 10 ** decimals,
      quality: step % 20 === 0 ? 'bad' : 'good',
      flags: step % 20 === 0 ? ['spike'] : [],
    }));
  });

test('any points come back exactly, in their order', () => {
  fc.assert(fc.property(fc.oneof(fc.array(point, { maxLength: 60 }), steady), (points) => {
    assert.deepEqual(decodePoints(encodePoints(points)), points);
  }), { numRuns: 400 });
});

test('bytes that were cut or are not ours are refused, never read as something else without end', () => {
  fc.assert(fc.property(fc.array(point, { minLength: 1, maxLength: 40 }), fc.nat(), (points, cut) => {
    const bytes = encodePoints(points);
    assert.throws(() => decodePoints(bytes.subarray(0, cut % bytes.length)));
  }), { numRuns: 200 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      decodePoints(bytes);
    } catch (error) {
      assert.ok(error instanceof Error);
    }
  }), { numRuns: 500 });
});

/** The series of the measurements: 1/min, 3 decimals, ±20 ms, 5 % with a flag. */
function walk(count: number, seed: number): StoredPoint[] {
  const random = seededRandom(seed);
  let level = 3;
  return Array.from({ length: count }, (_, at) => {
    level += (random.next() - 0.5) * 0.04;
    const flagged = random.next() < 0.05;
    return {
      at: 1_700_000_000_000 + at * 60_000 + Math.round((random.next() - 0.5) * 40),
      value: Math.round(level * 1000) / 1000,
      quality: flagged ? 'uncertain' : 'good',
      flags: flagged ? ['spike'] : [],
    };
  });
}

const bytesPerPoint = (make: (seed: number) => StoredPoint[]): number => {
  let bytes = 0;
  let points = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const made = make(seed);
    bytes += encodePoints(made).length;
    points += made.length;
  }
  return bytes / points;
};

test('bytes a point stay within what was measured', () => {
  const figures = { 60: 2.75, 240: 2.2, 1000: 1.75 };
  for (const [count, most] of Object.entries(figures)) {
    const got = bytesPerPoint((seed) => walk(Number(count), seed));
    assert.ok(got > 1.5 && got < most, `${count} points: ${got}`);
  }
  const minutes = bytesPerPoint((seed) =>
    walk(480, seed).map((made, at) => ({
      ...made,
      at: 1_700_000_000_000 + at * 60_000,
      quality: 'good',
      flags: [],
      value: Math.round((made.value as number) * 10) / 10,
    })),
  );
  assert.ok(minutes < 0.8, `exact minutes: ${minutes}`);
  const floats = bytesPerPoint((seed) => walk(480, seed).map((made) => ({ ...made, value: (made.value as number) * Math.PI })));
  assert.ok(floats < 9.5, `full floats: ${floats}`);
});
