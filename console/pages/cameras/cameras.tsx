/** All cameras: those whose views are open above, and the list to pick from, each with its state and a small picture. */
import { useState } from 'preact/hooks';
import type { DeviceView } from '../../../api/devices.ts';
import {
  camerasOf,
  findingOf,
  groupCameras,
  isHealthy,
  MAX_OPEN,
  filterCameras,
  CAMERA_FILTERS,
  type CameraGroup,
  type CameraFilter,
} from '../../data/cameras.ts';
import { isImpaired } from '../../data/device-state.ts';
import { age, fullTime } from '../../ui/format.ts';
import { usePreview } from '../../ui/camera/pictures.ts';
import { reasonOf } from '../../data/reason.ts';
import { camerasHref, useView } from '../../shell/view.ts';
import { CameraView } from '../../ui/camera/camera.tsx';
import { freshnessIcon, Icon } from '../../ui/icons.tsx';
import { Prose } from '../../ui/prose.tsx';

const OLD_MS = 60_000;

/** @param open ids, in the order in which they were opened */
export function CamerasPage({ open }: { open: string[] }) {
  const { state, words } = useView();
  const [search, setSearch] = useState('');
  const [sift, setSift] = useState<CameraFilter>('all');
  const cameras = camerasOf(state.devices);
  const shown = filterCameras(cameras, search, sift);
  const isFull = open.length >= MAX_OPEN;
  return (
    <>
      <a class="back" href="#/">
        <Icon name="back" />
        {words.back}
      </a>
      {open.length > 0 && (
        <div class="views" data-part="views">
          {open.map((id) => (
            <OpenView key={id} id={id} device={cameras.find((camera) => camera.id === id)} rest={open.filter((other) => other !== id)} />
          ))}
        </div>
      )}
      <section class="panel" data-part="cameras" aria-labelledby="cameras-title">
        <h2 id="cameras-title">{words.cameras}<span class="count">{cameras.length}</span></h2>
        {cameras.length === 0 ? <p class="calm">{words.noCamera}</p> : (
          <>
            <div class="camera-tools">
              <input
                type="search"
                aria-label={words.cameraSearch}
                placeholder={words.cameraSearch}
                value={search}
                onInput={(event) => setSearch(event.currentTarget.value)}
              />
              <div class="sifts" role="group">
                {CAMERA_FILTERS.map((one) => (
                  <button key={one} type="button" aria-pressed={one === sift} onClick={() => setSift(one)}>
                    {words.sifts[one]} {filterCameras(cameras, search, one).length}
                  </button>
                ))}
              </div>
            </div>
            <p class="quiet" aria-live="polite" data-part="views-limit">
              {words.viewsOpen(open.length, MAX_OPEN)}
              {isFull ? <strong class="tone-late"> · {words.viewsFull}</strong> : ` · ${words.viewsWhy}`}
            </p>
            {shown.length === 0 && <p class="calm">{words.cameraNone}</p>}
            {groupCameras(shown).map((group) => <Group key={`${group.centre} ${group.edge}`} group={group} open={open} />)}
          </>
        )}
      </section>
    </>
  );
}

function OpenView({ id, device, rest }: { id: string; device: DeviceView | undefined; rest: string[] }) {
  const { words, lang } = useView();
  const reason = device ? reasonOf(device, words, lang) : '';
  return (
    <section class="panel view" aria-label={id}>
      <div class="view-head">
        <span class="view-title"><strong class="device-id">{id}</strong>{device && <State camera={device} />}</span>
        <a class="view-close" href={camerasHref(rest)} aria-label={`${words.viewClose} ${id}`}><Icon name="cross" /></a>
      </div>
      {reason !== '' && <p class="device-reason"><Prose text={reason} /></p>}
      {device ? <CameraView device={device} /> : <p class="calm">{words.cameraUnknown(id)}</p>}
    </section>
  );
}

function Group({ group: { centre, edge, cameras }, open }: { group: CameraGroup; open: string[] }) {
  const { words } = useView();
  return (
    <div class="camera-group">
      <h3>
        {words.groupOf(edge, centre)}{' '}
        <span class="quiet">{words.groupCount(cameras.length, cameras.filter((camera) => !isHealthy(camera)).length)}</span>
      </h3>
      <ul class="camera-list">
        {cameras.map((camera) => (
          <Choice key={camera.id} camera={camera} open={open} />
        ))}
      </ul>
    </div>
  );
}

/** Opens its view, or closes it. */
function Choice({ camera, open }: { camera: DeviceView; open: string[] }) {
  const { words, lang, now, state } = useView();
  const { picture, place } = usePreview(camera, state.link.is === 'live');
  const isOpen = open.includes(camera.id);
  const isBarred = !isOpen && open.length >= MAX_OPEN;
  const rest = open.filter((id) => id !== camera.id);
  return (
    <li
      ref={(element) => {
        place.current = element;
      }}
    >
      <button
        type="button"
        class="choice"
        data-camera={camera.id}
        aria-pressed={isOpen}
        disabled={isBarred}
        title={isBarred ? words.viewsFull : isOpen ? words.viewClose : words.viewOpen}
        onClick={() => {
          location.hash = camerasHref(isOpen ? rest : [...open, camera.id]);
        }}
      >
        <span class="choice-picture">
          {picture ? <img src={`data:image/jpeg;base64,${picture.jpegBase64}`} alt="" /> : <Icon name="camera" />}
          {picture && now - picture.at > OLD_MS && (
            <span class="choice-age" title={fullTime(picture.at)}>
              {words.ago(age(now - picture.at, lang))}
            </span>
          )}
        </span>
        <strong class="device-id">{camera.id}</strong>
        {camera.subject !== camera.id && <span class="quiet">{camera.subject}</span>}
        <State camera={camera} />
        <span class="quiet choice-live">{camera.live === undefined ? words.liveNotHere : <><Icon name="play" />{words.liveHere}</>}</span>
      </button>
    </li>
  );
}

/** By icon, word and colour; what is wrong with its picture beside; and since when. */
function State({ camera }: { camera: DeviceView }) {
  const { words, lang, now } = useView();
  const { freshness, since } = camera;
  const finding = findingOf(camera);
  const wrong = isImpaired(camera)
    ? words.impaired
    : freshness === 'fresh' && finding !== null
      ? (words.findings[finding] ?? finding)
      : null;
  const shown = wrong === null ? freshness : 'late';
  return (
    <span class="camera-state">
      <span class={`device-state is-${shown}`}>
        <Icon name={wrong === null ? freshnessIcon(freshness) : 'impaired'} />
        {wrong ?? words.freshness[freshness]}
      </span>
      {since !== undefined && wrong === null && (
        <span class="quiet" title={fullTime(since)}>
          {words.goneFor(age(now - since, lang))}
        </span>
      )}
    </span>
  );
}
