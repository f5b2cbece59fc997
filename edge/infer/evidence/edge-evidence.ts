/** Pictures and clips for events on one edge: what blurs them, what makes them, where they lie. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Picture } from '../../../core/driver.ts';
import type { Draft } from '../../../core/event.ts';
import { AtRestKeys } from '../../../log/at-rest/keys.ts';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { faultOf, type FaultCode } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import type { DeviceSetup, EdgeSetup } from '../../config/setup.ts';
import type { CameraDetectors } from '../detect/camera-detectors.ts';
import { EventClips } from './clips/event-clips.ts';
import { blurredClipCopier } from './clips/blurred-copy.ts';
import type { CameraRings } from './clips/camera-rings.ts';
import type { ClipSetup } from './clips/setup.ts';
import { blurFinderOf } from './blur-models.ts';
import type { BlurFinder } from './blur-finder.ts';
import { MainPictures } from './main-pictures.ts';
import { EventPictures } from './event-pictures.ts';
import '../../../log/evidence/faults.ts';

export interface EdgeEvidenceParts {
  detectors: Pick<CameraDetectors, 'openModel' | 'byDevice'>;
  rings?: CameraRings;
  /** A file waits to be sent. */
  onWaiting(): void;
  /** Onto the line: an event of the edge's own. */
  record?(draft: Draft): void;
  deviceOf?(id: string): Pick<DeviceSetup, 'subject' | 'position' | 'settings'> | undefined;
  /** A picture of now from a camera's stream; null: it gives none. */
  still?(device: string, signal: AbortSignal): Promise<Picture> | null;
}

export class EdgeEvidence {
  /** Also for the newest picture that people look at; null: nothing is blurred, by setting. */
  readonly blurFinder: BlurFinder | null;
  /** Absent: events get no pictures. */
  readonly eventPictures: EventPictures | undefined;
  /** null: events bring no clips. */
  readonly eventClips: EventClips | null;
  /** null: events bring no pictures of main streams. */
  readonly mainPictures: MainPictures | null;
  readonly #setup: EdgeSetup['evidence'];
  readonly #keys: AtRestKeys;
  /** Where clips are made before they are encrypted; null: in their own folder. */
  readonly #workDir: string | null;
  readonly #world: World;
  #folder: EvidenceFolder | null = null;
  #clipFolder: EvidenceFolder | null = null;

  /** @throws FaultError CV_AT_REST_ALGORITHM */
  constructor(
    { edge, centre, evidence, atRest }: Pick<EdgeSetup, 'edge' | 'centre' | 'evidence' | 'atRest'>,
    parts: EdgeEvidenceParts,
    world: World,
  ) {
    const { detectors, onWaiting } = parts;
    this.#setup = evidence;
    this.#keys = new AtRestKeys(atRest);
    // As plain as the ring, and beside it: a RAM disk, if the owner wants nothing of it on the disk.
    this.#workDir = evidence?.clip && this.#keys.current ? join(evidence.clip.ring.dir, `cityvitals-clips-${edge}`) : null;
    this.#world = world;
    this.blurFinder = blurFinderOf(evidence?.blur ?? { faces: true }, (model, scoreThreshold) =>
      detectors.openModel(model, scoreThreshold),
    );
    this.eventClips = this.#clipsOf(edge, centre, parts);
    this.mainPictures = this.#mainOf(edge, centre, parts);
    this.eventPictures = evidence
      ? new EventPictures(
          {
            edge,
            centre,
            settings: evidence,
            blurFinder: this.blurFinder,
            folder: () => this.#folder,
            onWaiting,
            eventClips: this.eventClips,
            mainPictures: this.mainPictures,
          },
          world,
        )
      : undefined;
  }

  /** null until there is a camera, and where it could not be opened. */
  get folder(): EvidenceFolder | null {
    return this.#folder;
  }

  /** Where these devices have a camera that looks, there is a folder. One that cannot be opened costs what it is for alone, and is told. */
  async prepare(devices: readonly { settings: unknown }[]): Promise<void> {
    if (!this.#setup || !devices.some(({ settings }) => isLooking(settings))) return;
    const { clip } = this.#setup;
    this.#folder ??= await this.#open(this.#setup, 'CV_EVIDENCE_DISK');
    if (clip) this.#clipFolder ??= await this.#openClips(clip);
  }

  /** Clips that are still coming are lost, and counted. */
  async close(): Promise<void> {
    await Promise.all([this.eventClips?.close(), this.mainPictures?.close()]);
    await this.blurFinder?.close();
    await this.#folder?.close();
    await this.#clipFolder?.close();
    if (this.#workDir !== null) await rm(this.#workDir, { recursive: true, force: true }).catch(() => {});
  }

  async #openClips(clip: ClipSetup): Promise<EvidenceFolder | null> {
    const folder = await this.#open({ ...clip, isPrivate: true }, 'CV_CLIP_DISK');
    if (this.#workDir === null || !folder) return folder;
    try {
      // What an edge left that was killed is not encrypted.
      await rm(this.#workDir, { recursive: true, force: true });
      await mkdir(this.#workDir, { recursive: true, mode: 0o700 });
      return folder;
    } catch (error) {
      await folder.close();
      this.#told(error, 'CV_CLIP_DISK', this.#workDir);
      return null;
    }
  }

  async #open(
    { dir, maxBytes, keepMs, isPrivate = false }: { dir: string; maxBytes: number; keepMs: number; isPrivate?: boolean },
    code: FaultCode,
  ): Promise<EvidenceFolder | null> {
    try {
      return await EvidenceFolder.open(
        {
          dir,
          maxBytes,
          keepMs,
          isPrivate,
          keys: this.#keys,
          onDropped: (count) => this.#world.tell({ kind: 'evidence_lost', count, reason: 'picture_room' }),
          onUnreadable: (fault) => this.#world.tell({ kind: 'fault', fault }),
        },
        this.#world.clock,
      );
    } catch (error) {
      this.#told(error, code, dir);
      return null;
    }
  }

  #told(error: unknown, code: FaultCode, dir: string): void {
    const { params } = faultOf(error, code, { dir });
    this.#world.tell({ kind: 'fault', fault: { code, params: { device: '*', ...params } } });
  }

  /** In the folder of clips what is not whole is removed at the next start. */
  #clipWorkDir({ dir }: ClipSetup): string {
    return this.#workDir ?? join(dir, 'kept');
  }

  #mainOf(
    edge: string,
    centre: string,
    { detectors, record, still, deviceOf = () => undefined, onWaiting }: EdgeEvidenceParts,
  ): MainPictures | null {
    const settings = this.#setup;
    if (!settings || settings.mainMs === null || !record || !still) return null;
    const hasMain = (device: string) => typeof (deviceOf(device)?.settings as { mainUrl?: unknown } | null)?.mainUrl === 'string';
    return new MainPictures(
      {
        edge,
        centre,
        settings,
        withinMs: settings.mainMs,
        blurFinder: this.blurFinder,
        folder: () => this.#folder,
        onWaiting,
        deviceOf,
        record,
        still: (device, signal) => (hasMain(device) ? still(device, signal) : null),
        detectorOf: (device) => detectors.byDevice.get(device)?.detector,
      },
      this.#world,
    );
  }

  #clipsOf(
    edge: string,
    centre: string,
    { detectors, rings, record, deviceOf = () => undefined, onWaiting }: EdgeEvidenceParts,
  ): EventClips | null {
    const setup = this.#setup?.clip;
    if (!setup || !rings || !record) return null;
    const { blurFinder } = this;
    const copy =
      setup.upload === 'blurred' && blurFinder
        ? blurredClipCopier(
            {
              settings: setup,
              workDir: this.#clipWorkDir(setup),
              blurFinder,
              detectorOf: (device) => detectors.byDevice.get(device)?.detector,
              clips: () => this.#clipFolder,
              outgoing: () => this.#folder,
              onWaiting,
            },
            this.#world,
          )
        : undefined;
    return new EventClips(
      {
        edge,
        centre,
        setup,
        workDir: this.#clipWorkDir(setup),
        ringOf: (device) => rings.of(device),
        folder: () => this.#clipFolder,
        deviceOf,
        record,
        ...(copy && { copy }),
      },
      this.#world,
    );
  }
}

const isLooking = (settings: unknown) => typeof (settings as { model?: unknown } | null)?.model === 'string';
