/**
 * What is done to a picture's rows on their way into a model's input, four or eight numbers at once: colours of I420
 * (BT.601, limited range), one row put together of two, and that scaled across. A row is one of each colour, red, green and
 * blue, in whole 64ths of a level. JavaScript, a number at a time, takes five times as long.
 */
import {
  i32Add,
  compileKernels,
  i32Load,
  i32Const,
  countedLoop,
  vectors as v,
  type WasmCode,
  type WasmKernel,
  type WasmVariable,
} from './wasm.ts';

/** Of a level of colour. */
export const WEIGHT_PARTS = 64;
/** Of a colour of a pixel. */
export const COLOUR_BYTES = 2;
/** Rows are worked on in pieces; what lies behind a row so far is read and written, and means nothing. */
export const SPARE_BYTES = 64;
/** Columns of the input are made four at once: where the left pixel of each lies in its row (4 × 32 bits), then what it and the one right of it count (4 × 2 × 16 bits). */
export const COLUMNS = 4;
export const COLUMNS_BYTES = 32;
/** What two pixels count together. */
export const BOTH = 16_384;

/** A share as kernels want it. */
export const shareOf = (share: number): number => Math.min(ONE - 1, Math.round(share * ONE));

const ONE = 32_768;
const [BLACK, GREY, WHITE] = [16, 128, 255 * WEIGHT_PARTS];
/** Luma and chroma are shifted as far as 16 bits allow. */
const [LUMA_SHIFT, CHROMA_SHIFT] = [7, 8];
const everywhere = (value: number) => v.everywhere16(i32Const(value));
const times = (value: WasmCode, factor: number, shift: number) =>
  v.share16(value, everywhere(Math.round((factor * WEIGHT_PARTS * ONE) / 2 ** shift)));
const ofLuma = (luma: WasmCode) => times(luma, 255 / 219, LUMA_SHIFT);
const ofChroma = (chroma: WasmCode, factor: number) => times(chroma, factor * (255 / 224), CHROMA_SHIFT);
const raised = (at: WasmCode, zero: number, shift: number) =>
  v.subtract16(v.shiftLeft16(v.loadBytes(0, at), i32Const(shift)), everywhere(zero << shift));

/** What lies beyond black, white or a full colour is cut off here: edges that a camera has sharpened go far beyond, and boxes follow edges. */
const clipped = (value: WasmCode) => v.least16(v.greatest16(value, everywhere(0)), everywhere(WHITE));

const bytesOf = (numbers: readonly number[], bytes: number) =>
  numbers.flatMap((at) => Array.from({ length: bytes }, (_, byte) => at * bytes + byte));
const EACH_TWICE = bytesOf([0, 0, 1, 1, 2, 2, 3, 3], 2);

const on = (variable: WasmVariable, bytes: number) => variable.set(i32Add(variable.get, i32Const(bytes)));

/** Two pixels share their chroma. */
const colours: WasmKernel<'colours'> = {
  name: 'colours',
  parameters: ['lumaAt', 'uAt', 'vAt', 'red', 'green', 'blue', 'end'],
  vectors: ['luma', 'u', 'v'],
  body(of) {
    const [lumaAt, uAt, vAt, red, green, blue] = [of('lumaAt'), of('uAt'), of('vAt'), of('red'), of('green'), of('blue')];
    const [luma, cu, cv] = [of('luma'), of('u'), of('v')];
    const chroma = (at: WasmVariable) => v.shuffle(EACH_TWICE, raised(at.get, GREY, CHROMA_SHIFT), everywhere(0));
    return countedLoop(red, 8 * COLOUR_BYTES, of('end').get,
      luma.set(ofLuma(raised(lumaAt.get, BLACK, LUMA_SHIFT))), cu.set(chroma(uAt)), cv.set(chroma(vAt)),
      v.store(0, red.get, clipped(v.addSaturating16(luma.get, ofChroma(cv.get, 1.402)))),
      v.store(0, green.get, clipped(v.subtract16(v.subtract16(luma.get, ofChroma(cu.get, 0.344136)), ofChroma(cv.get, 0.714136)))),
      v.store(0, blue.get, clipped(v.addSaturating16(luma.get, ofChroma(cu.get, 1.772)))),
      on(lumaAt, 8), on(uAt, 4), on(vAt, 4), on(green, 8 * COLOUR_BYTES), on(blue, 8 * COLOUR_BYTES));
  },
};

/** `share` is that of the row below. */
const down: WasmKernel<'down'> = {
  name: 'down',
  parameters: ['above', 'below', 'share', 'to', 'end'],
  vectors: ['first', 'part'],
  body(of) {
    const [above, below, to, first, part] = [of('above'), of('below'), of('to'), of('first'), of('part')];
    const eight = (offset: number) =>
      v.store(
        offset,
        to.get,
        v.add16(first.tee(v.load(offset, above.get)), v.share16(v.subtract16(v.load(offset, below.get), first.get), part.get)),
      );
    return [
      ...part.set(v.everywhere16(of('share').get)),
      ...countedLoop(
        to,
        16 * COLOUR_BYTES,
        of('end').get,
        eight(0),
        eight(8 * COLOUR_BYTES),
        on(above, 16 * COLOUR_BYTES),
        on(below, 16 * COLOUR_BYTES),
      ),
    ];
  },
};

/** One colour. `linear`: what it is multiplied with and what is added then, two floats. */
const across: WasmKernel<'across'> = {
  name: 'across',
  parameters: ['columns', 'end', 'row', 'linear', 'to'],
  vectors: ['pairs', 'factor', 'offset'],
  body(of) {
    const [columns, linear, to, pairs, factor, offset] = [of('columns'), of('linear'), of('to'), of('pairs'), of('factor'), of('offset')];
    const left = (column: number) => i32Add(i32Load(column * 4, columns.get), of('row').get);
    return [
      ...factor.set(v.loadEverywhere32(0, linear.get)),
      ...offset.set(v.loadEverywhere32(4, linear.get)),
      ...countedLoop(
        columns,
        COLUMNS_BYTES,
        of('end').get,
        ...[0, 1, 2, 3].map((column) => pairs.set(v.loadLane32(column, left(column), pairs.get))),
        v.store(
          0,
          to.get,
          v.addFloats(v.multiplyFloats(v.toFloats(v.pairSums32(pairs.get, v.load(COLUMNS * 4, columns.get))), factor.get), offset.get),
        ),
        on(to, COLUMNS * Float32Array.BYTES_PER_ELEMENT),
      ),
    ];
  },
};

export const rowKernels = compileKernels([colours, down, across]);
