/** Ways to hand pictures on: in the clip's own time, as they come, or as fast as they are taken without losing one. */
import type { Picture } from '../../core/driver.ts';
import { pause, type Clock } from '../../core/world.ts';

/** Gives each picture when its presentation time has come. */
export function playInRealTime(
  source: AsyncIterable<Picture>,
  clock: Clock,
  signal: AbortSignal,
  late: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  const startedMs = clock.monotonicMs();
  return newest(source, ({ ptsMs }) => startedMs + ptsMs - clock.monotonicMs(), clock, signal, late);
}

/** Gives pictures as they come: a live source waits for nobody, so it is always read. */
export function playOnArrival(
  source: AsyncIterable<Picture>,
  clock: Clock,
  signal: AbortSignal,
  late: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  return newest(source, () => 0, clock, signal, late);
}

/** Whoever asks late gets the newest; the ones before are told to `late` and gone. */
async function* newest(
  source: AsyncIterable<Picture>,
  dueInMs: (picture: Picture) => number,
  clock: Clock,
  signal: AbortSignal,
  late: (picture: Picture) => void,
): AsyncGenerator<Picture, void> {
  const stopped = new AbortController();
  const either = AbortSignal.any([signal, stopped.signal]);
  let latest: Picture | null = null;
  let wake = () => {};
  let ended = false;

  async function pump(): Promise<void> {
    for await (const picture of source) {
      const waitMs = dueInMs(picture);
      if (waitMs > 0 && !(await pause(clock, waitMs, either))) return;
      if (latest) late(latest);
      latest = picture;
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

/** Pictures that may be in somebody's hands at once: one that is worked on and one that waits. */
const MAX_HELD = 2;

/** Gives pictures as fast as they are asked for, but waits for those that somebody holds. */
export async function* playWithoutLoss(source: AsyncIterable<Picture>, signal: AbortSignal): AsyncGenerator<Picture, void> {
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
