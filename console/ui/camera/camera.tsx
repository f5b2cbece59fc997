/** A camera's last picture with what was found in it, drawn over it by the browser; or, for who may and wants to, its stream. */
import { useState } from 'preact/hooks';
import type { DeviceView } from '../../../api/devices.ts';
import type { PictureView } from '../../../api/pictures.ts';
import { camerasOf, firstCameras } from '../../data/cameras.ts';
import { age, clockTime, fullTime } from '../format.ts';
import { useLive } from './live.ts';
import { usePicture } from './pictures.ts';
import { camerasHref, useView } from '../../shell/view.ts';
import type { Dictionary } from '../../shell/dictionary.ts';
import { Icon } from '../icons.tsx';
import { LiveBar } from './live-bar.tsx';
import { Overlay, OverlayTexts } from './overlay.tsx';
import { SnapshotBar } from './snapshot.tsx';

const VEHICLES = new Set(['car', 'bus', 'truck', 'motorcycle', 'bicycle']);
const OLD_MS = 10_000;
const REMEMBERED = 'cityvitals.camera';

/** One of them, on the overview: whichever was chosen last. */
export function Cameras() {
  const { state, words } = useView();
  const cameras = camerasOf(state.devices);
  const [chosen, setChosen] = useState(() => localStorage.getItem(REMEMBERED) ?? '');
  const camera = cameras.find(({ id }) => id === chosen) ?? firstCameras(cameras);
  const choose = (id: string): void => {
    localStorage.setItem(REMEMBERED, id);
    setChosen(id);
  };
  return (
    <section class="panel camera" data-part="camera" aria-labelledby="camera-title">
      <h2 id="camera-title">{words.camera}{camera && cameras.length === 1 && <span class="quiet">{camera.id}</span>}</h2>
      {camera && cameras.length > 1 && (
        <div class="camera-pick">
          <select aria-label={words.cameraPick} value={camera.id} onChange={(event) => choose(event.currentTarget.value)}>
            {cameras.map(({ id }) => <option key={id} value={id} selected={id === camera.id}>{id}</option>)}
          </select>
          <a href={camerasHref([])}>{words.allCameras(cameras.length)}<Icon name="arrow" /></a>
        </div>
      )}
      {camera ? <CameraView key={camera.id} device={camera} /> : <p class="calm">{words.noCamera}</p>}
    </section>
  );
}

export function CameraView({ device }: { device: DeviceView }) {
  const { words, lang, now, state } = useView();
  const [isWanted, setWanted] = useState(false);
  const [hasNotes, setNotes] = useState(true);
  const [snapshot, setSnapshot] = useState<PictureView | null>(null);
  const live = useLive(device.id, isWanted && device.live !== undefined);
  const isShowing = live.state.is === 'showing';
  const newest = usePicture(device, state.link.is === 'live' && !isShowing && snapshot === null);
  const picture = snapshot ?? newest;
  const counts = picture ? countsOf(picture, words) : [];
  // Neither a stream nor a snapshot can be had of it then.
  const isAway = device.freshness === 'unobserved';
  return (
    <figure class="picture">
      <div class="picture-frame">
        {picture ? (
          <img
            hidden={isShowing}
            src={`data:image/jpeg;base64,${picture.jpegBase64}`}
            width={picture.width}
            height={picture.height}
            alt={words.pictureAlt(device.id, counts.join(', '))}
          />
        ) : (
          <div class="no-picture" hidden={isShowing}>
            <Icon name="camera" />
            <p>{isAway ? words.edgeAway(device.edge) : words.cameraWaiting}</p>
          </div>
        )}
        {isWanted && <div ref={live.place} data-part="live-picture" role="img" aria-label={words.liveAlt(device.id)} hidden={!isShowing} />}
        {isShowing && hasNotes && <Overlay notes={live.notes} />}
        {picture && (
          <svg hidden={isShowing} viewBox={`0 0 ${picture.width} ${picture.height}`} aria-hidden="true">
            {picture.boxes.map((box, index) => (
              <rect
                key={index}
                class={kindOf(box.class)}
                x={box.x * picture.width}
                y={box.y * picture.height}
                width={box.width * picture.width}
                height={box.height * picture.height}
                rx="2"
              />
            ))}
          </svg>
        )}
      </div>
      {picture && (
        <figcaption hidden={isShowing}>
          <span class="counts">
            {snapshot ? <strong>{words.snapshotTake}</strong> : counts.map((count) => <strong key={count}>{count}</strong>)}
          </span>
          <span class="quiet" title={fullTime(picture.at)}>
            {snapshot ? words.snapshotOf(clockTime(picture.at)) : words.frame(clockTime(picture.at))}
            {now - picture.at > OLD_MS && ` · ${words.ago(age(now - picture.at, lang))}`}
          </span>
        </figcaption>
      )}
      {isShowing && hasNotes && <OverlayTexts notes={live.notes} />}
      {device.live === undefined
        ? !isAway && <SnapshotBar device={device.id} snapshot={snapshot} show={setSnapshot} />
        : <LiveBar live={live} isWanted={isWanted} setWanted={setWanted} hasNotes={hasNotes} setNotes={setNotes} />}
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
