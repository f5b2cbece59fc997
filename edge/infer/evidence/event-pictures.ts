/**
 * Gives events their pictures: the best one of what they are about, with faces made unrecognisable, as files on this edge's
 * disk that the events name by hash. Whatever fails here costs the picture and never the event, and is told and counted.
 */
import type { Picture } from '../../../core/driver.ts';
import type { Box, Snapshot } from '../../../core/event.ts';
import { FaultError, faultOf } from '../../../core/faults.ts';
import { classNameIn, type ModelSpec } from '../../../core/model.ts';
import { ownClock, type World } from '../../../core/world.ts';
import { shownBoxes } from '../count/point-values.ts';
import type { MeasureValue } from '../zones/zone.ts';
import type { Track } from '../track/tracker.ts';
import { BestPictures, type BoxedPicture } from './best-pictures.ts';
import type { EventClips } from './clips/event-clips.ts';
import { annotationSvg } from './annotation.ts';
import { encodePicture } from './encode.ts';
import { EvidenceFaults } from './evidence-faults.ts';
import type { BlurFinder } from './blur-finder.ts';
import { chinaTime, embeddedMetadata } from './embedded-metadata.ts';
import { storePicture, type PictureDestination } from './store-picture.ts';
import { renderableLanguage } from './renderable-language.ts';
import type { MainPictures } from './main-pictures.ts';
import { redact } from './redact.ts';
import { PICTURE_MEASURES, type EvidenceSetup, type PictureMeasure } from './setup.ts';
import '../../../log/evidence/faults.ts';

export interface EventPictureParts extends PictureDestination {
  edge: string;
  centre: string;
  settings: Pick<EvidenceSetup, 'of' | 'format' | 'width' | 'size' | 'language' | 'send'>;
  /** null: nothing is blurred, by setting. */
  blurFinder: BlurFinder | null;
  /** What came around an event; absent: nobody wants it. */
  eventClips?: Pick<EventClips, 'request'> | null;
  /** A sharper picture that follows; absent: nobody wants it. */
  mainPictures?: Pick<MainPictures, 'request'> | null;
}

/** A camera's picture as it went through its zones and lines. */
export interface TrackedPicture extends BoxedPicture {
  device: string;
  tracks: readonly Track[];
  /** What looked. */
  model: Pick<ModelSpec, 'id' | 'version' | 'classes' | 'classesZh'>;
}

/** Longest that an event waits for its picture. */
const DEADLINE_MS = 5000;
/** Presentation time within which events of one camera share a picture. */
const SHARED_MS = 1000;

interface CameraState {
  best: BestPictures;
  /** By point of a state: what it was said as, and the picture that it came with. */
  held: Map<string, { value: number; refs: readonly Snapshot[] }>;
  last: { ptsMs: number; refs: readonly Snapshot[] } | null;
}

export class EventPictures {
  readonly #parts: EventPictureParts;
  readonly #world: World;
  readonly #cameras = new Map<string, CameraState>();
  readonly #failings: EvidenceFaults;

  constructor(parts: EventPictureParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#failings = new EvidenceFaults(world.tell);
  }

  /** @returns what goes with the readings of this picture, by point. Never rejects. */
  async picturesFor(
    scene: TrackedPicture,
    readings: readonly MeasureValue[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly Snapshot[]>> {
    const camera = this.#cameraOf(scene);
    const boxes = shownBoxes(scene);
    camera.best.offer({ picture: scene.picture, at: scene.at, boxes });
    const given = new Map<string, readonly Snapshot[]>();
    const wanting: MeasureValue[] = [];
    const begun: string[] = [];
    for (const reading of readings) {
      if (!this.#isPictured(reading)) continue;
      const held = reading.kind === 'state' ? camera.held.get(reading.point) : undefined;
      // Also what came to nothing before is tried again when the state is said again.
      if (reading.value > (held?.value ?? 0) || (reading.value > 0 && held?.refs.length === 0)) wanting.push(reading);
      else if (reading.value > 0) given.set(reading.point, held?.refs ?? []);
      if (reading.value > (held?.value ?? 0)) begun.push(reading.point);
      if (reading.kind === 'state')
        camera.held.set(reading.point, { value: reading.value, refs: reading.value > 0 ? (held?.refs ?? []) : [] });
    }
    if (begun.length > 0) {
      const { device, at, picture: { ptsMs, index: frame }, model } = scene;
      this.#parts.eventClips?.request({ device, ptsMs, at, points: begun });
      this.#parts.mainPictures?.request({ device, at, frame, points: begun, model });
    }
    if (wanting.length === 0) return given;
    const refs = await this.#pictureOf(camera, scene, boxes, wanting, signal);
    for (const { point, kind, value } of wanting) {
      given.set(point, refs);
      if (kind === 'state') camera.held.set(point, { value, refs });
    }
    return given;
  }

  /** Cameras that are there; what is remembered of others is let go. */
  retain(devices: readonly { id: string }[]): void {
    for (const [id, { best }] of this.#cameras) {
      if (devices.some((device) => device.id === id)) continue;
      best.clear();
      this.#cameras.delete(id);
      this.#failings.forget(id);
    }
  }

  #cameraOf({ device, picture }: TrackedPicture): CameraState {
    const known = this.#cameras.get(device);
    // Time that goes back is another stream.
    if (known && (known.last === null || known.last.ptsMs <= picture.ptsMs)) return known;
    known?.best.clear();
    const fresh: CameraState = { best: new BestPictures(), held: new Map(), last: null };
    this.#cameras.set(device, fresh);
    return fresh;
  }

  #isPictured({ kind, point }: MeasureValue): boolean {
    return kind !== 'measurement' && this.#parts.settings.of.includes(measureOf(point, kind));
  }

  async #pictureOf(
    camera: CameraState,
    scene: TrackedPicture,
    boxes: readonly Box[],
    wanting: readonly MeasureValue[],
    signal: AbortSignal,
  ): Promise<readonly Snapshot[]> {
    const { picture, at, device } = scene;
    if (camera.last && picture.ptsMs - camera.last.ptsMs < SHARED_MS) return camera.last.refs;
    const tracks = wanting.flatMap(({ objects }) => objects.flatMap((one) => ('id' in one ? one.id : [])));
    const shown = camera.best.bestFor(tracks) ?? { picture, at, boxes };
    const tooLong = new AbortController();
    const timer = this.#world.clock.after(DEADLINE_MS, () =>
      tooLong.abort(new FaultError('CV_EVIDENCE_PICTURE', { device, detail: `${DEADLINE_MS} ms` })),
    );
    try {
      const refs = await this.#make(scene, shown, tracks, wanting.map(({ point }) => point), AbortSignal.any([signal, tooLong.signal]));
      camera.last = { ptsMs: picture.ptsMs, refs };
      this.#failings.succeeded(device);
      return refs;
    } catch (error) {
      const fault = faultOf(error, 'CV_EVIDENCE_PICTURE', { device });
      this.#failings.failed(device, fault, fault.code === 'CV_EVIDENCE_UNBLURRED' ? 'picture_unblurred' : 'picture_unmade');
      return [];
    } finally {
      timer.cancel();
    }
  }

  async #make(
    scene: TrackedPicture,
    { picture, at, boxes }: BoxedPicture,
    tracks: readonly number[],
    points: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Snapshot[]> {
    const {
      settings: { format, width, size, language },
      blurFinder,
      edge,
      centre,
    } = this.#parts;
    const { device, model } = scene;
    // A copy: were its memory used again meanwhile, faces of one picture would be wiped out in another.
    const { index, ptsMs, width: columns, height: rows, aspect } = picture;
    const own: Picture = {
      index,
      ptsMs,
      width: columns,
      height: rows,
      yuv: new Uint8Array(picture.yuv),
      ...(aspect !== undefined && { aspect }),
    };
    const safe = redact(own, blurFinder ? await blurFinder.find(own, boxes, signal) : []);
    const isClockSet = ownClock(this.#world.clock) === 'edge';
    const inside = embeddedMetadata({
      edge,
      centre,
      camera: device,
      at,
      isClockSet,
      frame: picture.index,
      model: model.id,
      modelVersion: model.version,
      points,
      blurred: blurFinder !== null,
      stream: 'sub',
    });
    const written = await renderableLanguage(language);
    const overlay = annotationSvg({
      boxes, marked: boxes.filter(({ track }) => track !== undefined && tracks.includes(track)),
      nameOf: (box) => nameOf(box, model, written),
      caption: `${chinaTime(at)}${isClockSet ? '' : written === 'en' ? ' (clock not set)' : '（时钟未校准）'}  ${edge} / ${device}  ${points.join(' ')}`,
    });
    const encoding = { format, maxWidth: width, maxBytes: size, ...inside };
    const [annotated, clean] = await Promise.all([encodePicture(safe, { ...encoding, overlay }), encodePicture(safe, encoding)]);
    signal.throwIfAborted();
    return Promise.all(
      [['annotated', annotated] as const, ['clean', clean] as const].map(([variant, file]) =>
        storePicture(
          this.#parts,
          device,
          at,
          file,
          { variant, frame: picture.index, model: model.id, blurred: blurFinder !== null },
          this.#world.tell,
        ),
      ),
    );
  }
}

/** `lawn.intrusion` says what is measured; the sides of a line and what is there under a name of the user's own do not. */
function measureOf(point: string, kind: MeasureValue['kind']): PictureMeasure {
  const name = point.slice(point.lastIndexOf('.') + 1);
  const known = PICTURE_MEASURES.find((one) => one === name);
  return known ?? (kind === 'occurrence' ? 'crossing' : 'present');
}

function nameOf({ class: label, score, track }: Box, model: TrackedPicture['model'], language: 'zh-CN' | 'en'): string {
  const name = classNameIn(language, label, model);
  return `${name}${track === undefined ? '' : ` #${track}`} ${Math.round(score * 100)}%`;
}
