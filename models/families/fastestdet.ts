/** FastestDet: one grid, planes for objectness, box and classes. */
import { centredCandidate, candidateBoxes, outputShapeFault, sigmoid, type Candidate, type FamilyDecode } from './outputs.ts';

/** How much objectness and class count in the score. */
const OBJECTNESS_POWER = 0.6;
const CLASS_POWER = 0.4;

/** One output 1 × (5 + classes) × rows × columns: objectness, x, y, width, height, then probabilities of classes. */
export const decodeFastestdet: FamilyDecode = (outputs, scoreThreshold, spec, size) => {
  const [output, ...more] = Object.values(outputs);
  const [, planes, rows = 0, columns = 0] = output?.dims ?? [];
  if (
    !output ||
    more.length > 0 ||
    output.dims.length !== 4 ||
    planes !== 5 + spec.classes.length ||
    rows * size.width !== columns * size.height
  )
    throw outputShapeFault(spec, `1×${5 + spec.classes.length}×R×C`, outputs);
  const { data } = output;
  const cells = rows * columns;
  const found: Candidate[] = [];
  for (let cell = 0; cell < cells; cell += 1) {
    const plane = (at: number) => data[at * cells + cell] as number;
    const objectness = Math.max(0, plane(0)) ** OBJECTNESS_POWER;
    if (!(objectness >= scoreThreshold)) continue;
    let label = 0;
    for (let other = 1; other < spec.classes.length; other += 1) if (plane(5 + other) > plane(5 + label)) label = other;
    const score = objectness * Math.max(0, plane(5 + label)) ** CLASS_POWER;
    if (!(score >= scoreThreshold)) continue;
    found.push(
      centredCandidate(
        label,
        score,
        ((cell % columns) + Math.tanh(plane(1))) / columns,
        (Math.floor(cell / columns) + Math.tanh(plane(2))) / rows,
        sigmoid(plane(3)),
        sigmoid(plane(4)),
      ),
    );
  }
  return candidateBoxes(found, spec);
};
