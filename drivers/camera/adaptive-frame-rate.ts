/**
 * Adapts the frame rate to the load. While many pictures are dropped for newer ones, fewer are passed on, evenly spaced,
 * down to the configured minimum; when all are processed again, more. Pure.
 */

/** Number of passed pictures after which the rate is adjusted. */
const ADJUST_EVERY = 10;
/** Share of dropped pictures from which the rate is lowered. */
const MAX_DROPPED_SHARE = 0.3;
const RAISE_FACTOR = 1.25;

export class AdaptiveFrameRate {
  readonly #fps: number;
  readonly #minFps: number;
  #currentFps: number;
  #passed = 0;
  #dropped = 0;
  #nextMs = -Infinity;
  #isSlow = false;

  /** @param minFps equal to `fps`: the rate is never lowered */
  constructor(fps: number, minFps: number) {
    this.#fps = fps;
    this.#minFps = Math.min(fps, minFps);
    this.#currentFps = fps;
  }

  /** Current pictures per second. */
  get fps(): number {
    return this.#currentFps;
  }

  /** Even the minimum rate is more than can be processed. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** A picture that was passed on was dropped unprocessed. */
  recordDropped(): void {
    this.#dropped += 1;
  }

  /** Whether the picture of this time is to be passed on. */
  accepts(ptsMs: number): boolean {
    const stepMs = 1000 / this.#currentFps;
    if (this.#currentFps < this.#fps && ptsMs < this.#nextMs) return false;
    // On a grid, so that every second picture of 25 fps gives 12.5 fps and not 12.
    this.#nextMs = ptsMs - this.#nextMs < stepMs ? this.#nextMs + stepMs : ptsMs + stepMs;
    this.#passed += 1;
    if (this.#passed === ADJUST_EVERY) this.#adjust();
    return true;
  }

  #adjust(): void {
    const share = this.#dropped / this.#passed;
    this.#passed = 0;
    this.#dropped = 0;
    this.#isSlow = share >= MAX_DROPPED_SHARE && this.#currentFps <= this.#minFps;
    if (share >= MAX_DROPPED_SHARE) this.#currentFps = Math.max(this.#minFps, this.#currentFps * Math.max(0.5, 1 - share));
    else if (share === 0) this.#currentFps = Math.min(this.#fps, this.#currentFps * RAISE_FACTOR);
  }
}
