/** Reads a TensorFlow.js graph model (`model.json` and its weight file) into nodes and float32/int32 weights. */
import { FaultError } from '../../core/faults.ts';

export interface TfNode {
  name: string;
  op: string;
  inputs: readonly string[];
  attributes: Readonly<Record<string, TfAttribute>>;
}

/** TensorFlow's AttrValue in JSON: strings are base64, integers are text. */
export interface TfAttribute {
  s?: string;
  b?: boolean;
  shape?: { dim?: { size: string }[] };
  list?: { i?: string[]; s?: string[] };
}

export interface TfWeight {
  dims: readonly number[];
  data: Float32Array | Int32Array;
}

export interface TfGraph {
  nodes: ReadonlyMap<string, TfNode>;
  weights: ReadonlyMap<string, TfWeight>;
}

interface WeightEntry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string };
}

interface GraphFile {
  format?: string;
  modelTopology?: { node?: { name: string; op: string; input?: string[]; attr?: Record<string, TfAttribute> }[] };
  weightsManifest?: { weights: WeightEntry[] }[];
}

/**
 * @param json text of the model file
 * @param bin the weight files it names, one after the other
 * @throws FaultError CV_MODEL_GRAPH when it is no graph model, or its weights do not fit the file
 */
export function readTfjsGraph(json: string, bin: Uint8Array): TfGraph {
  const file = parse(json);
  if (!file.modelTopology?.node || !file.weightsManifest) throw graphFault('not a TensorFlow.js graph model');
  const nodes = new Map<string, TfNode>();
  for (const { name, op, input, attr } of file.modelTopology.node) {
    // "^name" is an order without a value; "name:0" the first output.
    const inputs = (input ?? []).filter((from) => !from.startsWith('^')).map((from) => from.replace(/:0$/, ''));
    nodes.set(name, { name, op, inputs, attributes: attr ?? {} });
  }
  return { nodes, weights: readWeights(file.weightsManifest.flatMap(({ weights }) => weights), bin) };
}

function parse(json: string): GraphFile {
  try {
    return JSON.parse(json) as GraphFile;
  } catch (error) {
    throw graphFault((error as Error).message);
  }
}

function readWeights(entries: readonly WeightEntry[], bin: Uint8Array): Map<string, TfWeight> {
  const view = new DataView(bin.buffer, bin.byteOffset, bin.byteLength);
  const weights = new Map<string, TfWeight>();
  let at = 0;
  for (const { name, shape, dtype, quantization } of entries) {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const stored = quantization?.dtype ?? dtype;
    const width = stored === 'float16' ? 2 : 4;
    if (at + count * width > bin.byteLength) throw graphFault(`weights end before ${name}`);
    const from = at;
    at += count * width;
    if (stored === 'float16')
      weights.set(name, { dims: shape, data: Float32Array.from({ length: count }, (_, i) => float16(view.getUint16(from + i * 2, true))) });
    else if (stored === 'float32')
      weights.set(name, { dims: shape, data: Float32Array.from({ length: count }, (_, i) => view.getFloat32(from + i * 4, true)) });
    else if (stored === 'int32')
      weights.set(name, { dims: shape, data: Int32Array.from({ length: count }, (_, i) => view.getInt32(from + i * 4, true)) });
    else throw graphFault(`weight ${name} is stored as ${stored}`);
  }
  if (at !== bin.byteLength) throw graphFault(`${bin.byteLength - at} bytes of weights are left over`);
  return weights;
}

/** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. Every half is exact as a float32. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function graphFault(detail: string): FaultError {
  return new FaultError('CV_MODEL_GRAPH', { detail });
}
