/**
 * How far a whole picture moved against the one before. Rows and columns of parts of the picture are summed up, and the
 * sums are slid over each other; the scene moved only where most parts say the same. Pure.
 */
import type { Planes } from '../../../core/driver.ts';

const BANDS_ACROSS = 3;
const BANDS_DOWN = 2;
/** Pixels a shift is looked for, each way. */
const SEARCH = 28;
/** Half the width of the running mean that is taken off, so that light does not count. */
const SMOOTH = 16;
/** Mean height of a profile (luma) below which a part shows too little. */
const TEXTURE = 0.25;
/** What may be left of a profile's height after the best shift; more is another scene or something passing by. */
const UNEXPLAINED = 0.6;
/** Of what stands still already a shift must explain this share, or it is none. */
const GAIN = 0.3;
const FEW_PARTS = 3;
const AGREED_SHARE = 0.6;
const AGREED_PIXELS = 2;

export interface Shift {
  /** Pixels. */
  x: number;
  y: number;
}

export interface Projections {
  width: number;
  height: number;
  /** A band of rows each: its mean luma by column. */
  columns: Float32Array[];
  /** A band of columns each: its mean luma by row. */
  rows: Float32Array[];
}

export function project({ width, height, yuv }: Planes): Projections {
  const columns = Array.from({ length: BANDS_DOWN }, () => new Float32Array(width));
  const rows = Array.from({ length: BANDS_ACROSS }, () => new Float32Array(height));
  for (let y = 0; y < height; y += 2) {
    const band = columns[Math.floor((y * BANDS_DOWN) / height)] as Float32Array;
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) (band[x] as number) += yuv[at] as number;
  }
  for (let y = 0; y < height; y += 1) {
    for (let band = 0; band < BANDS_ACROSS; band += 1) {
      let sum = 0;
      for (let at = y * width + Math.floor((band * width) / BANDS_ACROSS), end = y * width + Math.floor(((band + 1) * width) / BANDS_ACROSS); at < end; at += 2) sum += yuv[at] as number;
      (rows[band] as Float32Array)[y] = sum;
    }
  }
  for (const band of columns) profile(band, height / BANDS_DOWN / 2);
  for (const band of rows) profile(band, width / BANDS_ACROSS / 2);
  return { width, height, columns, rows };
}

/** Sums become means, less the mean of their surroundings. */
function profile(sums: Float32Array, count: number): void {
  const before = new Float64Array(sums.length + 1);
  for (let at = 0; at < sums.length; at += 1) before[at + 1] = (before[at] as number) + (sums[at] as number) / count;
  for (let at = 0; at < sums.length; at += 1) {
    const from = Math.max(0, at - SMOOTH);
    const to = Math.min(sums.length, at + SMOOTH + 1);
    sums[at] = (sums[at] as number) / count - ((before[to] as number) - (before[from] as number)) / (to - from);
  }
}

export function shiftBetween(before: Projections, after: Projections): Shift {
  return { x: agreed(before.columns, after.columns, BANDS_ACROSS), y: agreed(before.rows, after.rows, BANDS_DOWN) };
}

/** What most parts say, in pixels; 0 when they do not agree. */
function agreed(before: readonly Float32Array[], after: readonly Float32Array[], parts: number): number {
  const shifts: number[] = [];
  for (const [band, profileBefore] of before.entries()) {
    for (let part = 0; part < parts; part += 1) {
      const shift = partShift(profileBefore, after[band] as Float32Array, part / parts, (part + 1) / parts);
      if (shift !== null) shifts.push(shift);
    }
  }
  if (shifts.length < FEW_PARTS) return 0;
  shifts.sort((a, b) => a - b);
  const middle = shifts[shifts.length >> 1] as number;
  return shifts.filter((shift) => Math.abs(shift - middle) <= AGREED_PIXELS).length >= shifts.length * AGREED_SHARE ? middle : 0;
}

/** null where there is too little to see, or no shift explains it. */
function partShift(before: Float32Array, after: Float32Array, fromShare: number, toShare: number): number | null {
  const from = Math.max(SEARCH, Math.floor(fromShare * before.length));
  const to = Math.min(before.length - SEARCH, Math.floor(toShare * before.length));
  let height = 0;
  for (let at = from; at < to; at += 1) height += Math.abs(before[at] as number);
  if (to <= from || height < TEXTURE * (to - from)) return null;
  const still = gapAt(0, Infinity);
  let best = 0;
  let least = still;
  for (let shift = 1; shift <= SEARCH; shift += 1) {
    for (const signed of [shift, -shift]) {
      const gap = gapAt(signed, least);
      if (gap < least) [least, best] = [gap, signed];
    }
  }
  if (least > UNEXPLAINED * height) return null;
  return still - least > GAIN * still ? best : 0;

  /** Ends early above `limit`. */
  function gapAt(shift: number, limit: number): number {
    let sum = 0;
    for (let at = from; at < to && sum < limit; at += 1) sum += Math.abs((before[at] as number) - (after[at + shift] as number));
    return sum;
  }
}
