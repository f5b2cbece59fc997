/** A picture that stands still though time goes on. */
import type { Planes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';

/** One pixel of so many is compared. */
const APART = 11;
/**
 * Between pictures a second apart: luma that counts as a change, and the share of pixels that may show it. A frozen picture
 * that is encoded anew, badly, reaches 0.0024; one second in ten of the quietest footage lies below 0.0066.
 */
const CHANGE = 6;
const UNCHANGED_SHARE = 0.004;
const COMPARED_AFTER_MS = 1000;
/** From one picture to the next a frozen one is, now and then, the very same; a still room under a good lens is not. */
const SAME_CHANGE = 2;
const SAME_SHARE = 0.0002;
const WINDOW_MS = 5000;

export class Still {
  #latest: Uint8Array | null = null;
  #earlier: { sample: Uint8Array; ptsMs: number } | null = null;
  #stillSinceMs: number | null = null;
  #sameAtMs = -Infinity;
  #nowMs = 0;

  /** The next picture in time. @returns share of the pixels that changed since the last one; null when it is the first of its size */
  take({ width, height, yuv, ptsMs }: Planes & { ptsMs: number }): number | null {
    const sample = new Uint8Array(Math.floor((width * height) / APART));
    for (let at = 0, place = 0; at < sample.length; at += 1, place += APART) sample[at] = yuv[place] as number;
    const isAnother = this.#latest?.length !== sample.length || ptsMs < this.#nowMs;
    const changed = this.#latest && !isAnother ? changedShare(this.#latest, sample, SAME_CHANGE) : null;
    this.#latest = sample;
    this.#nowMs = ptsMs;
    if (isAnother) this.#earlier = this.#stillSinceMs = null;
    if (changed !== null && changed < SAME_SHARE) this.#sameAtMs = ptsMs;
    const earlier = this.#earlier;
    if (earlier && ptsMs - earlier.ptsMs < COMPARED_AFTER_MS) return changed;
    if (earlier) this.#stillSinceMs = changedShare(earlier.sample, sample, CHANGE) < UNCHANGED_SHARE ? (this.#stillSinceMs ?? earlier.ptsMs) : null;
    this.#earlier = { sample, ptsMs };
    return changed;
  }

  score(): number {
    if (this.#stillSinceMs === null || this.#nowMs - this.#sameAtMs > WINDOW_MS) return 0;
    return scoreAbove(this.#nowMs - this.#stillSinceMs, WINDOW_MS);
  }
}

function changedShare(a: Uint8Array, b: Uint8Array, change: number): number {
  let changed = 0;
  for (let at = 0; at < a.length; at += 1) {
    const gap = (a[at] as number) - (b[at] as number);
    if (gap >= change || gap <= -change) changed += 1;
  }
  return changed / a.length;
}
