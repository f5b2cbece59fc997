/** A clock that only moves when told to: timers fire in order of their time, promises settle in between. */
import type { Clock, Timer, World } from '../world.ts';
import { realFiles, realNet, seededRandom } from '../world.ts';
import type { TelemetryEvent } from '../telemetry.ts';

interface Waiting {
  dueMs: number;
  order: number;
  run: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #waiting: Waiting[] = [];
  #order = 0;

  constructor(startsAt = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startsAt;
    this.#startMs = startsAt;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting: Waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), order: (this.#order += 1), run };
    this.#waiting.push(waiting);
    return { cancel: () => { this.#waiting = this.#waiting.filter((other) => other !== waiting); } };
  }

  /** Moves on, firing what falls due on the way; what timers start by promises gets its turns before time goes on. */
  async advanceMs(stepMs: number): Promise<void> {
    const untilMs = this.#nowMs + stepMs;
    await settle();
    for (;;) {
      const next = this.#waiting.filter((waiting) => waiting.dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (!next) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets everything that is ready to run, run: promise turns and one round of real I/O events. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => { setImmediate(resolve); });
}

/** A world for tests: virtual clock, seeded chance, and everything that was told. */
export function testWorld(clock: VirtualClock = new VirtualClock(), seed = 1): World & { clock: VirtualClock; told: TelemetryEvent[] } {
  const told: TelemetryEvent[] = [];
  return { clock, random: seededRandom(seed), files: realFiles, net: realNet, tell: (event) => { told.push(event); }, told };
}
