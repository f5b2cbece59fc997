/**
 * Puts a picture into a model's input, straight from I420: one pass that scales (bilinear, pixel centres on pixel
 * centres), makes colours of it (BT.601, limited range) and lays them out as the graph wants them. Pure.
 */
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { inputSize, type ModelInput } from '../core/model.ts';

/** Where the picture lies in the input, in its pixels. */
interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Fit {
  /**
   * @param yuv I420 of the size that this was made for
   * @param target one picture's floats of the input; what lies around a letterboxed picture is written too
   */
  write(yuv: Uint8Array, target: Float32Array | Uint8ClampedArray): void;
  /** From fractions of the input to fractions of the picture, clipped to it; null for what lies beside it. */
  back(box: Box): Box | null;
}

/** Tables for pictures of one size; made once and used for all of them. */
export function fitOf(picture: Pick<Picture, 'width' | 'height' | 'aspect'>, input: ModelInput): Fit {
  const size = inputSize(input);
  const place = placeOf(picture, size, input);
  const isFull = place.width === size.width && place.height === size.height;
  const write = writer(picture, place, size, input);
  return {
    write(yuv, target) {
      if (!isFull) fillPad(target, input);
      write(yuv, target);
    },
    back: (box) => (isFull ? box : backFrom(box, place, size)),
  };
}

function placeOf({ width, height, aspect = width / height }: Pick<Picture, 'width' | 'height' | 'aspect'>, size: { width: number; height: number }, { fit, anchor = 'centre' }: ModelInput): Place {
  if (fit === 'stretch') return { left: 0, top: 0, ...size };
  const scale = Math.min(size.width / aspect, size.height);
  const inside = { width: Math.max(1, Math.min(size.width, Math.round(scale * aspect))), height: Math.max(1, Math.round(scale)) };
  if (anchor === 'top-left') return { left: 0, top: 0, ...inside };
  return { left: Math.floor((size.width - inside.width) / 2), top: Math.floor((size.height - inside.height) / 2), ...inside };
}

function backFrom({ class: label, score, x, y, width, height }: Box, place: Place, size: { width: number; height: number }): Box | null {
  const across = (fraction: number) => clip01((fraction * size.width - place.left) / place.width);
  const down = (fraction: number) => clip01((fraction * size.height - place.top) / place.height);
  const [left, top] = [across(x), down(y)];
  const box: Box = { class: label, score, x: left, y: top, width: across(x + width) - left, height: down(y + height) - top };
  return box.width > 0 && box.height > 0 ? box : null;
}

function clip01(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Floats between one pixel of a colour and the next, and between the colours. */
function strides(input: ModelInput): { pixel: number; colour: number } {
  const { width, height } = inputSize(input);
  return input.layout === 'NHWC' ? { pixel: 3, colour: 1 } : { pixel: 1, colour: width * height };
}

/** (value − mean) × scale as value × scale + offset, for each colour in the graph's order. */
function linear({ mean = [0, 0, 0], scale = [1, 1, 1] }: ModelInput): { scale: number; offset: number }[] {
  return scale.map((factor, colour) => ({ scale: factor, offset: -(mean[colour] as number) * factor }));
}

function fillPad(target: Float32Array | Uint8ClampedArray, input: ModelInput): void {
  const { pixel, colour } = strides(input);
  const { width, height } = inputSize(input);
  linear(input).forEach(({ scale, offset }, at) => {
    const value = (input.pad ?? 0) * scale + offset;
    if (pixel === 1) target.fill(value, at * colour, (at + 1) * colour);
    else for (let to = at; to < width * height * 3; to += pixel) target[to] = value;
  });
}

/** BT.601 with black at 16 and white at 235, as cameras and ffmpeg's yuv420p have it. */
const LUMA = 255 / 219;
const RED_V = 1.402 * (255 / 224);
const GREEN_U = 0.344136 * (255 / 224);
const GREEN_V = 0.714136 * (255 / 224);
const BLUE_U = 1.772 * (255 / 224);
const tableOf = (of: (value: number) => number) => Float32Array.from({ length: 256 }, (_, value) => of(value));
const GREY = tableOf((luma) => (luma - 16) * LUMA);
const RED_OF_V = tableOf((v) => RED_V * (v - 128));
const GREEN_OF_U = tableOf((u) => GREEN_U * (u - 128));
const GREEN_OF_V = tableOf((v) => GREEN_V * (v - 128));
const BLUE_OF_U = tableOf((u) => BLUE_U * (u - 128));

/**
 * The loop over all pixels; every number that it needs is at hand before. Each of the four pixels is made a colour of
 * before they are put together, since what lies beyond black, white or a full colour is cut off there: edges in
 * pictures that a camera has sharpened go far beyond, and boxes follow edges.
 */
function writer({ width, height }: Pick<Picture, 'width' | 'height'>, place: Place, size: { width: number; height: number }, input: ModelInput): Fit['write'] {
  const columns = weigh(width, place.width);
  const rows = weigh(height, place.height);
  const half = width / 2;
  const { pixel, colour } = strides(input);
  const [first, second, third] = linear(input) as [Linear, Linear, Linear];
  const isRgb = input.color === 'RGB';
  const [forRed, forBlue] = isRgb ? [first, third] : [third, first];
  const [redAt, greenAt, blueAt] = isRgb ? [0, colour, 2 * colour] : [2 * colour, colour, 0];
  const uAt = width * height;
  const toV = uAt / 4;

  return (yuv, target) => {
    for (let row = 0; row < place.height; row += 1) {
      const upper = (rows.from[row] as number) * width;
      const lower = (rows.to[row] as number) * width;
      const colourUpper = ((rows.from[row] as number) >> 1) * half;
      const colourLower = ((rows.to[row] as number) >> 1) * half;
      const down = rows.share[row] as number;
      let at = ((row + place.top) * size.width + place.left) * pixel;
      for (let column = 0; column < place.width; column += 1, at += pixel) {
        const left = columns.from[column] as number;
        const right = columns.to[column] as number;
        const across = columns.share[column] as number;
        const a = GREY[yuv[upper + left] as number] as number;
        const b = GREY[yuv[upper + right] as number] as number;
        const c = GREY[yuv[lower + left] as number] as number;
        const d = GREY[yuv[lower + right] as number] as number;
        const p = uAt + colourUpper + (left >> 1);
        const q = uAt + colourUpper + (right >> 1);
        const r = uAt + colourLower + (left >> 1);
        const s = uAt + colourLower + (right >> 1);
        const ua = yuv[p] as number;
        const ub = yuv[q] as number;
        const uc = yuv[r] as number;
        const ud = yuv[s] as number;
        const va = yuv[p + toV] as number;
        const vb = yuv[q + toV] as number;
        const vc = yuv[r + toV] as number;
        const vd = yuv[s + toV] as number;
        const redOne = mix(clip255(a + (RED_OF_V[va] as number)), clip255(b + (RED_OF_V[vb] as number)), clip255(c + (RED_OF_V[vc] as number)), clip255(d + (RED_OF_V[vd] as number)), across, down);
        const greenOne = mix(clip255(a - (GREEN_OF_U[ua] as number) - (GREEN_OF_V[va] as number)), clip255(b - (GREEN_OF_U[ub] as number) - (GREEN_OF_V[vb] as number)), clip255(c - (GREEN_OF_U[uc] as number) - (GREEN_OF_V[vc] as number)), clip255(d - (GREEN_OF_U[ud] as number) - (GREEN_OF_V[vd] as number)), across, down);
        const blueOne = mix(clip255(a + (BLUE_OF_U[ua] as number)), clip255(b + (BLUE_OF_U[ub] as number)), clip255(c + (BLUE_OF_U[uc] as number)), clip255(d + (BLUE_OF_U[ud] as number)), across, down);
        target[at + redAt] = redOne * forRed.scale + forRed.offset;
        target[at + greenAt] = greenOne * second.scale + second.offset;
        target[at + blueAt] = blueOne * forBlue.scale + forBlue.offset;
      }
    }
  };
}

type Linear = ReturnType<typeof linear>[number];

interface Weights {
  from: Int32Array;
  to: Int32Array;
  /** Of `to`. */
  share: Float64Array;
}

/** Pixel centres on pixel centres: the picture's edges stay where they are. */
function weigh(source: number, target: number): Weights {
  const weights = { from: new Int32Array(target), to: new Int32Array(target), share: new Float64Array(target) };
  for (let at = 0; at < target; at += 1) {
    const place = Math.min(source - 1, Math.max(0, ((at + 0.5) * source) / target - 0.5));
    const from = Math.floor(place);
    weights.from[at] = from;
    weights.to[at] = Math.min(source - 1, from + 1);
    weights.share[at] = place - from;
  }
  return weights;
}

/** Between four: upper left, upper right, lower left, lower right. */
function mix(a: number, b: number, c: number, d: number, across: number, down: number): number {
  const upper = a + (b - a) * across;
  return upper + (c + (d - c) * across - upper) * down;
}

function clip255(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
