/** How fast a replay goes: so many recorded seconds a second, or as fast as it can. */
export type Speed = number | 'max';

/** Waits in real time for what a replay is about to play. @param startsAt ms UTC of the recording's start */
export function paceAt(speed: Speed, startsAt: number, signal: AbortSignal): ((untilMs: number) => Promise<void>) | undefined {
  if (speed === 'max') return undefined;
  const begunMs = performance.now();
  return (untilMs) => new Promise((resolve) => {
    const waitMs = (untilMs - startsAt) / speed - (performance.now() - begunMs);
    if (waitMs <= 1 || signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(waitMs, 2 ** 31 - 1));
    signal.addEventListener('abort', end, { once: true });
  });
}
