/** What the model of a camera knows beyond its settings: the classes that a manifest has, and the indicators that they stand for. */
import type { SettingProblem } from '../../core/driver.ts';
import { sceneProblems } from '../../scene/check.ts';
import { modelById } from '../../models/index.ts';
import { isManifestPath, loadManifestSync } from '../../models/manifest.ts';
import type { CameraSettings } from './settings.ts';

/** @throws FaultError CV_MODEL_MANIFEST */
export function consult(
  settings: CameraSettings,
  readFile: (path: string) => string,
): { settings: CameraSettings; problems: SettingProblem[] } {
  const { model } = settings;
  const isOwn = isManifestPath(model);
  const spec = isOwn ? loadManifestSync(model, readFile) : modelById(model);
  return {
    settings: { ...settings, indicators: { ...spec?.indicators, ...settings.indicators } },
    // Of a model of the registry the settings have been held against its classes already.
    problems: isOwn && spec ? sceneProblems(settings, spec) : [],
  };
}
