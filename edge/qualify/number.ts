/** Numbers as a source meant them: float32 noise taken off, scale and offset applied once. Pure. */
import { MAX_NUMBER } from '../../core/event.ts';
import { shortest32 } from '../../core/shortest32.ts';

/** Significant digits kept after arithmetic of ours: takes off noise such as 0.30000000000000004, and no more. */
const ARITHMETIC_DIGITS = 12;

export function isSafeNumber(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= MAX_NUMBER;
}

/**
 * A source of 32-bit floats says 3.2, which arrives as 3.200000047683716: as it was meant, by its shortest decimal.
 *
 * @returns the value itself when it is no float32
 */
export function withoutFloat32Noise(value: number): number {
  return Number.isInteger(value) || Math.fround(value) !== value ? value : shortest32(value);
}

/** value × scale + offset; the value itself, to the last bit, when there is nothing to apply. */
export function applyScale(value: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return value;
  return withoutArithmeticNoise(value * scale + offset);
}

export function withoutArithmeticNoise(value: number): number {
  return Number.isSafeInteger(value) || !Number.isFinite(value) ? value : Number(value.toPrecision(ARITHMETIC_DIGITS));
}
