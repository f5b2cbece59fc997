/**
 * Slows down guessing of passwords. It counts by user and network, never by user alone: whoever guesses elsewhere keeps
 * nobody out. A browser in which the user has signed in before is counted by itself, so that a neighbour behind the same
 * address does not either. An attempt counts when it begins: guesses sent at once are as many as those sent in turn.
 */
import { setBounded } from '../../core/bounded-map.ts';
import { FaultError } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { Clock } from '../../core/world.ts';
import './faults.ts';

const FREE_ATTEMPTS = 5;
const LONGEST_SECONDS = 900;
const MAX_KEYS = 10_000;
/** Of one network, a minute, whatever the names. */
const MAX_OF_NETWORK = 30;

interface Failures {
  count: number;
  untilMs: number;
}

export class SignInLimit {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #failures = new Map<string, Failures>();
  readonly #networks: RateLimit;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#networks = new RateLimit(MAX_OF_NETWORK, clock);
  }

  /**
   * @param browser of a browser that this user has signed in with; null where it is unknown
   * @returns to be called when it was right
   * @throws CV_SIGN_IN_LOCKED, CV_COMMAND_TOO_MANY
   */
  begin(foldedName: string, address: string, browser: string | null): () => void {
    const key = JSON.stringify([foldedName, browser ?? networkOf(address)]);
    const nowMs = this.#clock.monotonicMs();
    const { count, untilMs } = this.#failures.get(key) ?? { count: 0, untilMs: 0 };
    if (nowMs < untilMs) throw new FaultError('CV_SIGN_IN_LOCKED', { waitSeconds: Math.ceil((untilMs - nowMs) / 1000) });
    if (browser === null) this.#networks.count(networkOf(address));
    const waitSeconds = count + 1 < FREE_ATTEMPTS ? 0 : Math.min(LONGEST_SECONDS, 2 ** (count + 1 - FREE_ATTEMPTS));
    // What was set last is forgotten last.
    this.#failures.delete(key);
    setBounded(this.#failures, key, { count: count + 1, untilMs: nowMs + waitSeconds * 1000 }, MAX_KEYS);
    return () => {
      this.#failures.delete(key);
    };
  }
}
