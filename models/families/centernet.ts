/** CenterNet: a heat map for each class and how far the box reaches from each cell. */
import type { Tensor } from '../../core/model.ts';
import { candidateBoxes, invalidNumberFault, outputShapeFault, type Candidate, type FamilyDecode } from './outputs.ts';

/** More peaks than this is noise (the upstream graph keeps 100). */
const MAX_BOXES = 100;

interface Peak {
  score: number;
  label: number;
  cell: number;
}

/** `heatmap` 1 × classes × rows × columns, probabilities; `wh` 1 × 4 × rows × columns: left, up, right, down in input pixels. */
export const decodeCenternet: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const { heatmap, wh } = outputs;
  const [, labels, rows, columns] = heatmap?.dims ?? [];
  if (!heatmap || !wh || !rows || !columns || labels !== spec.classes.length || wh.dims.join() !== `1,4,${rows},${columns}`) {
    throw outputShapeFault(spec, `heatmap 1×${spec.classes.length}×R×C, wh 1×4×R×C`, outputs);
  }
  const cells = rows * columns;
  const [across, down] = [size.width / columns, size.height / rows];
  const reach = (side: 0 | 1 | 2 | 3, cell: number) => wh.data[side * cells + cell] as number;
  const best = peaks(heatmap, scoreThreshold, spec.id)
    .toSorted((a, b) => b.score - a.score || a.label - b.label || a.cell - b.cell)
    .slice(0, MAX_BOXES);
  return candidateBoxes(
    best.map(({ score, label, cell }): Candidate => {
      const [x, y] = [across * (cell % columns), down * Math.floor(cell / columns)];
      return {
        label,
        score,
        left: (x - reach(0, cell)) / size.width,
        top: (y - reach(1, cell)) / size.height,
        right: (x + reach(2, cell)) / size.width,
        bottom: (y + reach(3, cell)) / size.height,
      };
    }),
    spec,
  );
};

/**
 * Cells that are the greatest of their 3 × 3 neighbourhood, per class. There are hundreds of thousands, and few rows hold
 * one that counts: rows are passed over by the bits of their numbers, which as whole numbers are in the same order while
 * they are not negative; what is none sets its sign, or is greater than all.
 */
function peaks(heatmap: Tensor, scoreThreshold: number, model: string): Peak[] {
  const { data, dims } = heatmap;
  const [, , rows, columns] = dims as [number, number, number, number];
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const below = bitsOf(scoreThreshold) - 1;
  const found: Peak[] = [];
  for (let from = 0; from < bits.length; from += columns) {
    let signs = 0;
    for (let at = from, end = from + columns; at < end; at += 1) signs |= (below - (bits[at] as number)) | (bits[at] as number);
    if (signs >= 0) continue;
    const row = (from / columns) % rows;
    const label = Math.floor(from / columns / rows);
    for (let column = 0, at = from; column < columns; column += 1, at += 1) {
      const score = data[at] as number;
      if (!Number.isFinite(score)) throw invalidNumberFault('heatmap', model);
      if (score >= scoreThreshold && isPeak(data, at, row, column, rows, columns))
        found.push({ score, label, cell: row * columns + column });
    }
  }
  return found;
}

/** Of the greatest float32 that is not above it. */
function bitsOf(value: number): number {
  const bits = new Int32Array(Float32Array.of(Math.max(0, value)).buffer)[0] as number;
  return Math.fround(value) > value ? bits - 1 : bits;
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
