/**
 * Grain: noise that is everywhere, also where the scene is smooth. By J. Immerkær, "Fast noise variance estimation"
 * (1996): a mask that ignores planes and straight edges; taken block by block, and from the quieter blocks, so that grass
 * and gravel do not count. Pure.
 */
import type { PicturePlanes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';

const BLOCK = 16;
/** One block of sixteen is enough. */
const APART = 4 * BLOCK;
const QUIET = 0.2;
/** Standard deviation of luma. Footage by day has up to 0.6, the noise of an uncovered analogue input 20 and more. */
const SNOW = 3;
/** What is like any other edge of a scene. */
const USUAL = 0.6;

/** Standard deviation of the noise, in luma. */
export function noiseDeviation({ width, height, yuv }: PicturePlanes): number {
  const found: number[] = [];
  for (let top = 1; top + BLOCK < height; top += APART) {
    for (let left = 1; left + BLOCK < width; left += APART) {
      let sum = 0;
      for (let y = top; y < top + BLOCK; y += 1) {
        for (let at = y * width + left, end = at + BLOCK; at < end; at += 1) {
          const cross = (yuv[at - 1] as number) + (yuv[at + 1] as number) + (yuv[at - width] as number) + (yuv[at + width] as number);
          const corners =
            (yuv[at - width - 1] as number) +
            (yuv[at - width + 1] as number) +
            (yuv[at + width - 1] as number) +
            (yuv[at + width + 1] as number);
          const bump = 4 * (yuv[at] as number) - 2 * cross + corners;
          sum += bump < 0 ? -bump : bump;
        }
      }
      found.push((sum / (BLOCK * BLOCK)) * (Math.sqrt(Math.PI / 2) / 6));
    }
  }
  return found.toSorted((a, b) => a - b)[Math.floor(found.length * QUIET)] ?? 0;
}

/** What there is of it beyond the grain of a picture by day: that is in no edge of the scene. */
export function excessNoise(deviation: number): number {
  return Math.sqrt(Math.max(0, deviation * deviation - USUAL * USUAL));
}

export function noiseScore(deviation: number): number {
  return scoreAbove(deviation, SNOW);
}
