/** Classification: what the whole picture shows. Its boxes are the picture. */
import type { Box } from '../../core/event.ts';
import { outputShapeFault, sigmoid, type FamilyDecode } from './outputs.ts';

/** More than this many classes of one picture say nothing. */
const MAX_CLASSES = 5;

/** One output 1 × classes (or with dimensions of 1 behind). Option `activation`: `none` (default), `softmax` or `sigmoid`. */
export const decodeClassification: FamilyDecode = (outputs, scoreThreshold, spec) => {
  const [output, ...more] = Object.values(outputs);
  if (!output || more.length > 0 || output.dims[1] !== spec.classes.length || output.data.length !== spec.classes.length)
    throw outputShapeFault(spec, `1×${spec.classes.length}`, outputs);
  return activated(output.data, spec.familyOptions?.activation)
    .map((score, label): Box => ({ class: spec.classes[label] as string, score, x: 0, y: 0, width: 1, height: 1 }))
    .filter(({ score }) => score >= scoreThreshold)
    .toSorted((a, b) => b.score - a.score).slice(0, MAX_CLASSES);
};

function activated(data: Float32Array, activation: unknown): number[] {
  if (activation === 'sigmoid') return Array.from(data, sigmoid);
  if (activation !== 'softmax') return [...data];
  const most = data.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(data, (value) => Math.exp(value - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
