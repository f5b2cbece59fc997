/** Frames of a link one at a time, for whoever reads a few of them: `check`, cases, tests and rigs. */
import type { Link } from './driver.ts';

/** Those of either kind of link, until it ends or the signal aborts; who leaves the loop listens no longer. */
export async function* linkFrames<Frame>(link: Pick<Link<Frame>, 'listen' | 'frames'>, signal: AbortSignal): AsyncGenerator<Frame, void> {
  if (!link.listen) return yield* link.frames?.(signal) ?? [];
  const leaving = new AbortController();
  let waiting: Frame[] = [];
  let end: { error?: unknown } | null = null;
  let wake = () => {};
  const ended = (how: { error?: unknown }) => {
    end = how;
    wake();
  };
  const take = (frame: Frame) => {
    waiting.push(frame);
    wake();
  };
  link.listen(take, AbortSignal.any([signal, leaving.signal])).then(() => ended({}), (error: unknown) => ended({ error }));
  try {
    for (;;) {
      const ready = waiting;
      waiting = [];
      yield* ready;
      if (waiting.length > 0) continue;
      const how = end as { error?: unknown } | null;
      if (how && 'error' in how) throw how.error;
      if (how) return;
      await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    leaving.abort();
  }
}
