/**
 * Adapts the frame rate to the load. While many pictures are dropped for newer ones, fewer are handed on, evenly spaced,
 * down to the configured minimum; when all are processed again, more. Pure.
 */

/** Judged every so many pictures that were given. */
const JUDGED = 10;
/** From this share on there are too many. */
const TOO_LATE = 0.3;
const FASTER = 1.25;

export class AdaptiveFrameRate {
  readonly #fps: number;
  readonly #minFps: number;
  #now: number;
  #given = 0;
  #late = 0;
  #nextMs = -Infinity;
  #isSlow = false;

  /** @param minFps the same as `fps`: nothing is ever left out */
  constructor(fps: number, minFps: number) {
    this.#fps = fps;
    this.#minFps = Math.min(fps, minFps);
    this.#now = fps;
  }

  /** Pictures a second at the moment. */
  get now(): number {
    return this.#now;
  }

  /** Even the least that was declared is more than can be looked at. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** One that was given came to nothing. */
  late(): void {
    this.#late += 1;
  }

  /** Whether the picture of this time is to be given. */
  wants(ptsMs: number): boolean {
    const stepMs = 1000 / this.#now;
    if (this.#now < this.#fps && ptsMs < this.#nextMs) return false;
    // On a grid, so that 25 a second give 2 of 12.5 and not 2 of 12.
    this.#nextMs = ptsMs - this.#nextMs < stepMs ? this.#nextMs + stepMs : ptsMs + stepMs;
    this.#given += 1;
    if (this.#given === JUDGED) this.#judge();
    return true;
  }

  #judge(): void {
    const share = this.#late / this.#given;
    this.#given = 0;
    this.#late = 0;
    this.#isSlow = share >= TOO_LATE && this.#now <= this.#minFps;
    if (share >= TOO_LATE) this.#now = Math.max(this.#minFps, this.#now * Math.max(0.5, 1 - share));
    else if (share === 0) this.#now = Math.min(this.#fps, this.#now * FASTER);
  }
}
