/** A place at the detector's for each camera that names a model. */
import { faultOf, type Fault } from '../../../core/faults.ts';
import type { ModelSpec } from '../../../core/model.ts';
import type { World } from '../../../core/world.ts';
import { findModel } from '../../../models/manifest.ts';
import { DetectorPool } from '../../../models/pool.ts';
import type { InferCamera } from '../camera.ts';
import { requiredClassesFor, modelSettingOf } from './required-classes.ts';
import { retryingDetector } from './retrying-detector.ts';
import { cameraPipeline } from '../camera-pipeline.ts';

/** Boxes are asked for down to this share of the score at which they are believed: they help to follow what was seen before. */
export const LOW_SCORE_SHARE = 0.5;

export interface OpenDetectors {
  /** By device id, for `infer`; also those whose model cannot be opened yet, but for such that nothing is known of. */
  byDevice: ReadonlyMap<string, InferCamera>;
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
export async function openDetectors(
  devices: readonly { id: string; settings: unknown }[],
  models: readonly ModelSpec[],
  world: World,
  pool = new DetectorPool({}, world),
  sharing = devices,
): Promise<OpenDetectors> {
  const byDevice = new Map<string, InferCamera>();
  const faults = new Map<string, Fault>();
  await Promise.all(devices.map(async ({ id, settings }) => {
    const model = modelSettingOf(settings);
    if (typeof model !== 'string') return;
    const failed = (error: unknown): Fault => {
      const fault = faultOf(error, 'CV_MODEL_FAILED', { model });
      faults.set(id, fault);
      world.tell({ kind: 'fault', fault, device: id });
      return fault;
    };
    try {
      const spec = await findModel(model, models, world.files);
      const asked = requiredClassesFor(model, sharing);
      const open = () => pool.open(spec, spec.scoreThreshold * LOW_SCORE_SHARE, asked);
      const seeing = { pipeline: cameraPipeline(settings, spec.scoreThreshold), model: spec };
      byDevice.set(id, await open().then((detector) => ({ ...seeing, detector }), (error: unknown) => {
        const told = failed(error);
        return { ...seeing, fault: told, detector: retryingDetector(spec.id, told, open, world.clock) };
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
