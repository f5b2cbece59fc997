/** What a graph is given and gives: colours in planes from the start, and planes of those classes alone that somebody asks for. */
import { attributeOf, floatsOf, isFloat, isStandard, setFloats, type EditableGraph, type EditableWeight } from './graph.ts';

const TO_PLANES = '0,3,1,2';
/** Plane in, plane out. */
const EACH = new Set(['Sigmoid', 'HardSigmoid', 'Relu']);

/**
 * Takes pictures as planes where it made planes of them first.
 *
 * @param size of its input: height × width × colours
 * @returns whether it does
 */
export function acceptInputPlanes(
  graph: EditableGraph,
  input: string,
  [height, width, colours]: readonly [number, number, number],
): boolean {
  const [first, ...more] = graph.readers().get(input) ?? [];
  if (
    first?.op !== 'Transpose' ||
    !isStandard(first) ||
    more.length > 0 ||
    attributeOf(first, 'perm')?.ints.join() !== TO_PLANES ||
    graph.outputs.includes(first.outputs[0] as string)
  )
    return false;
  const [planes] = first.outputs;
  graph.nodes = graph.nodes.filter((node) => node !== first);
  for (const node of graph.nodes) node.inputs = node.inputs.map((name) => (name === planes ? input : name));
  graph.resize(input, [null, colours, height, width]);
  return true;
}

/**
 * Makes these planes of an output alone, where a convolution makes all of them.
 *
 * @param output pictures × planes × rows × columns
 * @returns whether it does
 */
export function keepOutputPlanes(graph: EditableGraph, output: string, kept: readonly number[], count: number): boolean {
  const [makers, readers] = [graph.makers(), graph.readers()];
  let node = makers.get(output);
  while (node && isStandard(node) && EACH.has(node.op)) {
    const [input = ''] = node.inputs;
    // Nobody else may read what has fewer planes then.
    if (readers.get(input)?.length !== 1) return false;
    node = makers.get(input);
  }
  if (node?.op !== 'Conv' || !isStandard(node) || readers.has(output) || (attributeOf(node, 'group')?.i ?? 1) !== 1) return false;
  const weights = node.inputs
    .slice(1)
    .filter((name) => name !== '')
    .map((name) => graph.weights.get(name));
  const isOwn = (weight: EditableWeight | undefined): weight is EditableWeight =>
    weight !== undefined && isFloat(weight) && weight.dims[0] === count && readers.get(weight.name)?.length === 1;
  if (!weights.every(isOwn)) return false;
  for (const weight of weights) {
    const before = floatsOf(weight);
    const each = before.length / count;
    const after = new Float32Array(each * kept.length);
    kept.forEach((plane, at) => after.set(before.subarray(plane * each, (plane + 1) * each), at * each));
    setFloats(weight, [kept.length, ...weight.dims.slice(1)], after);
  }
  graph.resize(output, [null, kept.length, null, null]);
  return true;
}
