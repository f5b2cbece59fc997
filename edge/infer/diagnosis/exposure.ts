/** How bright a picture is: black, too dark, too bright. Pure. */
import type { PicturePlanes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';

/** Luma of the dark end; video black is 16, and some sources go down to 0. */
const DARK = 40;
const BRIGHT = 230;
const BLACK = 16;
/** Mean luma below which a picture that shows nothing is black. */
const BLACK_MEAN = 22;
const DARK_SHARE = 0.4;
const BRIGHT_SHARE = 0.45;
const STEP = 4;

export interface Exposure {
  mean: number;
  darkShare: number;
  brightShare: number;
}

/** @param hiddenShare of the picture, painted black by a mask: it does not count */
export function measureExposure({ width, height, yuv }: PicturePlanes, hiddenShare = 0): Exposure {
  const histogram = new Uint32Array(256);
  for (let y = 0; y < height; y += STEP) {
    for (let at = y * width, end = at + width; at < end; at += STEP) (histogram[yuv[at] as number] as number) += 1;
  }
  histogram[BLACK] = Math.max(0, (histogram[BLACK] as number) - hiddenShare * Math.ceil(width / STEP) * Math.ceil(height / STEP));
  let count = 0;
  let sum = 0;
  let dark = 0;
  let bright = 0;
  for (let luma = 0; luma < 256; luma += 1) {
    const many = histogram[luma] as number;
    count += many;
    sum += many * luma;
    if (luma < DARK) dark += many;
    if (luma >= BRIGHT) bright += many;
  }
  if (count === 0) return { mean: 0, darkShare: 0, brightShare: 0 };
  return { mean: sum / count, darkShare: dark / count, brightShare: bright / count };
}

/** @param blankness score of a picture that shows nothing, whatever its grain */
export function exposureScores(
  { mean, darkShare, brightShare }: Exposure,
  blankness: number,
): { black: number; 'under-exposed': number; 'over-exposed': number } {
  return {
    'black': mean < BLACK_MEAN ? blankness : 0,
    'under-exposed': scoreAbove(darkShare, DARK_SHARE),
    'over-exposed': scoreAbove(brightShare, BRIGHT_SHARE),
  };
}
