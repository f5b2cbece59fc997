/**
 * Which pictures are compared with each other: what happens from one to the next takes seconds to be a finding, so two
 * neighbours are looked at, and then there is a rest. Where pictures come seldom each is compared with the one before. Pure.
 */

/** `first`: of two; `second`: to be compared with the last that was taken; `none`: passed over. */
export type PairRole = 'first' | 'second' | 'none';

/** Each in turn: a shake in step with one distance, or with one rest, would look like standing still. */
const APART_MS = [90, 190] as const;
const REST_MS = [790, 590, 990] as const;
/** Those that lie further apart are few enough. */
const SELDOM_MS = 400;

export class PairSampler {
  #takenMs = NaN;
  #pairs = 0;
  /** The last that was taken waits for its neighbour. */
  #isOpen = false;
  /** None was passed over since a pair. */
  #isNext = false;

  /** @param isSuspect whether it cannot wait: each is compared with the one before, no rest */
  roleOf(ptsMs: number, isSuspect: boolean): PairRole {
    const sinceMs = ptsMs - this.#takenMs;
    // The first of all, and a clock that jumped back.
    const isAnew = !(sinceMs >= 0);
    const isPair = this.#isOpen || isSuspect || (this.#isNext && sinceMs >= SELDOM_MS);
    this.#isNext = false;
    if (
      !isAnew &&
      sinceMs < (isPair ? (APART_MS[this.#pairs % APART_MS.length] as number) : (REST_MS[this.#pairs % REST_MS.length] as number))
    )
      return 'none';
    this.#takenMs = ptsMs;
    const isSecond = isPair && !isAnew;
    this.#isOpen = !isSecond;
    this.#isNext = isSecond;
    if (isSecond) this.#pairs += 1;
    return isSecond ? 'second' : 'first';
  }
}
