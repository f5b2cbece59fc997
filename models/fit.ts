/**
 * Puts a picture into a model's input, straight from I420: makes colours of it (BT.601, limited range), scales them
 * (bilinear, pixel centres on pixel centres) and lays them out as the graph wants them. Pure.
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
const tableOf = (of: (value: number) => number) => Float64Array.from({ length: 256 }, (_, value) => of(value));
const GREY = tableOf((luma) => (luma - 16) * LUMA);
const RED_OF_V = tableOf((v) => RED_V * (v - 128));
const GREEN_OF_U = tableOf((u) => GREEN_U * (u - 128));
const GREEN_OF_V = tableOf((v) => GREEN_V * (v - 128));
const BLUE_OF_U = tableOf((u) => BLUE_U * (u - 128));

/**
 * Row by row: each row of the picture that is needed is put together across once, then two of them down. Pixels are made
 * colours of before they are put together, since what lies beyond black, white or a full colour is cut off there: edges in
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

  /** Two rows of the picture that make one of the input; the next needs one of them again, mostly. */
  const held = [{ row: -1, colours: new Float64Array(place.width * 3) }, { row: -1, colours: new Float64Array(place.width * 3) }] as [HeldRow, HeldRow];

  function across(yuv: Uint8Array, row: number, colours: Float64Array): void {
    const lumaAt = row * width;
    const uRowAt = uAt + (row >> 1) * half;
    const vRowAt = uRowAt + toV;
    const { from, to, share: shares } = columns;
    for (let column = 0, at = 0; column < from.length; column += 1, at += 3) {
      const left = from[column] as number;
      const right = to[column] as number;
      const share = shares[column] as number;
      const a = GREY[yuv[lumaAt + left] as number] as number;
      const b = GREY[yuv[lumaAt + right] as number] as number;
      const ua = yuv[uRowAt + (left >> 1)] as number;
      const ub = yuv[uRowAt + (right >> 1)] as number;
      const va = yuv[vRowAt + (left >> 1)] as number;
      const vb = yuv[vRowAt + (right >> 1)] as number;
      const redOne = clip255(a + (RED_OF_V[va] as number));
      const greenOne = clip255(a - (GREEN_OF_U[ua] as number) - (GREEN_OF_V[va] as number));
      const blueOne = clip255(a + (BLUE_OF_U[ua] as number));
      colours[at] = redOne + (clip255(b + (RED_OF_V[vb] as number)) - redOne) * share;
      colours[at + 1] = greenOne + (clip255(b - (GREEN_OF_U[ub] as number) - (GREEN_OF_V[vb] as number)) - greenOne) * share;
      colours[at + 2] = blueOne + (clip255(b + (BLUE_OF_U[ub] as number)) - blueOne) * share;
    }
  }

  return (yuv, target) => {
    let [upper, lower] = held;
    upper.row = -1;
    lower.row = -1;
    for (let row = 0; row < place.height; row += 1) {
      const [from, to] = [rows.from[row] as number, rows.to[row] as number];
      if (lower.row === from) [upper, lower] = [lower, upper];
      if (upper.row !== from) across(yuv, upper.row = from, upper.colours);
      if (lower.row !== to) across(yuv, lower.row = to, lower.colours);
      const [over, under] = [upper.colours, lower.colours];
      const share = rows.share[row] as number;
      for (let source = 0, at = ((row + place.top) * size.width + place.left) * pixel; source < over.length; source += 3, at += pixel) {
        const red = over[source] as number;
        const green = over[source + 1] as number;
        const blue = over[source + 2] as number;
        target[at + redAt] = (red + ((under[source] as number) - red) * share) * forRed.scale + forRed.offset;
        target[at + greenAt] = (green + ((under[source + 1] as number) - green) * share) * second.scale + second.offset;
        target[at + blueAt] = (blue + ((under[source + 2] as number) - blue) * share) * forBlue.scale + forBlue.offset;
      }
    }
  };
}

interface HeldRow {
  /** Its number in the picture; −1: none. */
  row: number;
  /** Red, green, blue for each column of the input. */
  colours: Float64Array;
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

function clip255(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
