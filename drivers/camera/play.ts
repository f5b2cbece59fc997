/** Two ways to hand pictures on: in the clip's own time, or as fast as they are taken without losing one. */
import type { Picture } from '../../core/driver.ts';
import { pause, type Clock } from '../../core/world.ts';

/**
 * Gives each picture when its presentation time has come. Whoever asks late gets the newest; the ones before are told
 * to `late` and gone.
 */
export async function* inItsOwnTime(source: AsyncIterable<Picture>, clock: Clock, signal: AbortSignal, late: (picture: Picture) => void): AsyncGenerator<Picture, void> {
  const startedMs = clock.monotonicMs();
  const stopped = new AbortController();
  const either = AbortSignal.any([signal, stopped.signal]);
  let newest: Picture | null = null;
  let wake = () => {};
  let ended = false;

  async function pump(): Promise<void> {
    for await (const picture of source) {
      const waitMs = startedMs + picture.ptsMs - clock.monotonicMs();
      if (waitMs > 0 && !(await pause(clock, waitMs, either))) return;
      if (newest) late(newest);
      newest = picture;
      wake();
    }
  }

  const pumping = pump().finally(() => {
    ended = true;
    wake();
  });
  // Its failure is thrown below, when its turn comes.
  pumping.catch(() => {});
  try {
    for (;;) {
      const picture = newest as Picture | null;
      newest = null;
      if (signal.aborted) return;
      if (picture) yield picture;
      else if (ended) break;
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
    await pumping;
  } finally {
    stopped.abort();
  }
}

/** Pictures that may be in somebody's hands at once: one that is worked on and one that waits. */
const MAX_HELD = 2;

/** Gives pictures as fast as they are asked for, but waits for those that somebody holds. */
export async function* withoutLoss(source: AsyncIterable<Picture>, signal: AbortSignal): AsyncGenerator<Picture, void> {
  const hands = { held: 0 };
  let wake = () => {};
  const hold = () => {
    let done = false;
    hands.held += 1;
    return () => {
      if (done) return;
      done = true;
      hands.held -= 1;
      wake();
    };
  };
  const aborted = () => wake();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    for await (const picture of source) {
      while (hands.held >= MAX_HELD && !signal.aborted) await new Promise<void>((resolve) => { wake = resolve; });
      if (signal.aborted) return;
      yield Object.assign(picture, { hold });
    }
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
