/** Pictures by the pixel, rgb24, and back to I420 (BT.601, limited range): for people, who look at one now and then. Pure. */
import type { PicturePlanes } from '../core/driver.ts';
import type { ModelInput } from '../core/model.ts';
import { inputFitOf } from './fit.ts';

type Size = { width: number; height: number };

/** @throws RangeError when its bytes are not those of its size */
export function i420ToRgb({ width, height, yuv }: PicturePlanes): Uint8Array {
  const bytes = (width * height * 3) / 2;
  if (yuv.length !== bytes) throw new RangeError(`${yuv.length} bytes, ${bytes} wanted`);
  const plain: ModelInput = { name: '', shape: [1, height, width, 3], layout: 'NHWC', color: 'RGB', fit: 'stretch' };
  const rgb = new Uint8ClampedArray(width * height * 3); // rounds
  inputFitOf({ width, height }, plain).write(yuv, rgb);
  return new Uint8Array(rgb.buffer);
}

/** @param rgb rows from the top; both sides even */
export function rgbToI420(rgb: Uint8Array, { width, height }: Size): Uint8Array {
  const yuv = new Uint8ClampedArray((width * height * 3) / 2);
  const uAt = width * height;
  const vAt = uAt + uAt / 4;
  for (let pixel = 0; pixel < uAt; pixel += 1) {
    const at = pixel * 3;
    yuv[pixel] = 16 + (0.299 * (rgb[at] as number) + 0.587 * (rgb[at + 1] as number) + 0.114 * (rgb[at + 2] as number)) * (219 / 255);
  }
  for (let row = 0; row < height; row += 2) {
    for (let column = 0; column < width; column += 2) {
      const at = (row * width + column) * 3;
      const below = at + width * 3;
      const mean = (colour: number) =>
        ((rgb[at + colour] as number) +
          (rgb[at + 3 + colour] as number) +
          (rgb[below + colour] as number) +
          (rgb[below + 3 + colour] as number)) /
        4;
      const [red, green, blue] = [mean(0), mean(1), mean(2)];
      const to = (row * width) / 4 + column / 2;
      yuv[uAt + to] = 128 + (-0.168736 * red - 0.331264 * green + 0.5 * blue) * (224 / 255);
      yuv[vAt + to] = 128 + (0.5 * red - 0.418688 * green - 0.081312 * blue) * (224 / 255);
    }
  }
  return new Uint8Array(yuv.buffer);
}
