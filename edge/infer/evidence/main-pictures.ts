/**
 * Gives events of cameras that have a main stream a second, sharper picture, fetched from it when they have come. It shows
 * what was there a moment later, so it never takes the place of the picture in which the event was seen, and holds up
 * nothing: it follows as an event of its own that says of which events it is and when it was taken. One that would be taken
 * too late does not come. Whatever fails here costs this picture alone, and is told and counted.
 */
import type { Picture } from '../../../core/driver.ts';
import { SNAPSHOT_INDICATOR, type Draft, type Snapshot } from '../../../core/event.ts';
import { FaultError, faultOf } from '../../../core/faults.ts';
import type { ModelSpec } from '../../../core/model.ts';
import { serialQueue } from '../../../core/task-queue.ts';
import { ownClock, type World } from '../../../core/world.ts';
import type { Detector } from '../../../models/detector.ts';
import type { DeviceSetup } from '../../config/setup.ts';
import { PrivacyMask } from '../mask/privacy-mask.ts';
import { encodePicture } from './encode.ts';
import { EvidenceFaults } from './evidence-faults.ts';
import type { BlurFinder } from './blur-finder.ts';
import { followUpEvent, FollowUps, type FollowUpParts } from './follow-ups.ts';
import { embeddedMetadata } from './embedded-metadata.ts';
import { storePicture, type PictureDestination } from './store-picture.ts';
import { redact } from './redact.ts';
import type { EvidenceSetup } from './setup.ts';
import '../../../log/evidence/faults.ts';

export interface MainPictureParts extends PictureDestination, FollowUpParts {
  edge: string;
  settings: Pick<EvidenceSetup, 'format' | 'width' | 'size' | 'send'>;
  /** Longest from the picture in which an event was seen to this one. */
  withinMs: number;
  /** null: nothing is blurred, by setting. */
  blurFinder: BlurFinder | null;
  /** A picture of now, where the camera has a main stream of its own; null: it has none. */
  still(device: string, signal: AbortSignal): Promise<Picture> | null;
  /** What finds the people in it whose heads are looked at. */
  detectorOf(device: string): Pick<Detector, 'detect'> | undefined;
  deviceOf(id: string): Pick<DeviceSetup, 'subject' | 'position' | 'settings'> | undefined;
  /** Onto the line. */
  record(draft: Draft): void;
}

/** Events of one picture that want one. */
export interface MainPictureRequest {
  device: string;
  /** ms UTC of the picture that they rest on, and its number. */
  at: number;
  frame: number;
  points: readonly string[];
  model: Pick<ModelSpec, 'id' | 'version'>;
}

const POINT = 'snapshot';
/** Events that come while a picture is coming share it. */
const MOST_EVENTS = 16;
/** A camera's stream is not opened again sooner: many have few sessions, and crossings may come each second. */
const REST_MS = 10_000;
/** Streams that are opened at one time, of all cameras. */
const MOST_COMING = 4;

type PendingMainPicture = Omit<MainPictureRequest, 'points'> & { of: { point: string; at: number }[] };

export class MainPictures {
  readonly #parts: MainPictureParts;
  readonly #world: World;
  readonly #coming = new Map<string, PendingMainPicture>();
  /** When a camera's stream was let go last, monotonic. */
  readonly #lastMs = new Map<string, number>();
  readonly #followers: FollowUps;
  readonly #failings: EvidenceFaults;
  /** One is made at a time, whatever happens in front of all cameras. */
  readonly #inTurn = serialQueue();

  constructor(parts: MainPictureParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#followers = new FollowUps(world.tell);
    this.#failings = new EvidenceFaults(world.tell);
  }

  /** At once; what comes of it is recorded later. */
  request({ points, ...wanted }: MainPictureRequest): void {
    const { device, at } = wanted;
    if (this.#followers.signal.aborted) return;
    const of = points.map((point) => ({ point, at }));
    const coming = this.#coming.get(device);
    if (coming && coming.of.length + of.length <= MOST_EVENTS) return void coming.of.push(...of);
    const { clock } = this.#world;
    if (coming || this.#coming.size >= MOST_COMING || clock.monotonicMs() - (this.#lastMs.get(device) ?? -Infinity) < REST_MS) return;
    const tooLate = new AbortController();
    const leftMs = this.#parts.withinMs - (clock.nowMs() - at);
    const timer = clock.after(Math.max(0, leftMs), () => tooLate.abort(this.#late(device)));
    const picture = this.#parts.still(device, AbortSignal.any([tooLate.signal, this.#followers.signal]));
    if (!picture) return timer.cancel();
    const one: PendingMainPicture = { ...wanted, of };
    this.#coming.set(device, one);
    const fetching = picture.finally(() => {
      timer.cancel();
      this.#coming.delete(device);
      this.#lastMs.set(device, clock.monotonicMs());
    });
    this.#followers.add(device, this.#follow(one, fetching, tooLate.signal), (error) => this.#failed(device, error));
  }

  /** Resolves when all that are coming are there, or lost. */
  settled(): Promise<void> {
    return this.#followers.settled();
  }

  /** What is still coming is lost, and counted. */
  close(): Promise<void> {
    return this.#followers.close();
  }

  async #follow(coming: PendingMainPicture, fetching: Promise<Picture>, tooLate: AbortSignal): Promise<void> {
    const { device, at, of } = coming;
    const picture = await fetching.catch((error: unknown) => { throw tooLate.aborted ? tooLate.reason : error; });
    const takenAt = picture.takenAt ?? this.#world.clock.nowMs();
    if (takenAt - at > this.#parts.withinMs) throw this.#late(device);
    const shot = await this.#inTurn(() => this.#make(coming, picture, takenAt, this.#followers.signal));
    this.#parts.record(
      followUpEvent(this.#parts, this.#world.clock, {
        device,
        point: POINT,
        indicator: SNAPSHOT_INDICATOR,
        of,
        at: takenAt,
        evidence: shot,
      }),
    );
    this.#failings.succeeded(device);
  }

  async #make({ device, frame, model, of }: PendingMainPicture, picture: Picture, takenAt: number, signal: AbortSignal): Promise<Snapshot> {
    const { edge, centre, blurFinder, settings: { format, width, size }, deviceOf, detectorOf } = this.#parts;
    signal.throwIfAborted();
    const { mask = [] } = (deviceOf(device)?.settings ?? {}) as { mask?: ConstructorParameters<typeof PrivacyMask>[0] };
    new PrivacyMask(mask).paint(picture);
    // People have gone on since: where they are is asked anew, so that their heads are looked at.
    const people = blurFinder ? (await detectorOf(device)?.detect(picture, signal))?.boxes ?? [] : [];
    const safe = redact(picture, blurFinder ? await blurFinder.find(picture, people, signal) : []);
    const points = [...new Set(of.map(({ point }) => point))];
    const inside = embeddedMetadata({
      edge,
      centre,
      camera: device,
      at: takenAt,
      isClockSet: ownClock(this.#world.clock) === 'edge',
      frame,
      model: model.id,
      modelVersion: model.version,
      points,
      blurred: blurFinder !== null,
      stream: 'main',
      laterMs: takenAt - (of[0]?.at ?? takenAt),
    });
    const file = await encodePicture(safe, { format, maxWidth: width, maxBytes: size, ...inside });
    return storePicture(
      this.#parts,
      device,
      takenAt,
      file,
      { variant: 'clean', frame, model: model.id, blurred: blurFinder !== null, stream: 'main', at: takenAt, of },
      this.#world.tell,
    );
  }

  #late(device: string): FaultError {
    return new FaultError('CV_EVIDENCE_MAIN', { device, cause: 'CV_LINK_TIMEOUT', detail: `${this.#parts.withinMs} ms` });
  }

  #failed(device: string, error: unknown): void {
    const cause = faultOf(error, 'CV_EVIDENCE_PICTURE', { device });
    const fault = cause.code.startsWith('CV_EVIDENCE_')
      ? cause
      : { code: 'CV_EVIDENCE_MAIN' as const, params: { device, cause: cause.code, detail: String(cause.params.detail ?? '') } };
    this.#failings.failed(device, fault, fault.code === 'CV_EVIDENCE_UNBLURRED' ? 'picture_unblurred' : 'picture_unmade');
  }
}
