/** What cameras ask of their model: the classes that their points, zones and lines are about. Pure. */
import { kindsIn } from '../../../scene/check.ts';
import { classesOf, KIND_NAMES } from '../../../scene/kinds.ts';
import type { SceneSettings } from '../../../scene/settings.ts';

/**
 * @param settings of cameras that share a model, checked
 * @returns in order; people and vehicles are always among them, as the points of every camera are
 */
export function requiredClasses(settings: readonly unknown[]): string[] {
  const kinds = settings.flatMap((one) => {
    const { zones = [], lines = [], indicators = {} } = (one ?? {}) as Partial<SceneSettings>;
    return kindsIn({ zones, lines, indicators }).map(({ kind }) => kind);
  });
  return [...classesOf([...KIND_NAMES, ...kinds])].toSorted();
}

/** What all cameras that name this model ask of it, so that they can share one graph. */
export function requiredClassesOf(model: unknown, cameras: readonly { settings: unknown }[]): string[] {
  return requiredClasses(cameras.map(({ settings }) => settings).filter((settings) => modelSettingOf(settings) === model));
}

/** What settings of a camera name; undefined: none. */
export function modelSettingOf(settings: unknown): unknown {
  return (settings as { model?: unknown }).model;
}
