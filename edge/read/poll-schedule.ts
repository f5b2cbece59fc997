/**
 * When a device is due: a fixed grid, so that delays never add up. Devices of one period are due together, a few at a
 * time: each wake of the process costs more than a read (docs/decisions/0022).
 */
import type { Random } from '../../core/world.ts';

/** So many are due in one moment; the next so many have a moment of their own. */
export const MAX_DUE_TOGETHER = 16;
/** Multiples of it lie evenly in [0, 1) however many there are, and each new one in the widest room left. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Edges that start together poll, and send, apart. */
const PHASE_MS = 1000;
const FIRST_POLL_WITHIN_MS = 2000;
/** Room for each device at start, so that hundreds do not call in the same moment. */
const FIRST_POLL_ROOM_MS = 5;

/** The moments of all devices of a host. Those of periods that are multiples of each other fall together where they can. */
export class PollPhases {
  readonly #beginMs: number;
  /** Devices so far, by period. */
  readonly #devices = new Map<number, number>();

  /** @param startMs monotonic */
  constructor(startMs: number, random: Random) {
    this.#beginMs = startMs + random.next() * PHASE_MS;
  }

  /** For one more device: a monotonic time from which it is due every `periodMs`. */
  next(periodMs: number): number {
    const before = this.#devices.get(periodMs) ?? 0;
    this.#devices.set(periodMs, before + 1);
    return this.#beginMs + ((Math.floor(before / MAX_DUE_TOGETHER) * GOLDEN) % 1) * periodMs;
  }
}

export class PollSchedule {
  readonly #periodMs: number;
  readonly #gridMs: number;
  #dueMs: number;
  #slot: number;

  /**
   * @param gridMs monotonic; one of its slots
   * @param startMs monotonic
   * @param devices how many start together: first polls of long periods are spread over about 2 s
   */
  constructor(periodMs: number, gridMs: number, startMs: number, devices: number) {
    this.#periodMs = periodMs;
    this.#gridMs = gridMs;
    const withinMs = Math.min(periodMs, FIRST_POLL_WITHIN_MS + FIRST_POLL_ROOM_MS * devices);
    this.#dueMs = startMs + ((((gridMs - startMs) % withinMs) + withinMs) % withinMs);
    // The first slot of the grid that is not right upon the first poll.
    this.#slot = Math.ceil((this.#dueMs - gridMs) / periodMs + 0.25) - 1;
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
    this.#dueMs = Math.max(this.#gridMs + this.#slot * this.#periodMs, nowMs);
    return this.#slot - before - 1;
  }
}
