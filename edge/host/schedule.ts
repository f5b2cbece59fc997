/** When a device is due: a fixed grid, so that delays never add up, with a phase and a little jitter of its own. */
import type { Random } from '../../core/world.ts';

const FIRST_POLL_WITHIN_MS = 2000;
/** Room for each device at start, so that hundreds do not call in the same moment. */
const FIRST_POLL_ROOM_MS = 5;
const JITTER_PART = 0.02;
const JITTER_MOST_MS = 200;

export class Schedule {
  readonly #periodMs: number;
  readonly #random: Random;
  readonly #gridMs: number;
  #dueMs: number;
  #slot = 0;

  /**
   * @param startMs monotonic
   * @param devices how many start together: their first polls are spread over about 2 s, their later ones over the period
   */
  constructor(periodMs: number, startMs: number, devices: number, random: Random) {
    this.#periodMs = periodMs;
    this.#random = random;
    this.#gridMs = startMs + random.next() * periodMs;
    this.#dueMs = startMs + random.next() * Math.min(periodMs, FIRST_POLL_WITHIN_MS + FIRST_POLL_ROOM_MS * devices);
    // The first slot of the grid that is not right upon the first poll.
    this.#slot = Math.ceil((this.#dueMs - this.#gridMs) / periodMs + 0.25) - 1;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** To the next slot after `nowMs` (monotonic). @returns how many slots were passed over */
  next(nowMs: number): number {
    return this.notBefore(nowMs, nowMs);
  }

  /** Left out until `untilMs`. @returns how many slots were passed over */
  notBefore(untilMs: number, nowMs: number): number {
    const before = this.#slot;
    this.#slot = Math.max(before + 1, Math.ceil((Math.max(untilMs, nowMs) - this.#gridMs) / this.#periodMs));
    const jitterMs = this.#random.next() * Math.min(JITTER_MOST_MS, this.#periodMs * JITTER_PART);
    this.#dueMs = Math.max(this.#gridMs + this.#slot * this.#periodMs + jitterMs, nowMs);
    return this.#slot - before - 1;
  }
}
