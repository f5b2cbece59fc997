/**
 * Frames of a device that speaks by itself, as they come, whichever connection brings them. One that dials in may be
 * away for a while without its link being broken: that is said once, and the link waits for it.
 */
import type { FaultError } from './faults.ts';
import type { Clock, Timer } from './world.ts';

/** A device dials again within moments; a SIM card takes its time. */
const AWAY_AFTER_MS = 15_000;

export interface Coming<Frame> {
  /** The next frame that waits. */
  next(): Frame | undefined;
  /** Calls back whenever a frame waits, or the device came or went. */
  onChange(run: () => void): void;
  /** Whether it is connected; always true of one whose absence ends the link. */
  isHere(): boolean;
  /** Word that it is away. */
  away(): Frame;
  /** Why the link is over; null while it is not, or where the device's end is not the link's. */
  ended(): FaultError | null;
  isClosed(): boolean;
}

/** @param onWake is given what has to be called when `ended` or `isClosed` turns */
export async function* framesAsTheyCome<Frame>(coming: Coming<Frame>, clock: Clock, signal: AbortSignal, onWake: (wake: () => void) => void): AsyncGenerator<Frame> {
  let wake = () => {};
  let away: Timer | null = null;
  let [isAwayDue, isAwayTold] = [false, false];
  const changed = () => {
    if (coming.isHere() || isAwayTold) {
      away?.cancel();
      away = null;
    } else away ??= clock.after(AWAY_AFTER_MS, () => {
      away = null;
      isAwayDue = true;
      wake();
    });
    wake();
  };
  coming.onChange(changed);
  onWake(() => wake());
  signal.addEventListener('abort', changed, { once: true });
  changed();
  try {
    while (!signal.aborted && !coming.isClosed()) {
      const frame = coming.next();
      const end = frame === undefined ? coming.ended() : null;
      if (frame !== undefined) {
        isAwayTold = false;
        yield frame;
      } else if (end) throw end;
      else if (isAwayDue) {
        isAwayDue = false;
        if (coming.isHere()) continue;
        isAwayTold = true;
        yield coming.away();
      } else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    (away as Timer | null)?.cancel();
    signal.removeEventListener('abort', changed);
    coming.onChange(() => {});
  }
}
