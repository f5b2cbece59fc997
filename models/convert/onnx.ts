/**
 * The part of the ONNX file format that the converter writes and the loader looks into.
 *
 * Field numbers are those of the public specification (onnx/onnx.proto, ONNX 1.x, Apache-2.0). Fields that are not
 * named here are skipped when reading, as protobuf has it.
 */
import protobuf from 'protobufjs';

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: 'repeated' });
// The specification is proto2: lists of numbers are not packed.
const numbers = (id: number, type: string) => ({ ...list(id, type), options: { packed: false } });

const DESCRIPTOR = {
  nested: {
    ModelProto: {
      fields: {
        irVersion: field(1, 'int64'),
        producerName: field(2, 'string'),
        producerVersion: field(3, 'string'),
        graph: field(7, 'GraphProto'),
        opsetImport: list(8, 'OperatorSetIdProto'),
      },
    },
    OperatorSetIdProto: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
    GraphProto: {
      fields: {
        node: list(1, 'NodeProto'),
        name: field(2, 'string'),
        initializer: list(5, 'TensorProto'),
        input: list(11, 'ValueInfoProto'),
        output: list(12, 'ValueInfoProto'),
      },
    },
    NodeProto: {
      fields: {
        input: list(1, 'string'),
        output: list(2, 'string'),
        name: field(3, 'string'),
        opType: field(4, 'string'),
        attribute: list(5, 'AttributeProto'),
      },
    },
    AttributeProto: {
      fields: {
        name: field(1, 'string'),
        f: field(2, 'float'),
        i: field(3, 'int64'),
        s: field(4, 'bytes'),
        ints: numbers(8, 'int64'),
        type: field(20, 'int32'),
      },
    },
    TensorProto: {
      fields: { dims: numbers(1, 'int64'), dataType: field(2, 'int32'), name: field(8, 'string'), rawData: field(9, 'bytes') },
    },
    ValueInfoProto: { fields: { name: field(1, 'string'), type: field(2, 'TypeProto') } },
    TypeProto: { fields: { tensorType: field(1, 'TensorTypeProto') } },
    TensorTypeProto: { fields: { elemType: field(1, 'int32'), shape: field(2, 'TensorShapeProto') } },
    TensorShapeProto: { fields: { dim: list(1, 'DimensionProto') } },
    DimensionProto: { fields: { dimValue: field(1, 'int64'), dimParam: field(2, 'string') } },
  },
};

const ModelProto = protobuf.Root.fromJSON(DESCRIPTOR).lookupType('ModelProto');

const ELEMENT_FLOAT = 1;
const ELEMENT_INT64 = 7;
const ATTRIBUTE = { int: 2, string: 3, ints: 7 } as const;

export type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  output: string;
  /** A number is written as an integer. */
  attributes?: Attributes;
}

export interface OnnxTensor {
  name: string;
  dims: readonly number[];
  data: Float32Array | BigInt64Array;
}

interface OnnxValue {
  name: string;
  /** -1: left open. */
  dims: readonly number[];
}

/** A graph of float32 tensors (int64 for what operators take as positions), nodes in an order in which each comes after what it reads. */
export interface OnnxGraph {
  name: string;
  opset: number;
  irVersion: number;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
}

/** The bytes of a .onnx file; the same graph always gives the same bytes. */
export function encodeOnnx(graph: OnnxGraph): Uint8Array {
  return ModelProto.encode(
    ModelProto.fromObject({
      irVersion: graph.irVersion,
      producerName: 'cityvitals',
      opsetImport: [{ domain: '', version: graph.opset }],
      graph: {
        name: graph.name,
        node: graph.nodes.map((node) => ({
          input: node.inputs,
          output: [node.output],
          name: node.output,
          opType: node.op,
          attribute: Object.entries(node.attributes ?? {}).map(attributeOf),
        })),
        initializer: graph.initializers.map(({ name, dims, data }) => ({
          name,
          dims,
          dataType: data instanceof BigInt64Array ? ELEMENT_INT64 : ELEMENT_FLOAT,
          rawData: littleEndian(data),
        })),
        input: graph.inputs.map(valueInfoOf),
        output: graph.outputs.map(valueInfoOf),
      },
    }),
  ).finish();
}

function attributeOf([name, value]: [string, Attributes[string]]) {
  if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE.int };
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE.string };
  return { name, ints: value, type: ATTRIBUTE.ints };
}

function valueInfoOf({ name, dims }: OnnxValue) {
  return {
    name,
    type: { tensorType: { elemType: ELEMENT_FLOAT, shape: { dim: dims.map((dimValue) => (dimValue < 0 ? {} : { dimValue })) } } },
  };
}

function littleEndian(data: Float32Array | BigInt64Array): Uint8Array {
  const bytes = new Uint8Array(data.byteLength);
  const view = new DataView(bytes.buffer);
  if (data instanceof BigInt64Array) data.forEach((value, at) => view.setBigInt64(at * 8, value, true));
  else data.forEach((value, at) => view.setFloat32(at * 4, value, true));
  return bytes;
}

/** What a .onnx file says about itself. */
export interface OnnxHead {
  /** Version of the standard operator set; null when the file imports none. */
  opset: number | null;
  operators: string[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

interface RawValue {
  name: string;
  type?: { tensorType?: { shape?: { dim?: { dimValue?: number }[] } } };
}

/** @returns null when the bytes are no ONNX model */
export function inspectOnnx(bytes: Uint8Array): OnnxHead | null {
  try {
    const model = ModelProto.toObject(ModelProto.decode(bytes), { longs: Number, arrays: true }) as {
      opsetImport: { domain?: string; version?: number }[];
      graph?: { node: { opType?: string }[]; initializer: { name?: string }[]; input: RawValue[]; output: RawValue[] };
    };
    if (!model.graph) return null;
    // Old files list their weights among the inputs too.
    const weights = new Set(model.graph.initializer.map((tensor) => tensor.name));
    const valuesOf = (values: RawValue[]) => values.filter(({ name }) => !weights.has(name))
      .map(({ name, type }) => ({ name, dims: (type?.tensorType?.shape?.dim ?? []).map((dim) => dim.dimValue ?? -1) }));
    return {
      opset: model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? null,
      operators: [...new Set(model.graph.node.map(({ opType }) => opType ?? ''))].toSorted(),
      inputs: valuesOf(model.graph.input),
      outputs: valuesOf(model.graph.output),
    };
  } catch {
    // protobufjs throws errors of its own kind for every malformed byte: all of them mean "no ONNX file".
    return null;
  }
}
