/**
 * NanoDet and PicoDet: for each cell the classes (probabilities) and, for each of the four sides, how likely each of a
 * few distances is; the side lies at the expected one, in strides from the cell's centre.
 */
import type { Tensor } from '../../core/model.ts';
import { gridOf, gridsOf, type Grid } from './grids.ts';
import { candidateBoxes, outputShapeFault, type Candidate, type FamilyDecode, type InputSize, type Outputs } from './outputs.ts';
import { bestClass } from './rows.ts';

/** Where a cell's centre is, in input pixels from its edge. */
type Centre = (stride: number) => number;

/** NanoDet-m: 1 × cells × classes and 1 × cells × 4·bins for each stride. */
export const decodeNanodet = decodeWith((stride) => (stride - 1) / 2);
/** NanoDet-Plus: the cell's corner counts; one output 1 × cells × (classes + 4·bins) of all strides. */
export const decodeNanodetPlus = decodeWith(() => 0);
/** PicoDet without its own post-processing: outputs as NanoDet-m. */
export const decodePicodet = decodeWith((stride) => stride / 2);

/** A stretch of cells of one grid, and where in which output their numbers are. */
interface Level {
  grid: Grid;
  scores: { data: Float32Array; at: number; step: number };
  sides: { data: Float32Array; at: number; step: number };
  bins: number;
}

function decodeWith(centre: Centre): FamilyDecode {
  return (outputs, scoreThreshold, spec, size) => {
    const labels = spec.classes.length;
    const levels = levelsOf(outputs, labels, size);
    if (!levels) throw outputShapeFault(spec, `1×N×${labels} + 1×N×4·B / 1×N×(${labels} + 4·B)`, outputs);
    const found: Candidate[] = [];
    for (const { grid: { stride, columns, rows }, scores, sides, bins } of levels) {
      for (let cell = 0; cell < columns * rows; cell += 1) {
        const from = scores.at + cell * scores.step;
        const label = bestClass(scores.data, from, labels);
        const score = scores.data[from + label] as number;
        if (!(score >= scoreThreshold)) continue;
        const reach = (side: 0 | 1 | 2 | 3) => stride * expected(sides.data, sides.at + cell * sides.step + side * bins, bins);
        const x = (cell % columns) * stride + centre(stride);
        const y = Math.floor(cell / columns) * stride + centre(stride);
        found.push({
          label,
          score,
          left: (x - reach(0)) / size.width,
          top: (y - reach(1)) / size.height,
          right: (x + reach(2)) / size.width,
          bottom: (y + reach(3)) / size.height,
        });
      }
    }
    return candidateBoxes(found, spec);
  };
}

function levelsOf(outputs: Outputs, labels: number, size: InputSize): Level[] | null {
  const tensors = Object.values(outputs);
  if (tensors.some(({ dims }) => dims.length !== 3)) return null;
  return tensors.length === 1 ? joined(tensors[0] as Tensor, labels, size) : apart(tensors, labels, size);
}

function joined({ dims, data }: Tensor, labels: number, size: InputSize): Level[] | null {
  const [, cells = 0, step = 0] = dims;
  const bins = (step - labels) / 4;
  const grids = gridsOf(cells, size);
  if (!grids || bins < 2 || !Number.isInteger(bins)) return null;
  let at = 0;
  return grids.map((grid) => {
    const level = { grid, bins, scores: { data, at, step }, sides: { data, at: at + labels, step } };
    at += grid.columns * grid.rows * step;
    return level;
  });
}

/** Two outputs for each number of cells: of equal width the one named first holds the scores. */
function apart(tensors: readonly Tensor[], labels: number, size: InputSize): Level[] | null {
  const levels: Level[] = [];
  for (const cells of new Set(tensors.map(({ dims }) => dims[1] as number))) {
    const pair = tensors.filter(({ dims }) => dims[1] === cells);
    const scores = pair.find(({ dims }) => dims[2] === labels);
    const sides = pair.find((tensor) => tensor !== scores);
    const step = sides?.dims[2] ?? 0;
    const grid = gridOf(cells, size);
    if (pair.length !== 2 || !scores || !sides || !grid || step < 8 || step % 4 !== 0) return null;
    levels.push({ grid, bins: step / 4, scores: { data: scores.data, at: 0, step: labels }, sides: { data: sides.data, at: 0, step } });
  }
  return levels.length > 0 ? levels : null;
}

/** The mean of 0, 1, 2 … weighed by the softmax of the values. */
function expected(data: Float32Array, at: number, bins: number): number {
  let most = -Infinity;
  for (let bin = 0; bin < bins; bin += 1) most = Math.max(most, data[at + bin] as number);
  let [sum, weighed] = [0, 0];
  for (let bin = 0; bin < bins; bin += 1) {
    const weight = Math.exp((data[at + bin] as number) - most);
    sum += weight;
    weighed += weight * bin;
  }
  return weighed / sum;
}
