/** Work with a deadline on the world's clock. */
import type { FaultError } from '../../core/faults.ts';
import type { Clock, Timer } from '../../core/world.ts';

/** After its signal aborted, work has this long to end by itself. */
export const ABORT_GRACE_MS = 500;

export interface Deadline {
  ms: number;
  /** What the work is aborted with. */
  fault(): FaultError;
}

type Work<T> = (signal: AbortSignal) => Promise<T>;
/** Takes what goes on after its signal aborted and is waited for no longer. */
type Abandoned<T> = (late: Promise<T>) => void;

/** Work under way. */
interface Running {
  deadline: Deadline;
  /** Monotonic. */
  untilMs: number;
  /** Ends the wait for it. */
  leave(reason: unknown): void;
  grace: Timer | null;
}

/**
 * Deadlines of works that come one after the other, as the exchanges of a bus do. One timer, one listener and, until it
 * aborts, one signal serve them all: hardly any work is late, so the timer is set for the first of them, and looks when
 * it fires how long the present one may still take.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #end = () => { if (this.#running) this.#abort(this.#running, this.#outer.reason); };
  /** Of all works until one is aborted: making one for each costs more than most of them. */
  #controller = new AbortController();
  #running: Running | null = null;
  #timer: Timer | null = null;
  /** Monotonic: when the timer fires. */
  #firesAtMs = Infinity;

  /** @param outer ends whatever work is under way */
  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    outer.addEventListener('abort', this.#end, { once: true });
  }

  /**
   * Runs work that takes a signal. The signal aborts at the deadline (with the deadline's fault) or with `outer`; it is
   * that of other works too, so whoever listens to it stops when the work is done, or knows that there is none.
   * Never hangs: work that goes on after its signal aborted is left behind and handed to `abandoned`.
   *
   * @returns what the work gives; rejects with what it threw, or with the reason its signal was aborted with
   */
  run<T>(deadline: Deadline, work: Work<T>, abandoned: Abandoned<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#controller.signal.aborted) this.#controller = new AbortController();
      const { signal } = this.#controller;
      const untilMs = this.#clock.monotonicMs() + deadline.ms;
      const running: Running = {
        deadline, untilMs, grace: null,
        leave(reason) {
          abandoned(working);
          reject(reason);
        },
      };
      this.#running = running;
      if (this.#outer.aborted) this.#end();
      else if (this.#firesAtMs > untilMs) this.#watch(untilMs, deadline.ms);
      const working = started(work, signal);
      working.then((value) => {
        this.#over(running);
        resolve(value);
      }, (error: unknown) => {
        this.#over(running);
        // Whatever the work made of being aborted: this is what happened.
        reject(signal.aborted ? signal.reason : error);
      });
    });
  }

  /** Nothing is run for a while: no timer fires for nothing. */
  pause(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#firesAtMs = Infinity;
  }

  /** Nothing more will be run. */
  close(): void {
    this.pause();
    this.#outer.removeEventListener('abort', this.#end);
  }

  #over(running: Running): void {
    running.grace?.cancel();
    if (this.#running === running) this.#running = null;
  }

  #watch(untilMs: number, waitMs: number): void {
    this.#timer?.cancel();
    this.#firesAtMs = untilMs;
    this.#timer = this.#clock.after(waitMs, () => this.#look());
  }

  #look(): void {
    this.#firesAtMs = Infinity;
    const running = this.#running;
    if (!running) return;
    const leftMs = running.untilMs - this.#clock.monotonicMs();
    if (leftMs > 0) this.#watch(running.untilMs, leftMs);
    else this.#abort(running, running.deadline.fault());
  }

  #abort(running: Running, reason: unknown): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    running.grace = this.#clock.after(ABORT_GRACE_MS, () => running.leave(reason));
  }
}

/** One work with a deadline: as `DeadlineTimer.run`. */
export async function withDeadline<T>(
  clock: Clock,
  deadline: Deadline,
  outer: AbortSignal,
  work: Work<T>,
  abandoned: Abandoned<T>,
): Promise<T> {
  const timer = new DeadlineTimer(clock, outer);
  try {
    return await timer.run(deadline, work, abandoned);
  } finally {
    timer.close();
  }
}

/** Work that throws at once is no different from work that rejects. */
function started<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
  try {
    return Promise.resolve(work(signal));
  } catch (error) {
    return Promise.reject(error as Error);
  }
}
