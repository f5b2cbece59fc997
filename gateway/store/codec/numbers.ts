/**
 * Numbers, exactly: whole numbers at the smallest decimal scale that gives every one of them back, else the bits that
 * differ from the number before.
 */
import { type ByteReader, type ByteWriter, MAX_WHOLE, Unreadable } from './bytes.ts';

const MAX_SCALE = 12;
const TENS = Array.from({ length: MAX_SCALE + 1 }, (_, scale) => 10 ** scale);
/** Instead of a scale: bits. */
const BITS = 255;

export function writeNumbers(out: ByteWriter, numbers: readonly number[]): void {
  const scale = scaleOf(numbers);
  if (scale === null) {
    out.byte(BITS);
    writeBits(out, numbers);
    return;
  }
  out.byte(scale);
  const ten = TENS[scale] as number;
  let previous = 0;
  for (const number of numbers) {
    const whole = Math.round(number * ten);
    out.zigzag(whole - previous);
    previous = whole;
  }
}

export function readNumbers(input: ByteReader, count: number): Float64Array {
  const scale = input.byte();
  if (scale === BITS) return readBits(input, count);
  const ten = TENS[scale];
  if (ten === undefined) throw new Unreadable(`scale ${scale}`);
  const numbers = input.zigzags(count);
  let whole = 0;
  for (let at = 0; at < count; at += 1) {
    whole += numbers[at] as number;
    numbers[at] = whole / ten;
  }
  return numbers;
}

/** The smallest number of decimals at which all are whole and come back as they are; null when there is none. */
function scaleOf(numbers: readonly number[]): number | null {
  let scale = 0;
  for (const number of numbers) {
    while (!fits(number, scale)) {
      scale += 1;
      if (scale > MAX_SCALE) return null;
    }
  }
  return numbers.every((number) => fits(number, scale)) ? scale : null;
}

function fits(number: number, scale: number): boolean {
  const ten = TENS[scale] as number;
  const whole = Math.round(number * ten);
  // −0 is not 0. Half of MAX_WHOLE, so that the difference of two still fits.
  return Math.abs(whole) <= MAX_WHOLE / 2 && whole / ten === number && !Object.is(number, -0);
}

/** Each: leading zero bytes and bytes that follow (a nibble each), then those bytes of this number XOR the one before. */
function writeBits(out: ByteWriter, numbers: readonly number[]): void {
  const view = new DataView(new ArrayBuffer(8));
  let previousHigh = 0;
  let previousLow = 0;
  for (const number of numbers) {
    view.setFloat64(0, number);
    const high = view.getUint32(0);
    const low = view.getUint32(4);
    view.setUint32(0, (high ^ previousHigh) >>> 0);
    view.setUint32(4, (low ^ previousLow) >>> 0);
    previousHigh = high;
    previousLow = low;
    let first = 0;
    while (first < 8 && view.getUint8(first) === 0) first += 1;
    let end = 8;
    while (end > first && view.getUint8(end - 1) === 0) end -= 1;
    out.byte((first << 4) | (end - first));
    for (let at = first; at < end; at += 1) out.byte(view.getUint8(at));
  }
}

function readBits(input: ByteReader, count: number): Float64Array {
  const view = new DataView(new ArrayBuffer(8));
  let high = 0;
  let low = 0;
  return Float64Array.from({ length: count }, () => {
    const header = input.byte();
    const first = header >> 4;
    const end = first + (header & 15);
    if (end > 8) throw new Unreadable('bits beyond a number');
    view.setUint32(0, 0);
    view.setUint32(4, 0);
    for (let at = first; at < end; at += 1) view.setUint8(at, input.byte());
    high = (high ^ view.getUint32(0)) >>> 0;
    low = (low ^ view.getUint32(4)) >>> 0;
    view.setUint32(0, high);
    view.setUint32(4, low);
    return view.getFloat64(0);
  });
}
