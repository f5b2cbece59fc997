/** A camera's last frame with what was found in it, drawn over it by the browser; or, for who may and wants to, its stream. */
import { useEffect, useState } from 'preact/hooks';
import type { DeviceView, PictureView } from '../../core/api.ts';
import { age, clockTime, fullTime } from '../format.ts';
import { ask } from '../link.ts';
import { useLive } from '../live.ts';
import { useView } from '../view.ts';
import type { Dictionary } from '../words.ts';
import { Icon } from './icons.tsx';
import { LiveBar } from './live.tsx';

const EVERY_MS = 1000;
const VEHICLES = new Set(['car', 'bus', 'truck', 'motorcycle', 'bicycle']);
const OLD_MS = 10_000;

export function Cameras() {
  const { state, words } = useView();
  const camera = state.devices.find(({ picture }) => picture !== null) ?? state.devices.find(({ driver }) => driver === 'camera');
  return (
    <section class="panel camera" data-part="camera" aria-labelledby="camera-title">
      <h2 id="camera-title">{words.camera}{camera && <span class="quiet">{camera.id}</span>}</h2>
      {camera ? <Camera device={camera} /> : <p class="calm">{words.noCamera}</p>}
    </section>
  );
}

function Camera({ device }: { device: DeviceView }) {
  const { words, lang, now, state } = useView();
  const [isWanted, setWanted] = useState(false);
  const live = useLive(device.id, isWanted && device.live !== undefined);
  const isShowing = live.state.is === 'showing';
  const picture = usePicture(device, state.link.is === 'live' && !isShowing);
  if (!picture) return <div class="no-picture"><Icon name="camera" /><p>{words.cameraWaiting}</p></div>;
  const counts = countsOf(picture, words);
  return (
    <figure class="picture">
      <div class="picture-frame">
        <img hidden={isShowing} src={`data:image/jpeg;base64,${picture.jpegBase64}`} width={picture.width} height={picture.height} alt={words.pictureAlt(device.id, counts.join(', '))} />
        {isWanted && <div ref={live.place} data-part="live-picture" role="img" aria-label={words.liveAlt(device.id)} hidden={!isShowing} />}
        <svg hidden={isShowing} viewBox={`0 0 ${picture.width} ${picture.height}`} aria-hidden="true">
          {picture.boxes.map((box, at) => (
            <rect key={at} class={kindOf(box.class)} x={box.x * picture.width} y={box.y * picture.height} width={box.width * picture.width} height={box.height * picture.height} rx="2" />
          ))}
        </svg>
      </div>
      <figcaption hidden={isShowing}>
        <span class="counts">{counts.map((count) => <strong key={count}>{count}</strong>)}</span>
        <span class="quiet" title={fullTime(picture.at)}>{words.frame(clockTime(picture.at))}{now - picture.at > OLD_MS && ` · ${words.ago(age(now - picture.at, lang))}`}</span>
      </figcaption>
      {device.live !== undefined && <LiveBar live={live} isWanted={isWanted} setWanted={setWanted} />}
    </figure>
  );
}

const kindOf = (name: string): string => (name === 'person' ? 'box-person' : VEHICLES.has(name) ? 'box-vehicle' : 'box-other');

function countsOf(picture: PictureView, words: Dictionary): string[] {
  const counts = new Map<string, number>();
  for (const box of picture.boxes) counts.set(box.class, (counts.get(box.class) ?? 0) + 1);
  if (counts.size === 0) return [words.nothingSeen];
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name, count]) => words.counted(words.classes[name] ?? name, count));
}

/** The newest picture, asked for each second while the page is seen; the last one stays when none comes. */
function usePicture(device: DeviceView, live: boolean): PictureView | null {
  const [picture, setPicture] = useState<PictureView | null>(null);
  const path = device.picture;
  useEffect(() => {
    if (!live || path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const turn = async (): Promise<void> => {
      if (!document.hidden) await ask<PictureView>(`devices/${encodeURIComponent(device.id)}/picture`, { signal: stop.signal }).then(setPicture, () => undefined);
      if (!stop.signal.aborted) timer = setTimeout(() => void turn(), EVERY_MS);
    };
    void turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [device.id, path, live]);
  return picture?.device === device.id ? picture : null;
}
