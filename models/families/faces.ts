/** Families of face detectors: YuNet, UltraFace, BlazeFace. Each knows one class. */
import type { Tensor } from '../../core/model.ts';
import { gridOf } from './grids.ts';
import { centredCandidate, candidateBoxes, outputShapeFault, sigmoid, type Candidate, type FamilyDecode } from './outputs.ts';

const withChannels = (tensors: readonly Tensor[], axis: number, channels: number) => tensors.filter(({ dims }) => dims[axis] === channels);

const YUNET_SHAPES = '1×N×1, 1×N×1, 1×N×4';

/** For each stride 1 × cells × 1 twice (face, object), 1 × cells × 4 (box); points of the face are passed over. */
export const decodeYunet: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const tensors = Object.values(outputs);
  const found: Candidate[] = [];
  if (tensors.length === 0) throw outputShapeFault(spec, YUNET_SHAPES, outputs);
  for (const cells of new Set(tensors.map(({ dims }) => dims[1] ?? 0))) {
    const level = tensors.filter(({ dims }) => dims.length === 3 && dims[1] === cells);
    const [face, object] = withChannels(level, 2, 1);
    const [box] = withChannels(level, 2, 4);
    const grid = gridOf(cells, size);
    if (!face || !object || !box || !grid) throw outputShapeFault(spec, YUNET_SHAPES, outputs);
    const { stride, columns } = grid;
    for (let cell = 0; cell < cells; cell += 1) {
      const score = Math.sqrt(share(face.data[cell]) * share(object.data[cell]));
      if (!(score >= scoreThreshold)) continue;
      const [x, y, w, h] = box.data.subarray(cell * 4, cell * 4 + 4) as unknown as [number, number, number, number];
      found.push(
        centredCandidate(
          0,
          score,
          (((cell % columns) + x) * stride) / size.width,
          ((Math.floor(cell / columns) + y) * stride) / size.height,
          (Math.exp(w) * stride) / size.width,
          (Math.exp(h) * stride) / size.height,
        ),
      );
    }
  }
  return candidateBoxes(found, spec);
};

/** 1 × places × 2 (no face, face) and 1 × places × 4: two corners as fractions. */
export const decodeUltraface: FamilyDecode = (outputs, scoreThreshold, spec) => {
  const tensors = Object.values(outputs).filter(({ dims }) => dims.length === 3);
  const [scores] = withChannels(tensors, 2, 2);
  const [boxes] = withChannels(tensors, 2, 4);
  const places = scores?.dims[1] ?? 0;
  if (!scores || !boxes || boxes.dims[1] !== places) throw outputShapeFault(spec, '1×N×2, 1×N×4', outputs);
  const found: Candidate[] = [];
  for (let place = 0; place < places; place += 1) {
    const score = scores.data[place * 2 + 1] as number;
    if (!(score >= scoreThreshold)) continue;
    const [left, top, right, bottom] = boxes.data.subarray(place * 4, place * 4 + 4) as unknown as [number, number, number, number];
    found.push({ label: 0, score, left, top, right, bottom });
  }
  return candidateBoxes(found, spec);
};

/** Numbers a place: the box and six points of the face. */
const BLAZEFACE_VALUES = 16;
/** Scores are let through a sigmoid; beyond this it is 0 or 1 anyway. */
const MAX_LOGIT = 100;

/**
 * For each grid 1 × places × rows × columns (scores before the sigmoid) and 1 × 16·places × rows × columns: the box's
 * centre from the cell's and its size, in input pixels, then points of the face, which are passed over.
 */
export const decodeBlazeface: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const tensors = Object.values(outputs).filter(({ dims }) => dims.length === 4);
  const found: Candidate[] = [];
  let levels = 0;
  for (const scores of tensors) {
    const [, places = 0, rows = 0, columns = 0] = scores.dims;
    const cells = rows * columns;
    const boxes = tensors.find(({ dims }) => dims[1] === places * BLAZEFACE_VALUES && dims[2] === rows && dims[3] === columns);
    if (!boxes) continue;
    levels += 1;
    for (let at = 0; at < places * cells; at += 1) {
      const score = sigmoid(Math.min(MAX_LOGIT, Math.max(-MAX_LOGIT, scores.data[at] as number)));
      if (!(score >= scoreThreshold)) continue;
      const [place, cell] = [Math.floor(at / cells), at % cells];
      const value = (index: number) => boxes.data[(place * BLAZEFACE_VALUES + index) * cells + cell] as number;
      found.push(
        centredCandidate(
          0,
          score,
          ((cell % columns) + 0.5) / columns + value(0) / size.width,
          (Math.floor(cell / columns) + 0.5) / rows + value(1) / size.height,
          value(2) / size.width,
          value(3) / size.height,
        ),
      );
    }
  }
  if (levels === 0 || levels * 2 !== tensors.length) throw outputShapeFault(spec, '1×P×R×C + 1×16·P×R×C', outputs);
  return candidateBoxes(found, spec);
};

/** A probability that the graph let slip out of 0 to 1. */
function share(value: number | undefined): number {
  return Math.min(1, Math.max(0, value as number));
}
