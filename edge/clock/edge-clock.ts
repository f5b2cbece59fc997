/**
 * The edge's clock: elapsed time since the boot, and whose word says what time that is. A box without a battery starts
 * with a time that may be years off; until somebody who is to be believed has set it, everything it stamps is
 * `unsynced`. Once it is known, the clock goes on by elapsed time, follows its source, and steps only on a trusted word.
 */
import type { Boot, BootClock, Recalled } from '../../log/boot.ts';
import type { Clock, ClockTrust, Timer } from '../../core/world.ts';

export const TIME_SOURCES = ['system', 'ntp', 'hardware', 'gateway'] as const;
/** Whose word may set the clock: the system's clock as it is, the same when NTP or a hardware clock stands behind it, the gateway's. */
export type TimeSource = (typeof TIME_SOURCES)[number];

/** From weak to strong; `boot`: a process before us, in this boot, knew it. A weaker word changes nothing that a stronger one said. */
const RANK: Record<TimeSource | 'boot', number> = { boot: 0, hardware: 1, gateway: 2, ntp: 3, system: 3 };
/** Differences up to this are the noise of how the source is read. */
const NOISE_MS: Record<TimeSource | 'boot', number> = { boot: 0, hardware: 500, gateway: 250, ntp: 5, system: 5 };
/** From here on it is no drift but a step. */
export const MIN_STEP_MS = 1000;

export interface ClockStep {
  source: TimeSource | 'boot';
  /** ms by which the clock was set forward; negative: back. */
  byMs: number;
  /** It had been trusted before: what was stamped until now was wrong by as much. */
  wasTrusted: boolean;
}

export class EdgeClock implements Clock, BootClock {
  readonly boot: Boot;
  readonly trust: ClockTrust = { isTrusted: () => this.#source !== null, jumpedMs: () => this.#jumpedMs };
  readonly #system: Clock;
  /** What it shows at uptime 0. */
  #zeroAt: number;
  #assumedAt: number;
  #source: TimeSource | 'boot' | null = null;
  #jumpedMs = 0;
  /** The newest time that was given: small corrections make it wait, never go back. */
  #givenAt = -Infinity;
  #onSet: (step: ClockStep) => void = () => {};

  constructor(system: Clock, boot: Boot) {
    this.#system = system;
    this.boot = boot;
    this.#zeroAt = this.#assumedAt = system.nowMs() - boot.uptimeMs();
  }

  get assumedAt(): number {
    return this.#assumedAt;
  }

  get zeroAt(): number {
    return this.#zeroAt;
  }

  get source(): TimeSource | 'boot' | null {
    return this.#source;
  }

  nowMs(): number {
    this.#givenAt = Math.max(this.#givenAt, Math.floor(this.#zeroAt + this.boot.uptimeMs()));
    return this.#givenAt;
  }

  monotonicMs(): number {
    return this.#system.monotonicMs();
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#system.after(delayMs, run);
  }

  /** Told of every step and of the first trusted word. */
  onSet(listener: (step: ClockStep) => void): void {
    this.#onSet = listener;
  }

  /** Goes on where this boot was, else with the system's time, but never below what was shown before. */
  begin({ shownAt, assumedAt, trueAt }: Recalled): void {
    const uptimeMs = this.boot.uptimeMs();
    this.#zeroAt = this.#assumedAt = assumedAt ?? Math.max(this.#system.nowMs(), shownAt) - uptimeMs;
    this.#givenAt = -Infinity;
    if (trueAt !== null) this.learn('boot', trueAt + uptimeMs);
  }

  /** How far the system's clock is from this one, ms. */
  systemAheadMs(): number {
    return this.#system.nowMs() - (this.#zeroAt + this.boot.uptimeMs());
  }

  /** A source that is to be believed says that it is `nowAt` now, ms UTC. */
  learn(source: TimeSource | 'boot', nowAt: number): void {
    const wasTrusted = this.#source !== null;
    if (this.#source !== null && RANK[source] < RANK[this.#source]) return;
    this.#source = source;
    const zeroAt = nowAt - this.boot.uptimeMs();
    const byMs = zeroAt - this.#zeroAt;
    if (wasTrusted && Math.abs(byMs) <= NOISE_MS[source]) return;
    this.#zeroAt = zeroAt;
    if (wasTrusted && Math.abs(byMs) < MIN_STEP_MS) return;
    this.#jumpedMs += byMs;
    this.#givenAt = -Infinity;
    this.#onSet({ source, byMs, wasTrusted });
  }
}
