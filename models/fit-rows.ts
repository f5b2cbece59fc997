/**
 * What is done to a picture's rows on their way into a model's input, eight numbers at once: colours of I420 (BT.601,
 * limited range), one row put together of two, and that scaled across. Colours are whole numbers in 64ths, red, green,
 * blue and one that counts for nothing. JavaScript, a number at a time, takes three times as long.
 */
import { add, compiled, load, number, stepping, vectors as v, type Code, type Kernel, type Variable } from './wasm.ts';

/** Of a level of colour. */
export const PARTS = 64;
/** Four numbers of 16 bits. */
export const PIXEL_BYTES = 8;
/** Rows are worked on in pieces; what lies behind a row so far is read and written, and means nothing. */
export const SPARE_BYTES = 64;
/** Of a column of the input: where its left pixel lies (32 bits), and the share of the one right of it (16 bits). */
export const COLUMN_BYTES = 8;

/** A share as kernels want it. */
export const shareOf = (share: number): number => Math.min(ONE - 1, Math.round(share * ONE));

const ONE = 32_768;
const [BLACK, GREY, WHITE] = [16, 128, 255 * PARTS];
/** Luma and chroma are shifted as far as 16 bits allow. */
const [LUMA_SHIFT, CHROMA_SHIFT] = [7, 8];
const everywhere = (value: number) => v.everywhere16(number(value));
const times = (value: Code, factor: number, shift: number) => v.share16(value, everywhere(Math.round((factor * PARTS * ONE) / 2 ** shift)));
const ofLuma = (luma: Code) => times(luma, 255 / 219, LUMA_SHIFT);
const ofChroma = (chroma: Code, factor: number) => times(chroma, factor * (255 / 224), CHROMA_SHIFT);
const raised = (at: Code, zero: number, shift: number) => v.subtract16(v.shiftLeft16(v.loadBytes(0, at), number(shift)), everywhere(zero << shift));

/** What lies beyond black, white or a full colour is cut off here: edges that a camera has sharpened go far beyond, and boxes follow edges. */
const clipped = (value: Code) => v.least16(v.greatest16(value, everywhere(0)), everywhere(WHITE));

const bytesOf = (numbers: readonly number[], bytes: number) => numbers.flatMap((at) => Array.from({ length: bytes }, (_, byte) => at * bytes + byte));
const EACH_TWICE = bytesOf([0, 0, 1, 1, 2, 2, 3, 3], 2);
const SECOND_HALF = bytesOf([1, 1], 8);
const LOWER = { two: bytesOf([0, 8, 1, 9, 2, 10, 3, 11], 2), four: bytesOf([0, 4, 1, 5], 4) };
const UPPER = { two: bytesOf([4, 12, 5, 13, 6, 14, 7, 15], 2), four: bytesOf([2, 6, 3, 7], 4) };

const on = (variable: Variable, bytes: number) => variable.set(add(variable.get, number(bytes)));

/** Two pixels share their chroma. */
const colours: Kernel<'colours'> = {
  name: 'colours',
  parameters: ['lumaAt', 'uAt', 'vAt', 'to', 'end'],
  vectors: ['luma', 'u', 'v', 'red', 'green', 'blue', 'redGreen', 'blueBlue'],
  body(of) {
    const [lumaAt, uAt, vAt, to, end] = [of('lumaAt'), of('uAt'), of('vAt'), of('to'), of('end')];
    const [luma, cu, cv, red, green, blue, redGreen, blueBlue] = [of('luma'), of('u'), of('v'), of('red'), of('green'), of('blue'), of('redGreen'), of('blueBlue')];
    const chroma = (at: Variable) => v.shuffle(EACH_TWICE, raised(at.get, GREY, CHROMA_SHIFT), everywhere(0));
    const four = (half: typeof LOWER, offset: number) => [
      ...redGreen.set(v.shuffle(half.two, red.get, green.get)), ...blueBlue.set(v.shuffle(half.two, blue.get, blue.get)),
      ...v.store(offset, to.get, v.shuffle(LOWER.four, redGreen.get, blueBlue.get)), ...v.store(offset + 16, to.get, v.shuffle(UPPER.four, redGreen.get, blueBlue.get)),
    ];
    return stepping(to, 8 * PIXEL_BYTES, end.get,
      luma.set(ofLuma(raised(lumaAt.get, BLACK, LUMA_SHIFT))), cu.set(chroma(uAt)), cv.set(chroma(vAt)),
      red.set(clipped(v.addSaturating16(luma.get, ofChroma(cv.get, 1.402)))),
      green.set(clipped(v.subtract16(v.subtract16(luma.get, ofChroma(cu.get, 0.344136)), ofChroma(cv.get, 0.714136)))),
      blue.set(clipped(v.addSaturating16(luma.get, ofChroma(cu.get, 1.772)))),
      four(LOWER, 0), four(UPPER, 32),
      on(lumaAt, 8), on(uAt, 4), on(vAt, 4));
  },
};

/** `share` is that of the row below. */
const down: Kernel<'down'> = {
  name: 'down',
  parameters: ['above', 'below', 'share', 'to', 'end'],
  vectors: ['first', 'part'],
  body(of) {
    const [above, below, to, first, part] = [of('above'), of('below'), of('to'), of('first'), of('part')];
    return [...part.set(v.everywhere16(of('share').get)), ...stepping(to, 2 * PIXEL_BYTES, of('end').get,
      v.store(0, to.get, v.add16(first.tee(v.load(0, above.get)), v.share16(v.subtract16(v.load(0, below.get), first.get), part.get))),
      on(above, 2 * PIXEL_BYTES), on(below, 2 * PIXEL_BYTES))];
  },
};

/** `linear`: what each colour is multiplied with and what is added then, 2 × 4 floats. Red, green and blue go so many bytes behind `to`. */
const across: Kernel<'across'> = {
  name: 'across',
  parameters: ['columns', 'end', 'linear', 'to', 'pixelBytes', 'red', 'green', 'blue'],
  vectors: ['pair', 'factor', 'offset', 'floats'],
  body(of) {
    const [columns, linear, to, pair, factor, offset, floats] = [of('columns'), of('linear'), of('to'), of('pair'), of('factor'), of('offset'), of('floats')];
    const colour = (name: string, lane: number) => v.storeLane32(lane, add(to.get, of(name).get), floats.get);
    return [...factor.set(v.load(0, linear.get)), ...offset.set(v.load(16, linear.get)), ...stepping(columns, COLUMN_BYTES, of('end').get,
      pair.set(v.load(0, load(columns.get))),
      pair.set(v.add16(pair.get, v.share16(v.subtract16(v.shuffle(SECOND_HALF, pair.get, pair.get), pair.get), v.loadEverywhere16(4, columns.get)))),
      floats.set(v.addFloats(v.multiplyFloats(v.toFloats(v.extendTo32(pair.get)), factor.get), offset.get)),
      colour('red', 0), colour('green', 1), colour('blue', 2),
      to.set(add(to.get, of('pixelBytes').get)))];
  },
};

export const rowsWorkshop = compiled([colours, down, across]);
