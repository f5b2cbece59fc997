/**
 * Frames of a device that speaks by itself, as they come, whichever connection brings them. One that dials in may be
 * away for a while without its link being broken: that is said once, and the link waits for it.
 */
import type { FrameHandler } from '../../core/driver.ts';
import type { FaultError } from '../../core/faults.ts';
import type { Clock, Timer } from '../../core/world.ts';

/** A device dials again within moments; a SIM card takes its time. */
const AWAY_AFTER_MS = 15_000;

export interface Coming<Frame> {
  /** The next frame that waits. */
  next(): Frame | undefined;
  /** Calls back whenever a frame waits, the device came or went, or `ended` or `isClosed` turned. */
  onChange(run: () => void): void;
  /** Whether it is connected, and the word that it is not; absent where the device's end is the link's. */
  presence?: { isHere(): boolean; away(): Frame };
  /** Why the link is over; null while it is not. */
  ended(): FaultError | null;
  isClosed(): boolean;
}

/** Resolves when the link is closed or the signal aborts; rejects with what `ended` says, once all that waits is taken. */
export function takeAsTheyCome<Frame>({ presence, ...coming }: Coming<Frame>, clock: Clock, take: FrameHandler<Frame>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let away: Timer | null = null;
    let [isAwayTold, isOver] = [false, false];
    function end(settle: () => void): void {
      isOver = true;
      away?.cancel();
      signal.removeEventListener('abort', changed);
      coming.onChange(() => {});
      settle();
    }
    function changed(): void {
      while (!isOver) {
        if (signal.aborted || coming.isClosed()) return end(resolve);
        const frame = coming.next();
        if (frame === undefined) break;
        isAwayTold = false;
        take(frame);
      }
      if (isOver) return;
      const error = coming.ended();
      if (error) return end(() => reject(error));
      if (presence && !presence.isHere() && !isAwayTold) return void (away ??= clock.after(AWAY_AFTER_MS, () => gone(presence)));
      away?.cancel();
      away = null;
    }
    function gone({ away: word }: NonNullable<Coming<Frame>['presence']>): void {
      away = null;
      isAwayTold = true;
      take(word());
    }
    coming.onChange(changed);
    signal.addEventListener('abort', changed, { once: true });
    changed();
  });
}
