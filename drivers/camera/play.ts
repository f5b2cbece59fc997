/** Playback modes: in real time by presentation time, on arrival, or as fast as possible without dropping a picture. */
import type { Picture } from '../../core/driver.ts';
import { pause, type Clock } from '../../core/world.ts';

/** Yields each picture at its presentation time. */
export function playInRealTime(
  source: AsyncIterable<Picture>,
  clock: Clock,
  signal: AbortSignal,
  onDropped: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  const startedMs = clock.monotonicMs();
  return newest(source, ({ ptsMs }) => startedMs + ptsMs - clock.monotonicMs(), clock, signal, onDropped);
}

/** Yields pictures on arrival; a live source is read continuously, whether or not pictures are processed. */
export function playOnArrival(
  source: AsyncIterable<Picture>,
  clock: Clock,
  signal: AbortSignal,
  onDropped: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  return newest(source, () => 0, clock, signal, onDropped);
}

/** Yields the newest picture; the ones skipped before it go to `onDropped`. */
async function* newest(
  source: AsyncIterable<Picture>,
  dueInMs: (picture: Picture) => number,
  clock: Clock,
  signal: AbortSignal,
  onDropped: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  const stopped = new AbortController();
  const anySignal = AbortSignal.any([signal, stopped.signal]);
  let latest: Picture | null = null;
  let wake = () => {};
  let ended = false;

  async function pump(): Promise<void> {
    for await (const picture of source) {
      const waitMs = dueInMs(picture);
      if (waitMs > 0 && !(await pause(clock, waitMs, anySignal))) return;
      if (latest) onDropped(latest);
      latest = picture;
      wake();
    }
  }

  const pumping = pump().finally(() => {
    ended = true;
    wake();
  });
  // Its failure is thrown by the await below.
  pumping.catch(() => {});
  try {
    for (;;) {
      const picture = latest as Picture | null;
      latest = null;
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

/** Pictures held at once: one in processing and one waiting. */
const MAX_HELD = 2;

/** Yields pictures as fast as they are requested, but pauses while too many are held. */
export async function* playWithoutLoss(source: AsyncIterable<Picture>, signal: AbortSignal): AsyncGenerator<Picture, void> {
  const holds = { count: 0 };
  let wake = () => {};
  const hold = () => {
    let done = false;
    holds.count += 1;
    return () => {
      if (done) return;
      done = true;
      holds.count -= 1;
      wake();
    };
  };
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const picture of source) {
      while (holds.count >= MAX_HELD && !signal.aborted) await new Promise<void>((resolve) => { wake = resolve; });
      if (signal.aborted) return;
      yield Object.assign(picture, { hold });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
