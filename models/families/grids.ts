/** Grids of cells that detectors lay over their input. Pure. */
import type { InputSize } from './outputs.ts';

export interface Grid {
  /** Input pixels a cell stands for, across and down. */
  stride: number;
  columns: number;
  rows: number;
}

const FINEST = [4, 8, 16, 32] as const;
const COARSEST_STRIDE = 128;

function grid(stride: number, { width, height }: InputSize): Grid {
  return { stride, columns: Math.ceil(width / stride), rows: Math.ceil(height / stride) };
}

/** The grid that has so many cells; null when none has. */
export function gridOf(cells: number, size: InputSize): Grid | null {
  return ladder(4).map((stride) => grid(stride, size)).find(({ columns, rows }) => columns * rows === cells) ?? null;
}

/** The grids that have so many cells together, each of twice the stride of the one before; null when none have. */
export function gridsOf(cells: number, size: InputSize): Grid[] | null {
  for (const finest of FINEST) {
    const grids: Grid[] = [];
    let sum = 0;
    for (const stride of ladder(finest)) {
      grids.push(grid(stride, size));
      sum += (grids.at(-1) as Grid).columns * (grids.at(-1) as Grid).rows;
      if (sum === cells) return grids;
    }
  }
  return null;
}

function ladder(finest: number): number[] {
  const strides: number[] = [];
  for (let stride = finest; stride <= COARSEST_STRIDE; stride *= 2) strides.push(stride);
  return strides;
}
