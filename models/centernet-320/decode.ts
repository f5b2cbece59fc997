/** Heat map and sizes → boxes. Pure; no clock, no I/O. */
import type { Box } from '../../core/event.ts';
import type { Tensor } from '../../core/model.ts';
import { distinctByClass } from '../boxes.ts';
import { COCO_CLASSES } from './classes.ts';

/** Input pixels a cell of the heat map stands for. */
const STRIDE = 4;
const MAX_OVERLAP = 0.4;
/** More peaks than this is noise (the upstream graph keeps 100). */
const MAX_BOXES = 100;

interface Peak {
  score: number;
  label: number;
  cell: number;
}

/**
 * @param outputs `heatmap` 1 × classes × rows × columns, probabilities; `wh` 1 × 4 × rows × columns: how far the box
 *   reaches from the cell to the left, up, right and down, in input pixels
 * @returns boxes as fractions of the picture, clipped to it, best score first, doubles of one class left out
 */
export function decode(outputs: Readonly<Record<string, Tensor>>, scoreThreshold: number): Box[] {
  const { heatmap, wh } = outputs as { heatmap: Tensor; wh: Tensor };
  const [, , rows, columns] = heatmap.dims as [number, number, number, number];
  const cells = rows * columns;
  const best = peaks(heatmap, scoreThreshold).toSorted((a, b) => b.score - a.score || a.label - b.label || a.cell - b.cell).slice(0, MAX_BOXES);
  const boxes: Box[] = [];
  for (const { score, label, cell } of best) {
    const reach = (side: 0 | 1 | 2 | 3) => wh.data[side * cells + cell] as number;
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    const left = fraction(STRIDE * column - reach(0), columns);
    const top = fraction(STRIDE * row - reach(1), rows);
    const width = fraction(STRIDE * column + reach(2), columns) - left;
    const height = fraction(STRIDE * row + reach(3), rows) - top;
    // NaN sizes fail this test too.
    if (width > 0 && height > 0) boxes.push({ class: COCO_CLASSES[label] ?? `class ${label}`, score, x: left, y: top, width, height });
  }
  return distinctByClass(boxes, MAX_OVERLAP);
}

function fraction(pixels: number, cells: number): number {
  return Math.min(1, Math.max(0, pixels / (STRIDE * cells)));
}

/** Cells that are the greatest of their 3 × 3 neighbourhood, per class. */
function peaks(heatmap: Tensor, scoreThreshold: number): Peak[] {
  const { data, dims } = heatmap;
  const [, labels, rows, columns] = dims as [number, number, number, number];
  const found: Peak[] = [];
  for (let label = 0, at = 0; label < labels; label += 1) {
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1, at += 1) {
        const score = data[at] as number;
        if (score >= scoreThreshold && isPeak(data, at, row, column, rows, columns)) found.push({ score, label, cell: row * columns + column });
      }
    }
  }
  return found;
}

function isPeak(data: Float32Array, at: number, row: number, column: number, rows: number, columns: number): boolean {
  const score = data[at] as number;
  for (let down = row > 0 ? -1 : 0; down <= (row < rows - 1 ? 1 : 0); down += 1) {
    for (let right = column > 0 ? -1 : 0; right <= (column < columns - 1 ? 1 : 0); right += 1) {
      if ((data[at + down * columns + right] as number) > score) return false;
    }
  }
  return true;
}
