/** The registry: one line a model. Data and pure functions only; graphs are loaded when a camera uses them. */
import type { ModelSpec } from '../core/model.ts';
import blazeface512 from './blazeface-512/model.ts';
import centernet320 from './centernet-320/model.ts';
import fastestdet352 from './fastestdet-352/model.ts';
import nanodetM416 from './nanodet-m-416/model.ts';
import ultrafaceRfb320 from './ultraface-rfb-320/model.ts';
import yoloxNano416 from './yolox-nano-416/model.ts';
import yunetN320 from './yunet-n-320/model.ts';

export const MODELS: readonly ModelSpec[] = [
  centernet320,
  blazeface512,
  yoloxNano416,
  nanodetM416,
  fastestdet352,
  yunetN320,
  ultrafaceRfb320,
];

/** The model of that id; undefined when there is none, so that the caller can name the nearest. */
export function modelById(id: string): ModelSpec | undefined {
  return MODELS.find((model) => model.id === id);
}
