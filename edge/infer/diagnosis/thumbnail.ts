/**
 * A picture made small, and of it only what light does not change: how much brighter or darker each pixel is than what
 * lies around it, up to a most, so that a white line says no more than a stain. Pure.
 */
import type { PicturePlanes } from '../../../core/driver.ts';

/** Pixels of a small picture across, about. */
const ACROSS = 192;
/** Half the width of what lies around, in small pixels. */
const AROUND = 4;
const AREA = (2 * AROUND + 1) ** 2;
/** Levels of luma, and what one of them becomes. */
const MOST = 8;
const LEVEL = 8;
/** Pixels that are read for a small one. */
const READ = 4;

/** `LEVEL` for each level of luma above what lies around. */
export interface LocalContrast {
  width: number;
  height: number;
  values: Int8Array;
}

/** Luma of up to 16 pixels, summed up: nine of them side by side are less than 2^16. */
interface LumaSums {
  width: number;
  height: number;
  values: Uint16Array;
}

/** What only one call needs; memory made anew each time would have to be collected. */
let lines = new Uint16Array(0);

export class Thumbnail {
  /** Pixels of the picture that a fine one stands for, each way; a coarse one stands for twice as many. */
  readonly scale: number;
  readonly fine: LocalContrast;
  readonly #sums: LumaSums;
  #coarse: LocalContrast | null = null;

  constructor(picture: PicturePlanes) {
    this.scale = Math.max(1, Math.round(picture.width / ACROSS));
    this.#sums = shrunk(picture, this.scale);
    this.fine = relief(this.#sums, READ);
  }

  get coarse(): LocalContrast {
    return (this.#coarse ??= relief(halved(this.#sums), 4 * READ));
  }
}

function shrunk({ width: across, height: down, yuv }: PicturePlanes, scale: number): LumaSums {
  const [width, height] = [Math.floor(across / scale), Math.floor(down / scale)];
  const values = new Uint16Array(width * height);
  const half = scale >> 1;
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0, at = y * scale * across, below = at + half * across; x < width; x += 1, to += 1, at += scale, below += scale) {
      values[to] = (yuv[at] as number) + (yuv[at + half] as number) + (yuv[below] as number) + (yuv[below + half] as number);
    }
  }
  return { width, height, values };
}

function halved({ width: across, height: down, values: sums }: LumaSums): LumaSums {
  const [width, height] = [across >> 1, down >> 1];
  const values = new Uint16Array(width * height);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0, at = 2 * y * across; x < width; x += 1, at += 2, to += 1)
      values[to] = (sums[at] as number) + (sums[at + 1] as number) + (sums[at + across] as number) + (sums[at + across + 1] as number);
  }
  return { width, height, values };
}

/** The sum of what lies around slides along: what comes in is added, what goes out is taken off; beyond an edge lies the edge. */
function relief({ width, height, values: sums }: LumaSums, read: number): LocalContrast {
  const { length } = sums;
  if (lines.length < length) lines = new Uint16Array(length);
  const across = lines;
  for (let start = 0; start < length; start += width) {
    const last = start + width - 1;
    let sum = (sums[start] as number) * AROUND;
    for (let at = 0; at < AROUND; at += 1) sum += sums[Math.min(last, start + at)] as number;
    for (let at = start; at <= last; at += 1) {
      sum += sums[at + AROUND > last ? last : at + AROUND] as number;
      across[at] = sum;
      sum -= sums[at - AROUND < start ? start : at - AROUND] as number;
    }
  }
  const values = new Int8Array(length);
  const around = new Int32Array(width);
  const end = (height - 1) * width;
  for (let x = 0; x < width; x += 1) {
    let sum = (across[x] as number) * AROUND;
    for (let row = 0; row < AROUND; row += 1) sum += across[Math.min(end, row * width) + x] as number;
    around[x] = sum;
  }
  const level = LEVEL / (read * AREA);
  for (let row = 0; row <= end; row += width) {
    const coming = Math.min(end, row + AROUND * width);
    const going = Math.max(0, row - AROUND * width);
    for (let x = 0; x < width; x += 1) {
      const sum = (around[x] as number) + (across[coming + x] as number);
      const above = ((sums[row + x] as number) * AREA - sum) * level;
      values[row + x] = above > LEVEL * MOST ? LEVEL * MOST : above < -LEVEL * MOST ? -LEVEL * MOST : above;
      around[x] = sum - (across[going + x] as number);
    }
  }
  return { width, height, values };
}
