/** A picture of a clip as a model wants it, put together by ffmpeg's scaling: for comparing decodes, not the product's way. */
import { execFileSync } from 'node:child_process';
import { inputSize, type ModelInput } from '../../core/model.ts';

/** Pictures of a clip as input tensors. @param indices counted from 0, ascending */
export function picturesOf(clip: string, indices: readonly number[], input: ModelInput): Float32Array[] {
  return rgbPicturesOf(clip, indices, input).map((rgb) => normalised(rgb, input));
}

/** The same before mean and scale: width × height × 3 bytes of the input's size, rows from the top. */
export function rgbPicturesOf(clip: string, indices: readonly number[], input: ModelInput): Uint8Array[] {
  const { width, height } = inputSize(input);
  const place = input.anchor === 'top-left' ? '0:0' : '(ow-iw)/2:(oh-ih)/2';
  const grey = `0x${Math.round(input.pad ?? 0)
    .toString(16)
    .padStart(2, '0')
    .repeat(3)}`;
  const fit =
    input.fit === 'stretch'
      ? `scale=${width}:${height}`
      : `scale=${width}:${height}:force_original_aspect_ratio=decrease,pad=${width}:${height}:${place}:${grey}`;
  // ffmpeg takes no expression of more than a hundred terms.
  const step = (indices[1] ?? 0) - (indices[0] ?? 0);
  const isEven = step > 0 && indices.every((index, at) => index === at * step);
  const select = isEven ? `not(mod(n\\,${step}))` : indices.map((index) => `eq(n\\,${index})`).join('+');
  const rgb = execFileSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      clip,
      '-vf',
      `select=${select},${fit},format=rgb24`,
      '-fps_mode',
      'passthrough',
      '-frames:v',
      String(indices.length),
      '-f',
      'rawvideo',
      '-',
    ],
    { maxBuffer: 2 ** 29 },
  );
  const bytes = width * height * 3;
  return indices.map((_, at) => rgb.subarray(at * bytes, (at + 1) * bytes));
}

/** @param rgb as `rgbPicturesOf` gives it */
export function normalised(rgb: Uint8Array, { layout, color, mean = [0, 0, 0], scale = [1, 1, 1] }: ModelInput): Float32Array {
  const pixels = rgb.length / 3;
  const tensor = new Float32Array(rgb.length);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = rgb[pixel * 3 + (color === 'RGB' ? channel : 2 - channel)] as number;
      tensor[layout === 'NHWC' ? pixel * 3 + channel : channel * pixels + pixel] =
        (value - (mean[channel] as number)) * (scale[channel] as number);
    }
  }
  return tensor;
}
