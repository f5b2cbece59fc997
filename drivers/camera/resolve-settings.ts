/** Completes a camera's settings from the manifest of its model: the indicators of its classes. */
import type { SettingProblem } from '../../core/driver.ts';
import { sceneProblems } from '../../scene/check.ts';
import { modelById } from '../../models/index.ts';
import { isManifestPath, loadManifestSync } from '../../models/manifest.ts';
import type { CameraSettings } from './settings.ts';

/** @throws FaultError CV_MODEL_MANIFEST */
export function resolveSettings(
  settings: CameraSettings,
  readFile: (path: string) => string,
): { settings: CameraSettings; problems: SettingProblem[] } {
  const { model } = settings;
  const isOwn = isManifestPath(model);
  const spec = isOwn ? loadManifestSync(model, readFile) : modelById(model);
  return {
    settings: { ...settings, indicators: { ...spec?.indicators, ...settings.indicators } },
    // Settings with a built-in model have been checked against its classes by the schema.
    problems: isOwn && spec ? sceneProblems(settings, spec) : [],
  };
}
