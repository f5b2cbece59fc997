/** A place at the detector's for each camera that names a model. */
import { faultOf, type Fault } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import type { World } from '../../core/world.ts';
import { findModel } from '../../models/manifest.ts';
import { DetectorPool } from '../../models/pool.ts';
import type { Camera } from './infer.ts';
import { askedOf, modelOf } from './asked-classes.ts';
import { awaitedDetector } from './awaited-detector.ts';
import { sightOf } from './sight.ts';

/** Boxes are asked for down to this share of the score at which they are believed: they help to follow what was seen before. */
export const WEAK_SHARE = 0.5;

export interface Detectors {
  /** By device id, for `infer`; also those whose model cannot be opened yet, but for such that nothing is known of. */
  byDevice: ReadonlyMap<string, Camera>;
  /** Cameras that have none, and why; they have been told already. */
  faults: ReadonlyMap<string, Fault>;
  /** After `infer` is closed. */
  close(): Promise<void>;
}

/**
 * A camera whose model cannot be opened costs only itself.
 * @param devices of an edge's setup; those whose settings name no model are passed over
 * @param models the registry; a camera may also name a manifest by its path
 * @param pool its processes end with the last detector
 * @param sharing all that may share a model with these; what they ask of it, these ask as well
 */
export async function openDetectors(devices: readonly { id: string; settings: unknown }[], models: readonly ModelSpec[], world: World, pool = new DetectorPool({}, world), sharing = devices): Promise<Detectors> {
  const byDevice = new Map<string, Camera>();
  const faults = new Map<string, Fault>();
  await Promise.all(devices.map(async ({ id, settings }) => {
    const model = modelOf(settings);
    if (typeof model !== 'string') return;
    const failed = (error: unknown): Fault => {
      const fault = faultOf(error, 'CV_MODEL_FAILED', { model });
      faults.set(id, fault);
      world.tell({ kind: 'fault', fault, device: id });
      return fault;
    };
    try {
      const spec = await findModel(model, models, world.files);
      const asked = askedOf(model, sharing);
      const open = () => pool.open(spec, spec.scoreThreshold * WEAK_SHARE, asked);
      const seeing = { sight: sightOf(settings, spec.scoreThreshold), model: spec };
      byDevice.set(id, await open().then((detector) => ({ ...seeing, detector }), (error: unknown) => {
        const told = failed(error);
        return { ...seeing, told, detector: awaitedDetector(spec.id, told, open, world.clock) };
      }));
    } catch (error) {
      failed(error);
    }
  }));
  return {
    byDevice, faults,
    close: async () => { await Promise.all([...byDevice.values()].map(({ detector }) => detector.close())); },
  };
}
