/**
 * Puts a picture into a model's input, straight from I420: makes colours of it (BT.601, limited range), scales them
 * (bilinear, pixel centres on pixel centres) and lays them out as the graph wants them. Pure.
 */
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { inputSize, type ModelInput } from '../core/model.ts';
import { COLUMN_BYTES, PARTS, PIXEL_BYTES, rowsWorkshop, shareOf, SPARE_BYTES } from './fit-rows.ts';

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

/** Row by row: each row of the picture that is needed is made colours of once, two of them are put together, and the one is scaled across. */
function writer({ width, height }: Pick<Picture, 'width' | 'height'>, place: Place, size: { width: number; height: number }, input: ModelInput): Fit['write'] {
  const rows = weigh(height, place.height);
  const { pixel, colour } = strides(input);
  /** Floats of an input's row in one piece: all of it, or those of one colour. */
  const piece = place.width * pixel;
  const half = width / 2;
  const uAt = width * height;
  const vAt = uAt + uAt / 4;
  const order = input.color === 'RGB' ? [0, 1, 2] : [2, 1, 0];

  let bytes = 0;
  const room = (count: number) => {
    const at = bytes;
    bytes += Math.ceil((count + SPARE_BYTES) / SPARE_BYTES) * SPARE_BYTES;
    return at;
  };
  const rowBytes = width * PIXEL_BYTES;
  const [pictureAt, mixedAt, columnsAt, linearAt, outAt] = [room(vAt + uAt / 4), room(rowBytes), room(place.width * COLUMN_BYTES), room(32), room(place.width * 3 * Float32Array.BYTES_PER_ELEMENT)] as [number, number, number, number, number];
  /** Two rows of the picture that make one of the input; the next needs one of them again, mostly. */
  const held = [{ row: -1, at: room(rowBytes) }, { row: -1, at: room(rowBytes) }] as [HeldRow, HeldRow];
  const { memory, run } = rowsWorkshop(bytes);

  const columns = weigh(width, place.width);
  const view = new DataView(memory);
  columns.from.forEach((from, at) => {
    view.setInt32(columnsAt + at * COLUMN_BYTES, mixedAt + from * PIXEL_BYTES, true);
    view.setInt16(columnsAt + at * COLUMN_BYTES + 4, shareOf(columns.share[at] as number), true);
  });
  linear(input).forEach(({ scale, offset }, at) => {
    view.setFloat32(linearAt + (order[at] as number) * 4, scale / PARTS, true);
    view.setFloat32(linearAt + 16 + (order[at] as number) * 4, offset, true);
  });
  const own = new Uint8Array(memory);
  const out = Array.from({ length: pixel === 1 ? 3 : 1 }, (_, at) => new Float32Array(memory, outAt + at * piece * 4, piece));
  const [pixelBytes, ...colourBytes] = [pixel, ...order.map((at) => at * (pixel === 1 ? piece : 1))].map((floats) => floats * Float32Array.BYTES_PER_ELEMENT) as [number, number, number, number];

  function take(row: number, { at }: HeldRow): void {
    const chromaAt = pictureAt + uAt + (row >> 1) * half;
    run.colours(pictureAt + row * width, chromaAt, chromaAt + uAt / 4, at, at + rowBytes);
  }

  return (yuv, target) => {
    own.set(yuv, pictureAt);
    let [upper, lower] = held;
    upper.row = -1;
    lower.row = -1;
    for (let row = 0; row < place.height; row += 1) {
      const [from, to] = [rows.from[row] as number, rows.to[row] as number];
      if (lower.row === from) [upper, lower] = [lower, upper];
      if (upper.row !== from) take(upper.row = from, upper);
      if (lower.row !== to) take(lower.row = to, lower);
      run.down(upper.at, lower.at, shareOf(rows.share[row] as number), mixedAt, mixedAt + rowBytes);
      run.across(columnsAt, columnsAt + place.width * COLUMN_BYTES, linearAt, outAt, pixelBytes, ...colourBytes);
      out.forEach((floats, at) => target.set(floats, at * colour + ((row + place.top) * size.width + place.left) * pixel));
    }
  };
}

interface HeldRow {
  /** Its number in the picture; −1: none. */
  row: number;
  /** Where its colours lie. */
  at: number;
}

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
