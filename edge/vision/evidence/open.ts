/** Pictures for events on one edge: what blurs them, what makes them, where they lie. */
import { EvidenceFolder } from '../../../core/evidence/folder.ts';
import { faultOf } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import type { EdgeSetup } from '../../config/setup.ts';
import type { CameraDetectors } from '../camera-detectors.ts';
import { blindsOf } from './face-blinds.ts';
import type { Blinds } from './faces.ts';
import { Snapshots } from './snapshots.ts';

export class EdgeEvidence {
  /** Also for the newest picture that people look at; null: nothing is blurred, by setting. */
  readonly blinds: Blinds | null;
  /** Absent: events get no pictures. */
  readonly snapshots: Snapshots | undefined;
  readonly #setup: EdgeSetup['evidence'];
  readonly #world: World;
  #folder: EvidenceFolder | null = null;

  /** @param onWaiting a file waits to be sent */
  constructor({ edge, centre, evidence }: Pick<EdgeSetup, 'edge' | 'centre' | 'evidence'>, detectors: Pick<CameraDetectors, 'openModel'>, world: World, onWaiting: () => void) {
    this.#setup = evidence;
    this.#world = world;
    this.blinds = blindsOf(evidence?.blur ?? { faces: true }, (model, scoreThreshold) => detectors.openModel(model, scoreThreshold));
    this.snapshots = evidence ? new Snapshots({ edge, centre, settings: evidence, blinds: this.blinds, folder: () => this.#folder, onWaiting }, world) : undefined;
  }

  /** null until there is a camera, and where it could not be opened. */
  get folder(): EvidenceFolder | null {
    return this.#folder;
  }

  /** Where these devices have a camera that looks, there is a folder. One that cannot be opened costs the pictures alone, and is told. */
  async prepare(devices: readonly { settings: unknown }[]): Promise<void> {
    if (!this.#setup || this.#folder || !devices.some(({ settings }) => isLooking(settings))) return;
    const { dir, maxBytes, keepMs } = this.#setup;
    try {
      this.#folder = await EvidenceFolder.open({ dir, maxBytes, keepMs, onLost: (count) => this.#world.tell({ kind: 'evidence_lost', count, reason: 'picture_room' }) }, this.#world.clock);
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir }) });
    }
  }

  async close(): Promise<void> {
    await this.blinds?.close();
    await this.#folder?.close();
  }
}

const isLooking = (settings: unknown) => typeof (settings as { model?: unknown } | null)?.model === 'string';
