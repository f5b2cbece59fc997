/** Numbers as a source meant them: float32 noise taken off, scale and offset applied once. Pure. */
import { MAX_NUMBER } from '../../../core/event.ts';

/** Significant digits kept after arithmetic of ours: takes off noise such as 0.30000000000000004, and no more. */
const ARITHMETIC_DIGITS = 12;
const MAX_FLOAT32_DIGITS = 9;

export function isSafe(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= MAX_NUMBER;
}

/**
 * The shortest decimal that is the same float32: a source of 32-bit floats says 3.2 and arrives as 3.200000047683716.
 * Nothing is lost (`Math.fround` gives the source's number back) and the store needs a quarter of the bytes.
 *
 * @returns the value itself when it is no float32
 */
export function withoutFloat32Noise(value: number): number {
  if (Number.isInteger(value) || Math.fround(value) !== value) return value;
  for (let digits = 1; digits <= MAX_FLOAT32_DIGITS; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/** value × scale + offset; the value itself, to the last bit, when there is nothing to apply. */
export function scaled(value: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return value;
  return rounded(value * scale + offset);
}

export function rounded(value: number): number {
  return Number.isSafeInteger(value) || !Number.isFinite(value) ? value : Number(value.toPrecision(ARITHMETIC_DIGITS));
}
