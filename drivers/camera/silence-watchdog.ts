/** Detects that no picture has arrived for too long. One timer for all pictures, as one for each would be too slow. */
import { everyMs, type Clock, type Timer } from '../../core/world.ts';

/** The wait is counted in so many parts: where the whole machine stood still, what has come meanwhile is read in between. */
const PARTS = 4;

export class SilenceWatchdog {
  /** It was too long, once. */
  isOver = false;
  #isWaiting = false;
  #parts = 0;
  readonly #timer: Timer;

  /** @param tooLong called once, at the latest a quarter after the limit */
  constructor(limitMs: number, clock: Clock, tooLong: () => void) {
    this.#timer = everyMs(clock, limitMs / PARTS, () => {
      if (!this.#isWaiting || this.isOver) return;
      this.#parts += 1;
      if (this.#parts <= PARTS) return;
      this.isOver = true;
      tooLong();
    });
  }

  /** While nobody asks, nothing is late. */
  async until<T>(coming: Promise<T>): Promise<T> {
    this.#parts = 0;
    this.#isWaiting = true;
    try {
      return await coming;
    } finally {
      this.#isWaiting = false;
    }
  }

  end(): void {
    this.#timer.cancel();
  }
}
