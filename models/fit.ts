/**
 * Puts a picture into a model's input, straight from I420: makes colours of it (BT.601, limited range), scales them
 * (bilinear, pixel centres on pixel centres) and lays them out as the graph wants them. Pure.
 */
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { inputSize, type ModelInput } from '../core/model.ts';
import { BOTH, COLOUR_BYTES, COLUMNS, COLUMNS_BYTES, WEIGHT_PARTS, rowKernels, shareOf, SPARE_BYTES } from './fit-rows.ts';

/** Where the picture lies in the input, in its pixels. */
interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface InputFit {
  /** Where a picture may be put, so that `write` need not copy it. */
  room: Uint8Array;
  /**
   * @param yuv I420 of the size that this was made for
   * @param target one picture's floats of the input; what lies around a letterboxed picture is written too
   */
  write(yuv: Uint8Array, target: Float32Array | Uint8ClampedArray): void;
  /** From fractions of the input to fractions of the picture, clipped to it; null for what lies beside it. */
  back(box: Box): Box | null;
}

/** Tables for pictures of one size; made once and used for all of them. */
export function inputFitOf(picture: Pick<Picture, 'width' | 'height' | 'aspect'>, input: ModelInput): InputFit {
  const size = inputSize(input);
  const place = placeOf(picture, size, input);
  const isFull = place.width === size.width && place.height === size.height;
  const { room, write } = writer(picture, place, size, input);
  return {
    room,
    write(yuv, target) {
      if (!isFull) fillPad(target, input);
      write(yuv, target);
    },
    back: (box) => (isFull ? box : backFrom(box, place, size)),
  };
}

function placeOf(
  { width, height, aspect = width / height }: Pick<Picture, 'width' | 'height' | 'aspect'>,
  size: { width: number; height: number },
  { fit, anchor = 'centre' }: ModelInput,
): Place {
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
function writer(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  place: Place,
  size: { width: number; height: number },
  input: ModelInput,
): Pick<InputFit, 'room' | 'write'> {
  const rows = weigh(height, place.height);
  const { pixel, colour } = strides(input);
  const half = width / 2;
  const uAt = width * height;
  const vAt = uAt + uAt / 4;
  const order = input.color === 'RGB' ? [0, 1, 2] : [2, 1, 0];

  let bytes = 0;
  const reserve = (count: number) => {
    const at = bytes;
    bytes += Math.ceil((count + SPARE_BYTES) / SPARE_BYTES) * SPARE_BYTES;
    return at;
  };
  const colourRow = () => COLOURS.map(() => reserve(width * COLOUR_BYTES)) as [red: number, green: number, blue: number];
  const columnGroups = Math.ceil(place.width / COLUMNS);
  const [pictureAt, columnsAt, linearAt, outAt] = [
    reserve(vAt + uAt / 4),
    reserve(columnGroups * COLUMNS_BYTES),
    reserve(LINEAR_BYTES * 3),
    reserve(columnGroups * COLUMNS * 4),
  ] as [number, number, number, number];
  const mixed = colourRow();
  /** Two rows of the picture that make one of the input; the next needs one of them again, mostly. */
  const held = [{ row: -1, at: colourRow() }, { row: -1, at: colourRow() }] as [HeldRow, HeldRow];
  const rowBytes = (mixed[1] - mixed[0]) * 3;
  const { memory, run } = rowKernels(bytes);

  const columns = weigh(width, place.width);
  const view = new DataView(memory);
  for (let at = 0; at < place.width; at += 1) {
    const [group, one] = [columnsAt + Math.floor(at / COLUMNS) * COLUMNS_BYTES, at % COLUMNS];
    const right = Math.round((columns.share[at] as number) * BOTH);
    view.setInt32(group + one * 4, (columns.from[at] as number) * COLOUR_BYTES, true);
    view.setInt16(group + COLUMNS * 4 + one * 4, BOTH - right, true);
    view.setInt16(group + COLUMNS * 4 + one * 4 + 2, right, true);
  }
  linear(input).forEach(({ scale, offset }, at) => {
    view.setFloat32(linearAt + at * LINEAR_BYTES, scale / WEIGHT_PARTS / BOTH, true);
    view.setFloat32(linearAt + at * LINEAR_BYTES + 4, offset, true);
  });
  const room = new Uint8Array(memory, pictureAt, vAt + uAt / 4);
  const out = new Float32Array(memory, outAt, place.width);

  function take(row: number, { at: [red, green, blue] }: HeldRow): void {
    const chromaAt = pictureAt + uAt + (row >> 1) * half;
    run.colours(pictureAt + row * width, chromaAt, chromaAt + uAt / 4, red, green, blue, red + width * COLOUR_BYTES);
  }

  const write: InputFit['write'] = (yuv, target) => {
    if (yuv !== room) room.set(yuv);
    let [upper, lower] = held;
    upper.row = -1;
    lower.row = -1;
    for (let row = 0; row < place.height; row += 1) {
      const [from, to] = [rows.from[row] as number, rows.to[row] as number];
      if (lower.row === from) [upper, lower] = [lower, upper];
      if (upper.row !== from) take(upper.row = from, upper);
      if (lower.row !== to) take(lower.row = to, lower);
      run.down(upper.at[0], lower.at[0], shareOf(rows.share[row] as number), mixed[0], mixed[0] + rowBytes);
      for (let at = 0; at < COLOURS.length; at += 1) {
        run.across(
          columnsAt,
          columnsAt + columnGroups * COLUMNS_BYTES,
          mixed[order[at] as number] as number,
          linearAt + at * LINEAR_BYTES,
          outAt,
        );
        const first = at * colour + ((row + place.top) * size.width + place.left) * pixel;
        if (pixel === 1) target.set(out, first);
        else
          for (let column = 0, floats = first; column < place.width; column += 1, floats += pixel) target[floats] = out[column] as number;
      }
    }
  };
  return { room, write };
}

const COLOURS = ['red', 'green', 'blue'] as const;
/** Two floats. */
const LINEAR_BYTES = 8;

interface HeldRow {
  /** Its number in the picture; −1: none. */
  row: number;
  /** Where its colours lie, one behind the other. */
  at: [red: number, green: number, blue: number];
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
