/** YOLOX: a row for each cell, 4 for the box, objectness, then the classes; probabilities inside. */
import { gridsOf } from './grids.ts';
import { centredCandidate, candidateBoxes, outputShapeFault, type Candidate, type FamilyDecode } from './outputs.ts';
import { bestClass } from './rows.ts';

/** One output 1 × cells × (5 + classes), finest grid first. Option `decoded`: boxes are in input pixels already. */
export const decodeYolox: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const [output, ...more] = Object.values(outputs);
  const [, cells = 0, columns] = output?.dims ?? [];
  const grids = gridsOf(cells, size);
  const width = 5 + spec.classes.length;
  if (!output || more.length > 0 || output.dims.length !== 3 || columns !== width || !grids)
    throw outputShapeFault(spec, `1×N×${width}`, outputs);
  const isDecoded = spec.familyOptions?.decoded === true;
  const { data } = output;
  const found: Candidate[] = [];
  let at = 0;
  for (const { stride, columns: across, rows } of grids) {
    for (let cell = 0; cell < across * rows; cell += 1, at += width) {
      const objectness = data[at + 4] as number;
      if (!(objectness >= scoreThreshold)) continue;
      const label = bestClass(data, at + 5, spec.classes.length);
      const score = objectness * (data[at + 5 + label] as number);
      if (!(score >= scoreThreshold)) continue;
      const [x, y, w, h] = [data[at], data[at + 1], data[at + 2], data[at + 3]] as [number, number, number, number];
      found.push(
        isDecoded
          ? centredCandidate(label, score, x / size.width, y / size.height, w / size.width, h / size.height)
          : centredCandidate(
              label,
              score,
              ((x + (cell % across)) * stride) / size.width,
              ((y + Math.floor(cell / across)) * stride) / size.height,
              (Math.exp(w) * stride) / size.width,
              (Math.exp(h) * stride) / size.height,
            ),
      );
    }
  }
  return candidateBoxes(found, spec);
};
