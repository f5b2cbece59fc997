/** Pictures of cameras, fetched while somebody sees them: one camera's each second, those of a long list seldom and few at a time. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CommandView } from '../../../api/commands.ts';
import type { DeviceView } from '../../../api/devices.ts';
import type { PictureView } from '../../../api/pictures.ts';
import { requestApi } from '../../shell/gateway-link.ts';
import { asOperator } from '../../shell/operator.ts';

const EVERY_MS = 1000;
const PREVIEW_EVERY_MS = 15_000;
/** Browsers open six connections to a place; the live messages have one, the views that are open need some. */
const MAX_PREVIEWS_AT_ONCE = 2;
const ANSWER_EVERY_MS = 500;

/** The newest picture, asked for each second while the page is seen; the last one stays when none comes. */
export function usePicture(device: DeviceView, live: boolean): PictureView | null {
  return usePictures(device, live, EVERY_MS, (path, signal) => requestApi<PictureView>(path, { signal }));
}

/** The same for a list: only while its place is in sight. */
export function usePreview(device: DeviceView, live: boolean): { picture: PictureView | null; place: { current: HTMLElement | null } } {
  const place = useRef<HTMLElement | null>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? false), { rootMargin: '200px' });
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const picture = usePictures(device, live && isSeen, PREVIEW_EVERY_MS, (path, signal) =>
    inTurn(() => requestApi<PictureView>(path, { signal })),
  );
  return { picture, place };
}

function usePictures(
  device: DeviceView,
  isWanted: boolean,
  everyMs: number,
  fetchOne: (path: string, signal: AbortSignal) => Promise<PictureView>,
): PictureView | null {
  const [picture, setPicture] = useState<PictureView | null>(null);
  const path = device.picture;
  useEffect(() => {
    if (!isWanted || path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const turn = async (): Promise<void> => {
      if (!document.hidden)
        await fetchOne(`devices/${encodeURIComponent(device.id)}/picture`, stop.signal).then(setPicture, () => undefined);
      if (!stop.signal.aborted) timer = setTimeout(() => void turn(), everyMs);
    };
    void turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [device.id, path, isWanted]);
  return picture?.device === device.id ? picture : null;
}

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(task: () => Promise<T>): Promise<T> {
  if (running >= MAX_PREVIEWS_AT_ONCE) await new Promise<void>((resolve) => { waiting.push(resolve); });
  running += 1;
  try {
    return await task();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

/** Has the edge fetch a sharp picture of now: by a command, so operators alone may. @returns what became of it */
export async function takeSnapshot(device: string, reason: string, signal: AbortSignal): Promise<CommandView> {
  const headers = asOperator();
  let command = await requestApi<CommandView>('commands', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'snapshot', device, reason }),
    signal,
  });
  while (command.status === 'pending') {
    await new Promise((resolve) => { setTimeout(resolve, ANSWER_EVERY_MS); });
    command = await requestApi<CommandView>(`commands/${encodeURIComponent(command.id)}`, { headers, signal });
  }
  return command;
}
