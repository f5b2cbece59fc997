/** The registry: one line a model. Data and pure functions only; graphs are loaded when a camera uses them. */
import type { ModelSpec } from '../core/model.ts';
import centernet320 from './centernet-320/model.ts';

export const MODELS: readonly ModelSpec[] = [
  centernet320,
];

/** The model of that id; undefined when there is none, so that the caller can name the nearest. */
export function modelById(id: string): ModelSpec | undefined {
  return MODELS.find((model) => model.id === id);
}

/** Ids in the order of the registry. */
export function modelIds(): string[] {
  return MODELS.map((model) => model.id);
}
