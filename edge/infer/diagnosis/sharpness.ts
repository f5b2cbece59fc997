/**
 * How sharp the sharpest places are. Where luma changes within a few pixels, a sharp edge does most of it in one step and
 * a blurred one in many; how much there is to see, and grain, play no part. Pure.
 */
import type { Planes } from '../../../core/driver.ts';
import { scoreBelow } from './scores.ts';

/** Pixels of a run that is looked at, of a picture about 640 pixels wide. */
const RUN = 8;
/** Luma that must lie between the run's darkest and brightest pixel to call it an edge. */
const EDGE = 18;
/** And for each unit of the grain's deviation: so far apart do none of some thousand runs of grain alone lie. */
const GRAIN_EDGE = 6;
/** Lines each way; those of a small picture lie at least so far apart. */
const LINES = 24;
const LEAST_APART = 12;
const RUNS_APART = 8;
/** Mean share of the steepest step. Sharp footage lies at 0.45 to 0.6, a blur of 4 pixels at 0.25, of 8 at 0.2. */
const BLURRED = 0.34;
/** Fewer edges than this, of all runs, and there is nothing that could be sharp: fog, a cover, a lens full of water. */
const FEW_EDGES = 0.0005;

export interface Sharpness {
  /** 0 to 1; 0 without edges. */
  step: number;
  edgeShare: number;
}

/** @param grain standard deviation of luma that is in no edge */
export function measureSharpness({ width, height, yuv }: Planes, grain = 0): Sharpness {
  const least = EDGE + GRAIN_EDGE * grain;
  let edges = 0;
  let steps = 0;
  let runs = 0;
  const scan = (from: number, stride: number, length: number): void => {
    for (let start = 0; start + RUN < length; start += RUNS_APART) {
      let place = from + start * stride;
      let before = yuv[place] as number;
      let lowest = before;
      let highest = before;
      let steepest = 0;
      for (let at = 0; at < RUN; at += 1) {
        place += stride;
        const luma = yuv[place] as number;
        if (luma < lowest) lowest = luma;
        else if (luma > highest) highest = luma;
        const step = luma > before ? luma - before : before - luma;
        if (step > steepest) steepest = step;
        before = luma;
      }
      runs += 1;
      if (highest - lowest < least) continue;
      edges += 1;
      steps += steepest / (highest - lowest);
    }
  };
  const [apartDown, apartAcross] = [height, width].map((side) => Math.max(LEAST_APART, Math.floor(side / LINES))) as [number, number];
  for (let y = apartDown >> 1; y < height; y += apartDown) scan(y * width, 1, width);
  for (let x = apartAcross >> 1; x < width; x += apartAcross) scan(x, width, height);
  return { step: edges > 0 ? steps / edges : 0, edgeShare: runs > 0 ? edges / runs : 0 };
}

/** Nothing in it could be sharp. */
export function isEdgeless({ edgeShare }: Sharpness): boolean {
  return edgeShare < FEW_EDGES;
}

export function blurScore(seen: Sharpness): number {
  return isEdgeless(seen) ? 1 : scoreBelow(seen.step, BLURRED);
}
