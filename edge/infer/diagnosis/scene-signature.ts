/**
 * What a scene looks like, cell by cell: how much luma changes across and down, and whether it changes at all. The same
 * scene keeps it through the day and while things pass; another scene, or something before the lens, does not. Pure.
 */
import type { PicturePlanes } from '../../../core/driver.ts';
import { scoreBelow } from './scores.ts';

export const SIGNATURE_COLUMNS = 32;
export const SIGNATURE_ROWS = 18;
const CELLS = SIGNATURE_COLUMNS * SIGNATURE_ROWS;
/** Standard deviation of luma below which a cell shows nothing at all: even sky and paint have the sensor's grain. */
const FLAT = 0.35;
/** Standard deviation of the cells' luma below which a picture shows nothing. */
const BLANK = 3;
/** Blown-out sky is flat as well. */
const BLOWN_OUT = 245;
/** Mean difference of two pixels that show grain alone, squared, for its variance, and some more: a cell has few of them. */
const GRAIN_CHANGE = (4 / Math.PI) * 1.8;

export interface SceneSignature {
  /** Two a cell: log of 1 + mean change across, and down. */
  edges: Float32Array;
  /** A cell: 1 where nothing is to be seen. */
  flat: Uint8Array;
  /** A cell: mean luma; where one is painted over, that of the others. */
  lumas: Float32Array;
  /** Standard deviation of these: grain has no part in it. */
  spread: number;
  /** Mean luma of the cells that are not flat. */
  litMean: number;
}

/**
 * @param hidden 1 where a cell is painted over: it is not flat by itself
 * @param grain standard deviation of luma that is in no edge
 */
export function sceneSignature({ width, height, yuv }: PicturePlanes, hidden?: Uint8Array, grain = 0): SceneSignature {
  const edges = new Float32Array(2 * CELLS);
  const flat = new Uint8Array(CELLS);
  const lumas = new Float32Array(CELLS).fill(NaN);
  const grainChange = GRAIN_CHANGE * grain * grain;
  const edge = (change: number) => Math.log(1 + Math.sqrt(Math.max(0, change * change - grainChange)));
  let lit = 0;
  let litCells = 0;
  for (let cell = 0; cell < CELLS; cell += 1) {
    const column = cell % SIGNATURE_COLUMNS;
    const row = (cell - column) / SIGNATURE_COLUMNS;
    const right = Math.floor(((column + 1) * width) / SIGNATURE_COLUMNS) - 2;
    const bottom = Math.floor(((row + 1) * height) / SIGNATURE_ROWS) - 2;
    let across = 0;
    let down = 0;
    let sum = 0;
    let squares = 0;
    let count = 0;
    for (let y = Math.floor((row * height) / SIGNATURE_ROWS); y < bottom; y += 4) {
      for (let x = Math.floor((column * width) / SIGNATURE_COLUMNS), at = y * width + x; x < right; x += 2, at += 2) {
        const luma = yuv[at] as number;
        const beside = (yuv[at + 2] as number) - luma;
        const below = (yuv[at + 2 * width] as number) - luma;
        across += beside < 0 ? -beside : beside;
        down += below < 0 ? -below : below;
        sum += luma;
        squares += luma * luma;
        count += 1;
      }
    }
    if (count === 0 || hidden?.[cell]) continue;
    const mean = sum / count;
    lumas[cell] = mean;
    edges[2 * cell] = edge(across / count);
    edges[2 * cell + 1] = edge(down / count);
    if (squares / count - mean * mean < FLAT * FLAT && mean < BLOWN_OUT) flat[cell] = 1;
    else {
      lit += mean;
      litCells += 1;
    }
  }
  return { edges, flat, lumas, spread: spreadOf(lumas), litMean: litCells > 0 ? lit / litCells : 0 };
}

/** Standard deviation of those that are known; the others become their mean. */
function spreadOf(lumas: Float32Array): number {
  const shown = lumas.filter((luma) => luma >= 0);
  const mean = shown.length > 0 ? shown.reduce((sum, luma) => sum + luma, 0) / shown.length : 0;
  for (let cell = 0; cell < CELLS; cell += 1) if (!((lumas[cell] as number) >= 0)) lumas[cell] = mean;
  return shown.length > 0 ? Math.sqrt(shown.reduce((sum, luma) => sum + (luma - mean) ** 2, 0) / shown.length) : 0;
}

/** 0.5 and more where no place is brighter than the others. */
export function blankScore({ spread }: SceneSignature): number {
  return scoreBelow(spread, BLANK);
}

/** The largest connected flat area, as a share of the picture. */
export function largestFlatShare(flat: Uint8Array): number {
  const seen = new Uint8Array(CELLS);
  let largest = 0;
  for (let start = 0; start < CELLS; start += 1) {
    if (!flat[start] || seen[start]) continue;
    const open = [start];
    let size = 0;
    seen[start] = 1;
    for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
      size += 1;
      const column = cell % SIGNATURE_COLUMNS;
      for (const next of [
        column > 0 ? cell - 1 : -1,
        column < SIGNATURE_COLUMNS - 1 ? cell + 1 : -1,
        cell - SIGNATURE_COLUMNS,
        cell + SIGNATURE_COLUMNS,
      ]) {
        if (next < 0 || next >= CELLS || !flat[next] || seen[next]) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    largest = Math.max(largest, size);
  }
  return largest / CELLS;
}

/** How alike two are, −1 to 1: their correlation over the places that `counts`; 1 where nothing can be compared. */
export function correlation(a: Float32Array, b: Float32Array, counts: (at: number) => boolean = () => true): number {
  let n = 0;
  let sumA = 0;
  let sumB = 0;
  let squaresA = 0;
  let squaresB = 0;
  let products = 0;
  for (let at = 0; at < a.length; at += 1) {
    if (!counts(at)) continue;
    const x = a[at] as number;
    const y = b[at] as number;
    n += 1;
    sumA += x;
    sumB += y;
    squaresA += x * x;
    squaresB += y * y;
    products += x * y;
  }
  const spread = Math.sqrt(Math.max(0, squaresA - (sumA * sumA) / n) * Math.max(0, squaresB - (sumB * sumB) / n));
  return n === 0 || spread < 1e-6 ? 1 : (products - (sumA * sumB) / n) / spread;
}
