/** Paints over what nobody may see, before anything else has the picture. */
import type { InferCameras } from '../camera.ts';
import type { ArrivalStation } from '../picture-task.ts';

export function applyMask(cameras: InferCameras): ArrivalStation {
  return ({ device, picture }) => {
    cameras.get(device)?.pipeline.applyMask(picture);
    return null;
  };
}
