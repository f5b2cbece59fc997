/**
 * What the YOLO exporters of Ultralytics and its kin write, boxes in input pixels: with objectness (v5, v7), without
 * (v8, v9, v11, v12), and with doubles left out inside the graph (v10, v26, and any that was exported so).
 */
import { centredCandidate, candidateBoxes, outputShapeFault, type Candidate, type FamilyDecode } from './outputs.ts';
import { bestClass } from './rows.ts';

/** 1 × cells × (5 + classes): centre, size, objectness, classes; probabilities. */
export const decodeYolov5: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const [output, ...more] = Object.values(outputs);
  const [, cells = 0, width = 0] = output?.dims ?? [];
  if (!output || more.length > 0 || output.dims.length !== 3 || width !== 5 + spec.classes.length)
    throw outputShapeFault(spec, `1×N×${5 + spec.classes.length}`, outputs);
  const { data } = output;
  const found: Candidate[] = [];
  for (let at = 0; at < cells * width; at += width) {
    const objectness = data[at + 4] as number;
    if (!(objectness >= scoreThreshold)) continue;
    const label = bestClass(data, at + 5, spec.classes.length);
    const score = objectness * (data[at + 5 + label] as number);
    if (score >= scoreThreshold)
      found.push(
        centredCandidate(
          label,
          score,
          (data[at] as number) / size.width,
          (data[at + 1] as number) / size.height,
          (data[at + 2] as number) / size.width,
          (data[at + 3] as number) / size.height,
        ),
      );
  }
  return candidateBoxes(found, spec);
};

/** 1 × (4 + classes) × cells: centre, size, classes; probabilities. Some exporters turn it: 1 × cells × (4 + classes). */
export const decodeYolov8: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const [output, ...more] = Object.values(outputs);
  const width = 4 + spec.classes.length;
  const [, first = 0, last = 0] = output?.dims ?? [];
  if (!output || more.length > 0 || output.dims.length !== 3 || (first !== width && last !== width))
    throw outputShapeFault(spec, `1×${width}×N / 1×N×${width}`, outputs);
  const { data } = output;
  const cells = first === width ? last : first;
  const [toNext, toCell] = first === width ? [cells, 1] : [1, width];
  const scores = new Float32Array(cells);
  const labels = new Uint16Array(cells);
  // Class by class, as the numbers lie in memory.
  for (let label = 0; label < spec.classes.length; label += 1) {
    for (let cell = 0, at = (4 + label) * toNext; cell < cells; cell += 1, at += toCell) {
      const score = data[at] as number;
      if (score > (scores[cell] as number)) {
        scores[cell] = score;
        labels[cell] = label;
      }
    }
  }
  const found: Candidate[] = [];
  for (let cell = 0; cell < cells; cell += 1) {
    const score = scores[cell] as number;
    if (!(score >= scoreThreshold)) continue;
    const place = (axis: number) => data[axis * toNext + cell * toCell] as number;
    found.push(
      centredCandidate(
        labels[cell] as number,
        score,
        place(0) / size.width,
        place(1) / size.height,
        place(2) / size.width,
        place(3) / size.height,
      ),
    );
  }
  return candidateBoxes(found, spec);
};

/** 1 × rows × 6: two corners, score, class; or rows × 7: number of the picture, two corners, class, score. */
export const decodeYoloRows: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const [output, ...more] = Object.values(outputs);
  const width = output?.dims.at(-1);
  const isPlain = output?.dims.length === 3 && width === 6;
  if (!output || more.length > 0 || (!isPlain && !(output.dims.length === 2 && width === 7)))
    throw outputShapeFault(spec, '1×N×6 / N×7', outputs);
  const [corner, scoreAt, classAt, step] = isPlain ? [0, 4, 5, 6] : [1, 6, 5, 7];
  const { data } = output;
  const found: Candidate[] = [];
  for (let at = 0; at + step <= data.length; at += step) {
    const score = data[at + scoreAt] as number;
    const label = Math.round(data[at + classAt] as number);
    if (!(score >= scoreThreshold) || label < 0) continue;
    const place = (edge: number, length: number) => (data[at + corner + edge] as number) / length;
    found.push({
      label,
      score,
      left: place(0, size.width),
      top: place(1, size.height),
      right: place(2, size.width),
      bottom: place(3, size.height),
    });
  }
  return candidateBoxes(found, spec);
};
