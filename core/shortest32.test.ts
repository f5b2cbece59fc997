import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shortest32 } from './shortest32.ts';

/** As the definition says it, slowly: the fewest digits, from six on, whose text is the same float32. */
function byDefinition(value: number): number {
  for (let digits = 6; digits < 9; digits += 1)
    if (Math.fround(Number(value.toPrecision(digits))) === value) return Number(value.toPrecision(digits));
  return Number(value.toPrecision(9));
}

/** Any 32 bits: every size, the smallest numbers, infinities and what is no number. */
const bits = fc.integer({ min: 0, max: 0xffff_ffff }).map((pattern) => new Float32Array(Uint32Array.of(pattern).buffer)[0] as number);
const written = fc
  .tuple(fc.integer({ min: -9_999_999, max: 9_999_999 }), fc.integer({ min: -12, max: 12 }))
  .map(([digits, exponent]) => Math.fround(Number(`${digits}e${exponent}`)));

test('the shortest decimal of any float32 is that of its text', () => {
  for (const floats of [bits, written]) {
    fc.assert(fc.property(floats, (value) => {
      assert.equal(shortest32(value), byDefinition(value) + 0);
    }), { numRuns: 3000 });
  }
});

test('around every power of ten and of two, where digits change', () => {
  const around = new Float32Array(1);
  const pattern = new Uint32Array(around.buffer);
  for (const power of [
    ...Array.from({ length: 77 }, (_, index) => 10 ** (index - 38)),
    ...Array.from({ length: 250 }, (_, index) => 2 ** (index - 125)),
  ]) {
    around[0] = power;
    const middle = pattern[0] as number;
    for (let step = -3; step <= 3; step += 1) {
      pattern[0] = middle + step;
      const value = around[0] as number;
      assert.equal(shortest32(value), byDefinition(value));
    }
  }
});

test('what somebody wrote with up to six digits comes back as it was written', () => {
  for (const value of [123.456, 0.1, -9999, 3.2, 85, 1e-6, 999_999, 1.5e10]) assert.equal(shortest32(Math.fround(value)), value);
});
