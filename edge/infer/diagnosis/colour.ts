/** A tint that lies over everything: the mean colour is far from grey, and nothing is grey that light falls on. Pure. */
import type { PicturePlanes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';

const GREY = 128;
const STEP = 3;
/** Chroma units. Footage by day lies at up to 16, a lawn or a wooden floor at 25 to 37. */
const CAST = 21;
/** So near to grey lies nothing that has a tint; but for this share of what is lit: tinted footage has up to 0.2 %, a lawn with a path at its edge 2.6. */
const NEAR_GREY = 8;
const GREY_SHARE = 0.008;
/** Luma between which a colour can be told. */
const LIT = 60;
const BLOWN_OUT = 225;
/** Further from what this camera used to show than this is a cast as well. */
const DRIFT = 16;

/** Mean of both chroma planes, from grey. */
export interface MeanColour {
  u: number;
  v: number;
  /** Of what is lit, 0 to 1. */
  greyShare: number;
}

/** @param hiddenShare of the picture, painted grey by a mask: it does not count */
export function measureColour({ width, height, yuv }: PicturePlanes, hiddenShare = 0): MeanColour {
  const luma = width * height;
  const quarter = luma >> 2;
  const across = width >> 1;
  let [us, vs, count, lit, grey] = [0, 0, 0, 0, 0];
  for (let row = 0; row < height >> 1; row += 1) {
    for (
      let x = row % STEP, at = luma + row * across + x, above = 2 * (row * width + x);
      x < across;
      x += STEP, at += STEP, above += 2 * STEP
    ) {
      const u = yuv[at] as number;
      const v = yuv[at + quarter] as number;
      us += u;
      vs += v;
      count += 1;
      const light = yuv[above] as number;
      if (light < LIT || light >= BLOWN_OUT) continue;
      lit += 1;
      if ((u - GREY) * (u - GREY) + (v - GREY) * (v - GREY) < NEAR_GREY * NEAR_GREY) grey += 1;
    }
  }
  const shown = Math.max(0.01, 1 - hiddenShare);
  return { u: (us / count - GREY) / shown, v: (vs / count - GREY) / shown, greyShare: lit > 0 ? grey / lit : 0 };
}

/** @param usual what this camera shows of the same scene; null when it is not known, or it is another */
export function colourCastScore({ u, v, greyShare }: MeanColour, usual: Pick<MeanColour, 'u' | 'v'> | null): number {
  const tint = greyShare > GREY_SHARE ? 0 : scoreAbove(Math.hypot(u, v), CAST);
  const drift = usual ? scoreAbove(Math.hypot(u - usual.u, v - usual.v), DRIFT) : 0;
  return Math.max(tint, drift);
}
