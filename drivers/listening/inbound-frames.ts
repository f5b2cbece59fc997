/**
 * Hands on the frames of a device that sends by itself, whichever connection they come over. A device that dials in may
 * disconnect without ending its link: that is reported by one frame, and the link waits for it.
 */
import type { FrameHandler } from '../../core/driver.ts';
import type { FaultError } from '../../core/faults.ts';
import type { Clock, Timer } from '../../core/world.ts';

/** A device dials again within moments; a mobile modem takes longer. */
const AWAY_AFTER_MS = 15_000;

export interface InboundFrames<Frame> {
  /** The next waiting frame. */
  next(): Frame | undefined;
  /** Sets the callback for a new frame, a connect or disconnect, and a change of `endError` or `isClosed`. */
  onChange(run: () => void): void;
  /** Whether the device is connected, and the frame that reports that it is not; absent where a disconnect ends the link. */
  presence?: { isConnected(): boolean; awayFrame(): Frame };
  /** Why the link is over; null while it is not. */
  endError(): FaultError | null;
  isClosed(): boolean;
}

/** Resolves when the link is closed or the signal aborts; rejects with `endError` once all waiting frames are taken. */
export function receiveFrames<Frame>(
  { presence, ...frames }: InboundFrames<Frame>,
  clock: Clock,
  take: FrameHandler<Frame>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let awayTimer: Timer | null = null;
    let [isAwayReported, isOver] = [false, false];
    function end(settle: () => void): void {
      isOver = true;
      awayTimer?.cancel();
      signal.removeEventListener('abort', changed);
      frames.onChange(() => {});
      settle();
    }
    function changed(): void {
      while (!isOver) {
        if (signal.aborted || frames.isClosed()) return end(resolve);
        const frame = frames.next();
        if (frame === undefined) break;
        isAwayReported = false;
        take(frame);
      }
      if (isOver) return;
      const error = frames.endError();
      if (error) return end(() => reject(error));
      if (presence && !presence.isConnected() && !isAwayReported)
        return void (awayTimer ??= clock.after(AWAY_AFTER_MS, () => reportAway(presence)));
      awayTimer?.cancel();
      awayTimer = null;
    }
    function reportAway({ awayFrame }: NonNullable<InboundFrames<Frame>['presence']>): void {
      awayTimer = null;
      isAwayReported = true;
      take(awayFrame());
    }
    frames.onChange(changed);
    signal.addEventListener('abort', changed, { once: true });
    changed();
  });
}
