/** Work with a deadline on the world's clock. */
import type { FaultError } from '../../core/faults.ts';
import type { Clock, Timer } from '../../core/world.ts';

/** After its signal aborted, work has this long to end by itself. */
export const GRACE_MS = 500;

export interface Deadline {
  ms: number;
  /** What the work is aborted with. */
  fault(): FaultError;
}

/**
 * Runs work that takes a signal. The signal aborts at the deadline (with the deadline's fault) or with `outer`.
 * Never hangs: work that goes on after its signal aborted is left behind and handed to `abandoned`.
 *
 * @returns what the work gives; rejects with what it threw, or with the reason its signal was aborted with
 */
export async function within<T>(clock: Clock, deadline: Deadline, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>, abandoned: (late: Promise<T>) => void): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  let grace: Timer | undefined;
  const abort = (reason: unknown, leave: () => void) => {
    if (signal.aborted) return;
    controller.abort(reason);
    grace = clock.after(GRACE_MS, leave);
  };
  let running: Promise<T> | undefined;
  const leftBehind = new Promise<never>((_, reject) => {
    const leave = () => {
      if (running) abandoned(running);
      reject(signal.reason as Error);
    };
    const timer = clock.after(deadline.ms, () => abort(deadline.fault(), leave));
    const end = () => abort(outer.reason, leave);
    outer.addEventListener('abort', end, { once: true });
    if (outer.aborted) end();
    // An async wrapper: work that throws at once is no different from work that rejects.
    running = (async () => work(signal))();
    const over = () => {
      timer.cancel();
      grace?.cancel();
      outer.removeEventListener('abort', end);
    };
    running.then(over, over);
  });
  try {
    return await Promise.race([running as Promise<T>, leftBehind]);
  } catch (error) {
    // Whatever the work made of being aborted: this is what happened.
    throw signal.aborted ? signal.reason : error;
  }
}
