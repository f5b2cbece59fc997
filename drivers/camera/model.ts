/** The detector that a camera names: its pictures have that model's input size, and its graph is looked at before start. */
import { FaultError } from '../../core/faults.ts';
import { inputSize, type ModelSpec } from '../../core/model.ts';
import { modelById, modelIds } from '../../models/index.ts';
import type { CameraSettings } from './settings.ts';

export { verifyModel } from '../../models/verify.ts';

/** @throws FaultError CV_MODEL_UNKNOWN */
export function modelOf({ model }: Pick<CameraSettings, 'model'>): ModelSpec {
  const spec = modelById(model);
  if (!spec) throw new FaultError('CV_MODEL_UNKNOWN', { model, known: modelIds().join(', ') });
  return spec;
}

/** Pixels of the pictures a camera gives. */
export function pictureSize(settings: Pick<CameraSettings, 'model' | 'width' | 'height'>): { width: number; height: number } {
  const { width, height } = settings;
  if (width !== undefined && height !== undefined) return { width, height };
  const input = inputSize(modelOf(settings).input);
  return { width: width ?? input.width, height: height ?? input.height };
}
