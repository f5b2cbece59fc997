/** So many of a kind a minute, by whoever asks. */
import { FaultError } from './faults.ts';
import type { Clock } from './world.ts';

const MINUTE_MS = 60_000;
/** Remembered at one time; the longest known goes first. */
const MAX_KEYS = 10_000;

export class RateLimit {
  readonly #most: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #times = new Map<string, number[]>();

  constructor(most: number, clock: Pick<Clock, 'monotonicMs'>) {
    this.#most = most;
    this.#clock = clock;
  }

  /** Counts one. @throws CV_COMMAND_TOO_MANY where there were as many already */
  count(who: string): void {
    const nowMs = this.#clock.monotonicMs();
    const recent = (this.#times.get(who) ?? []).filter((atMs) => nowMs - atMs < MINUTE_MS);
    this.#times.set(who, recent);
    if (recent.length >= this.#most)
      throw new FaultError('CV_COMMAND_TOO_MANY', {
        limit: this.#most,
        who,
        waitSeconds: Math.ceil((MINUTE_MS - (nowMs - (recent[0] as number))) / 1000),
      });
    recent.push(nowMs);
    const [oldest] = this.#times.keys();
    if (this.#times.size > MAX_KEYS && oldest !== undefined) this.#times.delete(oldest);
  }
}
