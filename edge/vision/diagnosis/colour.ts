/** A tint that lies over everything: the mean colour is far from grey, and the colours spread little about it. Pure. */
import type { Planes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';

const GREY = 128;
const STEP = 3;
/** Chroma units. Footage by day lies at up to 16. */
const CAST = 21;
/** What spreads more about its mean than this is colourful, not tinted. */
const MOST_SPREAD = 2.2;
/** Further from what this camera used to show than this is a cast as well. */
const DRIFT = 16;

/** Mean of both chroma planes, from grey, and how far their pixels lie from it. */
export interface Colour {
  u: number;
  v: number;
  spread: number;
}

/** @param hiddenShare of the picture, painted grey by a mask: it does not count */
export function colour({ width, height, yuv }: Planes, hiddenShare = 0): Colour {
  const luma = width * height;
  const quarter = luma >> 2;
  let us = 0;
  let vs = 0;
  let count = 0;
  for (let at = luma; at < luma + quarter; at += STEP) {
    us += yuv[at] as number;
    vs += yuv[at + quarter] as number;
    count += 1;
  }
  const u = us / count;
  const v = vs / count;
  let spread = 0;
  for (let at = luma; at < luma + quarter; at += STEP) spread += Math.abs((yuv[at] as number) - u) + Math.abs((yuv[at + quarter] as number) - v);
  const shown = Math.max(0.01, 1 - hiddenShare);
  return { u: (u - GREY) / shown, v: (v - GREY) / shown, spread: spread / count };
}

/** @param usual what this camera shows of the same scene; null when it is not known, or it is another */
export function castScore({ u, v, spread }: Colour, usual: Colour | null): number {
  const mean = Math.hypot(u, v);
  const tint = spread > MOST_SPREAD * mean ? 0 : scoreAbove(mean, CAST);
  const drift = usual ? scoreAbove(Math.hypot(u - usual.u, v - usual.v), DRIFT) : 0;
  return Math.max(tint, drift);
}
