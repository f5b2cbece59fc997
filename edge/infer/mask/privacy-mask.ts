/** Privacy mask: paints polygons black in a picture, in place, before anything else sees it. Pure but for that. */
import type { PicturePlanes } from '../../../core/driver.ts';

export type Polygon = readonly (readonly [across: number, down: number])[];

/** In blocks of 2 × 2 pixels, which share their colour. */
interface Run {
  row: number;
  from: number;
  to: number;
}

const BLACK = 16;
const NO_COLOUR = 128;
/** Heights of a row at which edges are looked at: one that ends inside of it must not be missed. */
const LEVELS = [0.05, 0.5, 0.95];

export class PrivacyMask {
  readonly #polygons: readonly Polygon[];
  #runs: Run[] = [];
  #size = '';

  /** @param polygons corners in fractions of the picture; where one crosses itself, inside is as with SVG's evenodd */
  constructor(polygons: readonly Polygon[]) {
    this.#polygons = polygons;
  }

  paint({ width, height, yuv }: PicturePlanes): void {
    if (this.#polygons.length === 0) return;
    const [columns, rows] = [width / 2, height / 2];
    if (this.#size !== `${width} ${height}`) {
      this.#size = `${width} ${height}`;
      this.#runs = this.#polygons.flatMap((polygon) => runsOf(polygon, columns, rows));
    }
    const uAt = width * height;
    const vAt = uAt + columns * rows;
    for (const { row, from, to } of this.#runs) {
      for (const above of [row * 2 * width, (row * 2 + 1) * width]) yuv.fill(BLACK, above + from * 2, above + to * 2);
      for (const plane of [uAt, vAt]) yuv.fill(NO_COLOUR, plane + row * columns + from, plane + row * columns + to);
    }
  }
}

/** Blocks that a polygon touches: rather one too many than one too few. */
function runsOf(polygon: Polygon, columns: number, rows: number): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (const level of LEVELS) {
      const crossings = crossingsAt((row + level) / rows, polygon);
      for (let at = 0; at + 1 < crossings.length; at += 2) {
        const from = Math.max(0, Math.floor((crossings[at] as number) * columns));
        const to = Math.min(columns, Math.ceil((crossings[at + 1] as number) * columns));
        if (to > from) runs.push({ row, from, to });
      }
    }
  }
  return runs;
}

/** Where the polygon's edges cross a height, from left to right. */
function crossingsAt(y: number, polygon: Polygon): number[] {
  const found: number[] = [];
  polygon.forEach(([x1, y1], at) => {
    const [x2, y2] = polygon[(at + 1) % polygon.length] as readonly [number, number];
    if ((y1 <= y) !== (y2 <= y)) found.push(x1 + ((y - y1) * (x2 - x1)) / (y2 - y1));
  });
  return found.toSorted((a, b) => a - b);
}

/** What a mask takes from whoever looks at a picture cell by cell. */
export interface MaskedCells {
  /** 1 where a polygon touches the cell. */
  cells: Uint8Array;
  /** Of the picture, at most. */
  share: number;
}

export function maskedCells(polygons: readonly Polygon[], across: number, down: number): MaskedCells {
  const cells = new Uint8Array(across * down);
  for (const { row, from, to } of polygons.flatMap((polygon) => runsOf(polygon, across, down)))
    cells.fill(1, row * across + from, row * across + to);
  return { cells, share: cells.reduce((sum, cell) => sum + cell, 0) / cells.length };
}
