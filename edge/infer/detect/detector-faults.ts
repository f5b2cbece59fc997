/**
 * What is wrong with each camera's detector: told once and not at every picture, cleared by the next detection that
 * succeeds. From the second failure in a row on counts are unknown; one picture may be lost to a process that died.
 */
import { FAULTS, type Fault } from '../../../core/faults.ts';
import type { FaultRow } from '../../../core/faults/row.ts';
import type { Sample } from '../../../core/sample.ts';
import type { Tell } from '../../../core/telemetry.ts';
import type { PictureItem } from '../../item.ts';
import type { InferCameras } from '../camera.ts';
import type { PictureCounts } from '../picture-counts.ts';

const UNKNOWN_AFTER = 2;

interface DetectorState {
  fault: Fault | null;
  /** In a row. */
  failures: number;
}

export class DetectorFaults {
  readonly #cameras: InferCameras;
  readonly #counts: PictureCounts;
  readonly #tell: Tell;
  readonly #byDevice = new Map<string, DetectorState>();

  constructor(cameras: InferCameras, counts: PictureCounts, tell: Tell) {
    this.#cameras = cameras;
    this.#counts = counts;
    this.#tell = tell;
  }

  /** null: none, as far as is known. */
  of(device: string): Fault | null {
    const state = this.#byDevice.get(device);
    return state ? state.fault : this.#cameras.get(device)?.fault ?? null;
  }

  /** From a camera's first picture on. */
  open(device: string): void {
    this.#stateOf(device);
  }

  succeeded(device: string): void {
    const state = this.#stateOf(device);
    if (state.fault) this.#tell({ kind: 'fault_cleared', code: state.fault.code, device });
    state.fault = null;
    state.failures = 0;
  }

  /** The picture is lost, and counted. @returns what its camera's counts are now, where that is news */
  failed(item: PictureItem, fault: Fault): Sample[] {
    const { device } = item;
    const state = this.#stateOf(device);
    if (state.fault?.code !== fault.code) {
      if (state.fault) this.#tell({ kind: 'fault_cleared', code: state.fault.code, device });
      this.#tell({ kind: 'fault', fault, device });
    }
    state.fault = fault;
    state.failures += 1;
    this.#counts.pictureLost(item, 'model_failed');
    if (state.failures !== UNKNOWN_AFTER) return [];
    const unknown = unknownCounts(item, fault);
    this.#counts.samplesRead(device, unknown.length);
    return unknown;
  }

  #stateOf(device: string): DetectorState {
    const known = this.#byDevice.get(device);
    if (known) return known;
    const state: DetectorState = { fault: this.#cameras.get(device)?.fault ?? null, failures: 0 };
    this.#byDevice.set(device, state);
    return state;
  }
}

/** Every point of the camera but its video quality, which needs no detector. */
function unknownCounts({ device, at, clock = 'edge', observedAt, points }: PictureItem, { code }: Fault): Sample[] {
  const flag = (FAULTS[code] as FaultRow).flag ?? 'other';
  return Object.entries(points).filter(([point]) => point !== 'video').map(([point, { unit }]): Sample => ({ device, point, value: null, unit, at, clock, observedAt, quality: 'bad', flags: [flag], origin: 'live' }));
}
