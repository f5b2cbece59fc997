/**
 * onnxruntime works on blocks of 8 or, with AVX-512, 16 channels at once; a convolution of each channel by itself whose
 * channels do not fill whole blocks goes a way several times as long. Channels that are nothing but zeros are put behind
 * them: whatever they become on their way, the next convolution multiplies it with zero.
 */
import {
  attributeOf,
  floatsOf,
  isFloat,
  isStandard,
  setAttribute,
  setFloats,
  type EditableGraph,
  type EditableNode,
  type EditableWeight,
} from './graph.ts';

/** Channel in, channel out, each by itself. */
const EACH = new Set([
  'Relu',
  'Sigmoid',
  'Tanh',
  'LeakyRelu',
  'Clip',
  'HardSigmoid',
  'HardSwish',
  'GlobalAveragePool',
  'MaxPool',
  'AveragePool',
]);
const TOGETHER = new Set(['Add', 'Mul']);

/** Values that have the same channels. */
interface Channels {
  /** How many; NaN: nobody knows, or they are read by something that would see more of them. */
  count: number;
  /** Convolutions that make them all anew, those that take each by itself, and those that read them all. */
  makers: EditableNode[];
  own: EditableNode[];
  readers: EditableNode[];
}

/** What fills blocks of 16 fills those of 8. */
const BLOCK = 16;

/** @returns whether any were to be filled */
export function fillBlocks(graph: EditableGraph): boolean {
  let filled = 0;
  for (const { count, makers, own, readers } of channelsOf(graph)) {
    const padded = Math.ceil(count / BLOCK) * BLOCK;
    if (own.length === 0 || Number.isNaN(count) || padded === count) continue;
    for (const node of [...makers, ...own]) {
      for (const name of node.inputs.slice(1)) lengthen(graph.weights.get(name) as EditableWeight, count, padded);
    }
    for (const node of own) setAttribute(node, 'group', 'int', padded);
    for (const { inputs } of readers) widen(graph.weights.get(inputs[1] as string) as EditableWeight, count, padded);
    filled += 1;
  }
  return filled > 0;
}

function channelsOf(graph: EditableGraph): Set<Channels> {
  const of = new Map<string, Channels>();
  const used = new Map<string, number>();
  for (const { inputs } of graph.nodes) for (const name of inputs) used.set(name, (used.get(name) ?? 0) + 1);

  const find = (name: string): Channels => {
    const known = of.get(name) ?? { count: 0, makers: [], own: [], readers: [] };
    of.set(name, known);
    return known;
  };
  const count = (channels: Channels, number: number) => {
    channels.count = channels.count === 0 || channels.count === number ? number : NaN;
  };
  const same = (...names: string[]) => {
    const [first, ...others] = new Set(names.map(find)) as unknown as [Channels, ...Channels[]];
    for (const other of others) {
      if (other.count !== 0) count(first, other.count);
      for (const kind of ['makers', 'own', 'readers'] as const) first[kind].push(...other[kind]);
      for (const [name, channels] of of) if (channels === other) of.set(name, first);
    }
    return first;
  };
  const leave = (names: readonly string[]) => { for (const name of names) find(name).count = NaN; };
  /** Weights of a convolution that nobody else has, [out, in, …]. */
  const weightsOf = ({ inputs: [, name = '', bias = ''] }: EditableNode): EditableWeight | null => {
    const [weight, added] = [graph.weights.get(name), graph.weights.get(bias)];
    const isOwn = weight && isFloat(weight) && used.get(name) === 1 && (bias === '' || (added && isFloat(added) && used.get(bias) === 1));
    return isOwn ? weight : null;
  };

  for (const node of graph.nodes) {
    const { op, inputs, outputs } = node;
    const [input = '', ...more] = inputs;
    const [output = ''] = outputs;
    const others = more.filter((name) => name !== '');
    const weight = op === 'Conv' && isStandard(node) ? weightsOf(node) : null;
    const group = weight ? attributeOf(node, 'group')?.i ?? 1 : 0;
    const [out = 0, perGroup = 0] = weight?.dims ?? [];
    if (group === 1) {
      count(find(input), perGroup);
      count(find(output), out);
      find(input).readers.push(node);
      find(output).makers.push(node);
    } else if (group > 1 && group === out && perGroup === 1) {
      const channels = same(input, output);
      count(channels, out);
      channels.own.push(node);
    } else if (isStandard(node) && outputs.length === 1 && EACH.has(op) && others.every((name) => graph.constant(name) !== undefined))
      same(input, output);
    else if (isStandard(node) && TOGETHER.has(op)) {
      const varying = inputs.filter((name) => graph.constant(name) === undefined);
      if (varying.some((name) => graph.weights.has(name))) leave([...varying, output]);
      else same(...varying, output);
    } else leave([...inputs, ...outputs]);
  }
  leave([...graph.inputs, ...graph.outputs]);
  return new Set(of.values());
}

/** Zeros behind the first axis. */
function lengthen(weight: EditableWeight, from: number, to: number): void {
  const before = floatsOf(weight);
  const after = new Float32Array((before.length / from) * to);
  after.set(before);
  setFloats(weight, [to, ...weight.dims.slice(1)], after);
}

/** Zeros behind the second axis. */
function widen(weight: EditableWeight, from: number, to: number): void {
  const before = floatsOf(weight);
  const [rows = 0, , ...rest] = weight.dims;
  const area = rest.reduce((product, dim) => product * dim, 1);
  const after = new Float32Array(rows * to * area);
  for (let row = 0; row < rows; row += 1) after.set(before.subarray(row * from * area, (row + 1) * from * area), row * to * area);
  setFloats(weight, [rows, to, ...rest], after);
}
