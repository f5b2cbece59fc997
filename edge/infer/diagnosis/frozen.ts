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
/**
 * An empty room that is encoded with few bits stands still as well, to the pixel. So it takes longer where nothing has ever
 * changed, and as many times as long as the pictures of this camera have stood still before, up to a most.
 */
const UNKNOWN_MS = 8000;
const LONGER = 2;
const MOST_MS = 60_000;
/** A picture that looks like another: what is found in the one is found in the other. */
const ALIKE_CHANGE = 12;
const ALIKE_SHARE = 0.003;

export class FrozenDetector {
  #latest: Uint8Array | null = null;
  #earlier: { sample: Uint8Array; ptsMs: number } | null = null;
  #stillSinceMs: number | null = null;
  #sameAtMs = -Infinity;
  #hasMoved = false;
  /** Longest that its pictures have stood still without being frozen. */
  #stoodMs = 0;
  #nowMs = 0;

  /** A picture whose neighbour is to come. @returns false when it is the first of its size, or its time is before the last one's */
  begin(picture: Planes & { ptsMs: number }): boolean {
    const { ptsMs } = picture;
    const sample = sampled(picture);
    const isKnown = this.#latest?.length === sample.length && ptsMs >= this.#nowMs;
    this.#latest = sample;
    this.#nowMs = ptsMs;
    if (!isKnown) this.#earlier = this.#stillSinceMs = null;
    const earlier = this.#earlier;
    if (earlier && ptsMs - earlier.ptsMs < COMPARED_AFTER_MS) return isKnown;
    if (earlier && changedShare(earlier.sample, sample, CHANGE) < UNCHANGED_SHARE) this.#stillSinceMs ??= earlier.ptsMs;
    else if (earlier) this.#move(earlier.ptsMs);
    this.#earlier = { sample, ptsMs };
    return isKnown;
  }

  /** The neighbour of the last picture. @returns share of the pixels that changed since; null when they cannot be compared */
  take(picture: Planes & { ptsMs: number }): number | null {
    const before = this.#latest;
    if (!this.begin(picture) || !before || !this.#latest) return null;
    const changed = changedShare(before, this.#latest, SAME_CHANGE);
    if (changed < SAME_SHARE) this.#sameAtMs = picture.ptsMs;
    return changed;
  }

  /** The pixels by which this picture is compared with others. */
  sampleOf(picture: Planes & { ptsMs: number }): Uint8Array {
    return this.#latest && picture.ptsMs === this.#nowMs ? this.#latest : sampled(picture);
  }

  score(): number {
    return this.#stillSinceMs === null || !this.#isSame ? 0 : scoreAbove(this.#nowMs - this.#stillSinceMs, this.#enoughMs);
  }

  get #isSame(): boolean {
    return this.#nowMs - this.#sameAtMs <= WINDOW_MS;
  }

  /** For so long it must stand still. */
  get #enoughMs(): number {
    return this.#hasMoved ? Math.min(MOST_MS, Math.max(WINDOW_MS, LONGER * this.#stoodMs)) : UNKNOWN_MS;
  }

  #move(lastMs: number): void {
    const stoodMs = this.#stillSinceMs !== null && this.#isSame ? lastMs - this.#stillSinceMs : 0;
    if (stoodMs < this.#enoughMs) this.#stoodMs = Math.max(this.#stoodMs, stoodMs);
    this.#stillSinceMs = null;
    this.#hasMoved = true;
  }
}

function sampled({ width, height, yuv }: Planes): Uint8Array {
  const length = Math.floor((width * height) / APART);
  const sample = new Uint8Array(length);
  for (let at = 0, place = 0; at < length; at += 1, place += APART) sample[at] = yuv[place] as number;
  return sample;
}

function changedShare(a: Uint8Array, b: Uint8Array, change: number): number {
  // Asked for once: before the optimizing compiler has come, which it does late at a picture a second, each `length` is a call.
  const { length } = a;
  let changed = 0;
  for (let at = 0; at < length; at += 1) {
    const gap = (a[at] as number) - (b[at] as number);
    if (gap >= change || gap <= -change) changed += 1;
  }
  return changed / length;
}

/** @param a,b samples of two pictures */
export function isSimilarSample(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && changedShare(a, b, ALIKE_CHANGE) < ALIKE_SHARE;
}
