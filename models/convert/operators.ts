/**
 * TensorFlow's operators in ONNX's terms, one row each. Pictures are height × width × channels on TensorFlow's side and
 * channels × height × width on ONNX's; a new operator is a new row.
 */
import { FaultError } from '../../core/faults.ts';
import type { Attributes } from './onnx.ts';
import { graphFault, type TfAttribute, type TfNode, type TfWeight } from './tfjs-graph.ts';

/** A picture-like value on its way through the graph; how many there are at once is left open. */
export interface OperatorValue {
  name: string;
  /** Height, width, channels at the input size that is written, and at the one the graph was made for. */
  size: FeatureMapSize;
  nativeSize: FeatureMapSize;
}

export type FeatureMapSize = readonly [height: number, width: number, channels: number];
export type OperatorArgument = OperatorValue | TfWeight;

/** What an operator's row may do: add nodes and weights to the ONNX graph. */
interface Writer {
  /** Adds a node; without a name it gets one from the TensorFlow node at hand. */
  node(op: string, inputs: readonly string[], attributes?: Attributes): string;
  weight(dims: readonly number[], data: Float32Array | BigInt64Array): string;
}

export interface Operator {
  (write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue;
}

export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv2D: (write, node, inputs) => convolve(write, node, inputs, false),
  _FusedConv2D: (write, node, inputs) => convolve(write, node, inputs, false),
  DepthwiseConv2dNative: (write, node, inputs) => convolve(write, node, inputs, true),
  FusedDepthwiseConv2dNative: (write, node, inputs) => convolve(write, node, inputs, true),
  Add: (write, node, inputs) => combine(write, 'Add', node, inputs),
  AddV2: (write, node, inputs) => combine(write, 'Add', node, inputs),
  Mul: (write, node, inputs) => combine(write, 'Mul', node, inputs),
  Relu: (write, node, inputs) => each(write, node, inputs, 'Relu'),
  Relu6: (write, node, inputs) => clip6(write, value(node, inputs, 0)),
  Sigmoid: (write, node, inputs) => each(write, node, inputs, 'Sigmoid'),
  Identity: (_write, node, inputs) => value(node, inputs, 0),
  Mean: mean,
  ResizeBilinear: resize,
  ConcatV2: concat,
  MaxPool: maxPool,
  Pad: padChannels,
};

/** Weights are height, width, in, out; ONNX wants out, in, height, width. Depthwise: one group a channel. */
function convolve(write: Writer, node: TfNode, inputs: readonly OperatorArgument[], depthwise: boolean): OperatorValue {
  const input = value(node, inputs, 0);
  const weights = floats(node, inputs, 1);
  const [kernelH, kernelW, channels, last] = weights.dims as [number, number, number, number];
  if (text(node.attributes.data_format) !== 'NHWC') throw unsupported(node, 'data_format');
  const strides = pair(node, 'strides');
  const dilations = pair(node, 'dilations');
  const same = text(node.attributes.padding) === 'SAME';
  if (!same && text(node.attributes.padding) !== 'VALID') throw unsupported(node, 'padding');
  const outputs = depthwise ? channels * last : last;
  const inner = depthwise ? 1 : channels;
  const kernel = new Float32Array(weights.data.length);
  for (let out = 0; out < outputs; out += 1) {
    for (let within = 0; within < inner; within += 1) {
      for (let spot = 0; spot < kernelH * kernelW; spot += 1) {
        kernel[(out * inner + within) * kernelH * kernelW + spot] = weights.data[
          depthwise ? spot * outputs + out : (spot * channels + within) * outputs + out
        ] as number;
      }
    }
  }
  const along = (length: number, kernelLength: number, axis: 0 | 1) =>
    convolvedLength(length, (kernelLength - 1) * dilations[axis] + 1, strides[axis], same);
  const [height, width] = [along(input.size[0], kernelH, 0), along(input.size[1], kernelW, 1)];
  const operands = [input.name, write.weight([outputs, inner, kernelH, kernelW], kernel)];
  const [bias, ...after] = (node.attributes.fused_ops?.list?.s ?? []).map(fromBase64);
  if (bias !== undefined) {
    if (bias !== 'BiasAdd') throw unsupported(node, bias);
    operands.push(write.weight([outputs], floats(node, inputs, 2).data));
  }
  const name = write.node('Conv', operands, {
    kernel_shape: [kernelH, kernelW], strides, dilations, group: depthwise ? channels : 1,
    pads: [height.before, width.before, height.after, width.after],
  });
  const out: OperatorValue = {
    name, size: [height.length, width.length, outputs],
    nativeSize: [along(input.nativeSize[0], kernelH, 0).length, along(input.nativeSize[1], kernelW, 1).length, outputs],
  };
  for (const op of after) {
    if (op === 'Relu') out.name = write.node('Relu', [out.name]);
    else if (op === 'Relu6') out.name = clip6(write, out).name;
    else throw unsupported(node, op);
  }
  return out;
}

/** TensorFlow's SAME puts the odd cell of padding after. */
function convolvedLength(length: number, reach: number, stride: number, same: boolean): { length: number; before: number; after: number } {
  if (!same) return { length: Math.ceil((length - reach + 1) / stride), before: 0, after: 0 };
  const out = Math.ceil(length / stride);
  const total = Math.max(0, (out - 1) * stride + reach - length);
  return { length: out, before: Math.floor(total / 2), after: Math.ceil(total / 2) };
}

function combine(write: Writer, op: string, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const values = inputs.filter(isValue);
  const [first, second = first] = values;
  if (inputs.length !== 2 || !first || !second) throw unsupported(node, 'inputs');
  const names = inputs.map((input, at) => (isValue(input) ? input.name : constant(write, floats(node, inputs, at), node)));
  const wider = (a: FeatureMapSize, b: FeatureMapSize): FeatureMapSize => [
    Math.max(a[0], b[0]),
    Math.max(a[1], b[1]),
    Math.max(a[2], b[2]),
  ];
  return { name: write.node(op, names), size: wider(first.size, second.size), nativeSize: wider(first.nativeSize, second.nativeSize) };
}

/** A number for all, or one a channel. */
function constant(write: Writer, weight: { dims: readonly number[]; data: Float32Array }, node: TfNode): string {
  if (weight.data.length === 1) return write.weight([], weight.data);
  const channels = weight.dims.at(-1) as number;
  if (weight.data.length !== channels) throw unsupported(node, `constant of ${weight.dims.join('x')}`);
  return write.weight([channels, 1, 1], weight.data);
}

function each(write: Writer, node: TfNode, inputs: readonly OperatorArgument[], op: string): OperatorValue {
  const from = value(node, inputs, 0);
  return { ...from, name: write.node(op, [from.name]) };
}

function clip6(write: Writer, from: OperatorValue): OperatorValue {
  return { ...from, name: write.node('Clip', [from.name, write.weight([], Float32Array.of(0)), write.weight([], Float32Array.of(6))]) };
}

function mean(write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const from = value(node, inputs, 0);
  const axes = integers(node, inputs, 1);
  if (!node.attributes.keep_dims?.b || axes.toSorted().join() !== '1,2') throw unsupported(node, `axes ${axes.join()}`);
  return { name: write.node('GlobalAveragePool', [from.name]), size: [1, 1, from.size[2]], nativeSize: [1, 1, from.nativeSize[2]] };
}

function maxPool(write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const from = value(node, inputs, 0);
  const [kernel, strides] = [pair(node, 'ksize'), pair(node, 'strides')];
  if (text(node.attributes.data_format) !== 'NHWC' || text(node.attributes.padding) !== 'SAME') throw unsupported(node, 'padding');
  const along = (length: number, axis: 0 | 1) => convolvedLength(length, kernel[axis], strides[axis], true);
  const [height, width] = [along(from.size[0], 0), along(from.size[1], 1)];
  // What ONNX pads with is less than any value, as TensorFlow has it.
  const name = write.node('MaxPool', [from.name], {
    kernel_shape: kernel,
    strides,
    pads: [height.before, width.before, height.after, width.after],
  });
  return {
    name,
    size: [height.length, width.length, from.size[2]],
    nativeSize: [along(from.nativeSize[0], 0).length, along(from.nativeSize[1], 1).length, from.nativeSize[2]],
  };
}

/** More channels, of zeros. */
function padChannels(write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const from = value(node, inputs, 0);
  const [before, after, ...others] = [6, 7, 0, 1, 2, 3, 4, 5].map((at) => integers(node, inputs, 1)[at] ?? 0) as [
    number,
    number,
    ...number[],
  ];
  if (others.some((cells) => cells !== 0)) throw unsupported(node, 'padding of rows or columns');
  const name = write.node('Pad', [from.name, write.weight([8], BigInt64Array.from([0, before, 0, 0, 0, after, 0, 0], BigInt))]);
  const wider = ([height, width, channels]: FeatureMapSize): FeatureMapSize => [height, width, channels + before + after];
  return { name, size: wider(from.size), nativeSize: wider(from.nativeSize) };
}

/** The graph fixes the size it was made for; we keep the ratio, so that other input sizes work. */
function resize(write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const from = value(node, inputs, 0);
  const [height, width] = integers(node, inputs, 1) as [number, number];
  const { align_corners: corners, half_pixel_centers: half } = node.attributes;
  if (corners?.b) throw unsupported(node, 'align_corners');
  const scales = [height / from.nativeSize[0], width / from.nativeSize[1]] as const;
  const size: FeatureMapSize = [from.size[0] * scales[0], from.size[1] * scales[1], from.size[2]];
  if (!size.every(Number.isInteger)) throw unsupported(node, `size ${size.join('x')}`);
  const name = write.node('Resize', [from.name, '', write.weight([4], Float32Array.of(1, 1, ...scales))], {
    mode: 'linear', coordinate_transformation_mode: half?.b ? 'half_pixel' : 'asymmetric',
  });
  return { name, size, nativeSize: [height, width, from.nativeSize[2]] };
}

function concat(write: Writer, node: TfNode, inputs: readonly OperatorArgument[]): OperatorValue {
  const values = inputs.slice(0, -1).map((_, at) => value(node, inputs, at));
  const [first] = values;
  const [axis] = integers(node, inputs, inputs.length - 1);
  if (!first || (axis !== 3 && axis !== -1)) throw unsupported(node, `axis ${axis}`);
  const channels = values.reduce((sum, { size }) => sum + size[2], 0);
  const name = write.node('Concat', values.map((from) => from.name), { axis: 1 });
  return { name, size: [first.size[0], first.size[1], channels], nativeSize: [first.nativeSize[0], first.nativeSize[1], channels] };
}

function isValue(argument: OperatorArgument): argument is OperatorValue {
  return 'name' in argument;
}

function value(node: TfNode, inputs: readonly OperatorArgument[], at: number): OperatorValue {
  const input = inputs[at];
  if (!input || !isValue(input)) throw unsupported(node, `input ${at} is constant`);
  return input;
}

function floats(node: TfNode, inputs: readonly OperatorArgument[], at: number): { dims: readonly number[]; data: Float32Array } {
  const input = inputs[at];
  if (!input || isValue(input) || !(input.data instanceof Float32Array)) throw unsupported(node, `input ${at} is no float constant`);
  return { dims: input.dims, data: input.data };
}

function integers(node: TfNode, inputs: readonly OperatorArgument[], at: number): number[] {
  const input = inputs[at];
  if (!input || isValue(input) || !(input.data instanceof Int32Array)) throw unsupported(node, `input ${at} is no integer constant`);
  return [...input.data];
}

function pair(node: TfNode, attribute: string): [number, number] {
  const [batch, height, width, channels] = (node.attributes[attribute]?.list?.i ?? ['1', '1', '1', '1']).map(Number);
  if (batch !== 1 || channels !== 1 || !height || !width) throw unsupported(node, attribute);
  return [height, width];
}

function text(attribute: TfAttribute | undefined): string {
  return fromBase64(attribute?.s ?? '');
}

function fromBase64(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('latin1');
}

function unsupported(node: TfNode, what: string): FaultError {
  return graphFault(`${node.op} ${node.name}: ${what} is not supported`);
}
