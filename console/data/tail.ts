/** The newest minutes of one series: read from the store, kept up by live values, read again to fill what came late. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PointView, SeriesRange } from '../../api/series.ts';
import { requestApi } from '../shell/gateway-link.ts';
import type { ChartData } from '../ui/chart.tsx';
import type { Focus } from './state.ts';

export const TAIL_MS = 120_000;
/** A backlog that drains fills the past, which live messages do not tell. */
const REREAD_MS = 5000;
const MAX_POINTS = 1000;

const NO_DATA: ChartData = { at: [], value: [] };

export function toChart(points: readonly PointView[]): ChartData {
  return { at: points.map(({ at }) => at), value: points.map(({ value, quality }) => numberOf(value, quality)) };
}

const numberOf = (value: unknown, quality: string): number | null =>
  quality === 'bad' ? null : typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null;

/** @param newest the live value of the same series */
export function useTail(focus: Focus | null, newest: PointView | null, now: number, live: boolean): ChartData {
  const [stored, setStored] = useState<ChartData>(NO_DATA);
  const extra = useRef<PointView[]>([]);
  const clock = useRef(now);
  clock.current = now;
  const key = focus ? `${focus.indicator}|${focus.device}|${focus.point}` : '';

  useEffect(() => {
    setStored(NO_DATA);
    extra.current = [];
  }, [key]);

  // With the gateway gone, what was read last stays to be seen.
  useEffect(() => {
    if (!focus || !live) return;
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const from = Math.floor(clock.current - TAIL_MS - 5000);
      const query = new URLSearchParams({
        ...focus,
        from: String(Math.max(0, from)),
        to: String(Math.ceil(clock.current + 5000)),
        maxPoints: String(MAX_POINTS),
      });
      const range = await requestApi<SeriesRange>(`series?${query}`, { signal: stop.signal });
      const last = range.items.at(-1)?.at ?? 0;
      extra.current = extra.current.filter(({ at }) => at > last);
      setStored(toChart(range.items));
    };
    // A failed read is no news: the live link says when the gateway is gone, and the next read fills in.
    const readQuietly = (): void => void read().catch(() => undefined);
    readQuietly();
    const timer = setInterval(readQuietly, REREAD_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [key, live]);

  if (newest && newest.at > (extra.current.at(-1)?.at ?? stored.at.at(-1) ?? 0))
    extra.current = [...extra.current, newest].slice(-MAX_POINTS);
  const more = toChart(extra.current);
  return { at: [...stored.at, ...more.at], value: [...stored.value, ...more.value] };
}
