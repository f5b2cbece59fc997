/** A store whose file turns out to be damaged while it is used: whoever met that waits until another stands in its place, and tries again. */
import { faultOf } from '../../core/faults.ts';
import { serialQueue } from '../../core/task-queue.ts';
import type { Clock } from '../../core/world.ts';

/** A file that is damaged again sooner lies on a disk that no mending helps. */
const AGAIN_AFTER_MS = 600_000;

export class Mending {
  /** Commits, and putting another file in the place of this one. */
  readonly inTurn = serialQueue();
  readonly #clock: Clock;
  readonly #mend: (detail: string) => Promise<void>;
  #mended = 0;
  #againAtMs = -Infinity;

  /** @param mend puts what can be saved in the file's place */
  constructor(clock: Clock, mend: (detail: string) => Promise<void>) {
    this.#clock = clock;
    this.#mend = mend;
  }

  async orMend<T>(run: () => Promise<T>): Promise<T> {
    const mended = this.#mended;
    try {
      return await run();
    } catch (error) {
      await this.#after(error, mended);
      return run();
    }
  }

  /** What is tried again in its own time failed. @throws the same where nothing can be done about it */
  after(error: unknown): Promise<void> {
    return this.#after(error, this.#mended);
  }

  /** @param mended how often before what failed was begun: since then it may have been done */
  #after(error: unknown, mended: number): Promise<void> {
    const { code, params } = faultOf(error, 'CV_STORE_FAILED');
    if (code !== 'CV_STORE_DAMAGED') return Promise.reject(error as Error);
    return this.inTurn(async () => {
      if (this.#mended !== mended) return;
      if (this.#clock.monotonicMs() < this.#againAtMs) throw error;
      this.#againAtMs = this.#clock.monotonicMs() + AGAIN_AFTER_MS;
      await this.#mend(String(params.detail ?? ''));
      this.#mended += 1;
    });
  }
}
