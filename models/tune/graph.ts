/**
 * A graph as it is rewritten: its nodes and weights can be changed, and all else that stands in the file goes back into
 * it as it came, byte for byte.
 *
 * Field numbers are those of the public specification (onnx/onnx.proto, ONNX 1.x, Apache-2.0).
 */
import protobuf from 'protobufjs';

const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' });
// The specification is proto2: lists of numbers are not packed, unless it says so.
const unpacked = (id: number, type: string) => ({ ...many(id, type), options: { packed: false } });
const packed = (id: number, type: string) => ({ ...many(id, type), options: { packed: true } });

/** What is not looked into is `bytes`: so nothing of it is lost. */
const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: one(1, 'int64'),
        producerName: one(2, 'string'),
        producerVersion: one(3, 'string'),
        domain: one(4, 'string'),
        modelVersion: one(5, 'int64'),
        doc: one(6, 'string'),
        graph: one(7, 'Graph'),
        opsets: many(8, 'bytes'),
        metadata: many(14, 'bytes'),
        training: many(20, 'bytes'),
        functions: many(25, 'bytes'),
      },
    },
    Graph: {
      fields: {
        nodes: many(1, 'Node'),
        name: one(2, 'string'),
        weights: many(5, 'Tensor'),
        doc: one(10, 'string'),
        inputs: many(11, 'Value'),
        outputs: many(12, 'Value'),
        quantization: many(14, 'bytes'),
        sparse: many(15, 'bytes'),
        metadata: many(16, 'bytes'),
      },
    },
    Node: {
      fields: {
        inputs: many(1, 'string'),
        outputs: many(2, 'string'),
        name: one(3, 'string'),
        op: one(4, 'string'),
        attributes: many(5, 'bytes'),
        doc: one(6, 'string'),
        domain: one(7, 'string'),
        overload: one(8, 'string'),
        metadata: many(9, 'bytes'),
      },
    },
    Attribute: {
      fields: { name: one(1, 'string'), f: one(2, 'float'), i: one(3, 'int64'), ints: unpacked(8, 'int64'), type: one(20, 'int32') },
    },
    Tensor: {
      fields: {
        dims: unpacked(1, 'int64'),
        type: one(2, 'int32'),
        floats: packed(4, 'float'),
        name: one(8, 'string'),
        raw: one(9, 'bytes'),
        doc: one(12, 'string'),
        external: many(13, 'bytes'),
        location: one(14, 'int32'),
      },
    },
    Value: { fields: { name: one(1, 'string'), type: one(2, 'ValueType'), doc: one(3, 'string') } },
    ValueType: { fields: { tensor: one(1, 'TensorType'), denotation: one(6, 'string') } },
    TensorType: { fields: { element: one(1, 'int32'), shape: one(2, 'Shape') } },
    Shape: { fields: { dims: many(1, 'Dim') } },
    Dim: { fields: { value: one(1, 'int64'), param: one(2, 'string'), denotation: one(3, 'string') } },
  },
});
const [MODEL, ATTRIBUTE] = [root.lookupType('Model'), root.lookupType('Attribute')];
const ATTRIBUTE_TYPE = { float: 1, int: 2 } as const;
const ELEMENT_FLOAT = 1;
/** What they hold may read values of the graph around without their naming it. */
const WITH_GRAPHS = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

export interface EditableNode {
  op: string;
  /** Absent or '': the standard's. */
  domain?: string;
  name?: string;
  /** '': one that may be left out, and is. */
  inputs: string[];
  outputs: string[];
  attributes: Uint8Array[];
}

export interface EditableWeight {
  name: string;
  dims: number[];
  type: number;
  raw?: Uint8Array;
  floats?: number[];
  location?: number;
}

interface Value {
  name: string;
  type?: { tensor?: { shape?: { dims: { value?: number; param?: string }[] } } };
}

export interface EditableAttribute {
  name: string;
  f?: number;
  i?: number;
  ints: number[];
}

interface Model {
  graph: { nodes: EditableNode[]; weights: EditableWeight[]; inputs: Value[]; outputs: Value[] };
  functions: unknown[];
}

export class EditableGraph {
  nodes: EditableNode[];
  readonly weights: Map<string, EditableWeight>;
  readonly #model: Model;

  /** @returns null for what is not rewritten: no ONNX file, weights beside it or among the inputs, functions of its own, graphs within nodes */
  static read(bytes: Uint8Array): EditableGraph | null {
    try {
      const model = MODEL.toObject(MODEL.decode(bytes), { longs: Number, arrays: true }) as Model;
      const inputs = new Set(model.graph.inputs.map(({ name }) => name));
      const isPlain =
        model.functions.length === 0 &&
        model.graph.nodes.every(({ op }) => !WITH_GRAPHS.has(op)) &&
        model.graph.weights.every(({ name, location }) => !location && !inputs.has(name));
      return isPlain ? new EditableGraph(model) : null;
    } catch {
      // protobufjs throws errors of its own kind for every malformed byte: all of them mean "no ONNX file".
      return null;
    }
  }

  private constructor(model: Model) {
    this.#model = model;
    this.nodes = model.graph.nodes;
    this.weights = new Map(model.graph.weights.map((weight) => [weight.name, weight]));
  }

  /** The bytes of a .onnx file; the same graph always gives the same bytes. */
  write(): Uint8Array {
    this.#model.graph.nodes = this.nodes;
    this.#model.graph.weights = [...this.weights.values()];
    return MODEL.encode(MODEL.fromObject(this.#model)).finish();
  }

  get inputs(): string[] {
    return this.#model.graph.inputs.map(({ name }) => name);
  }

  get outputs(): string[] {
    return this.#model.graph.outputs.map(({ name }) => name);
  }

  /** Says another size of an input or output. @param dims null: as before */
  resize(name: string, dims: readonly (number | null)[]): void {
    const { inputs, outputs } = this.#model.graph;
    const shape = [...inputs, ...outputs].find((value) => value.name === name)?.type?.tensor?.shape;
    if (shape) shape.dims = dims.map((value, at) => (value === null ? shape.dims[at] ?? {} : { value }));
  }

  /** Who makes a value; none: an input or a weight. */
  makers(): Map<string, EditableNode> {
    return new Map(this.nodes.flatMap((node) => node.outputs.map((output): [string, EditableNode] => [output, node])));
  }

  /** Who reads a value, beside the graph's outputs. */
  readers(): Map<string, EditableNode[]> {
    const readers = new Map<string, EditableNode[]>();
    for (const node of this.nodes) {
      for (const input of new Set(node.inputs)) {
        const known = readers.get(input);
        if (known) known.push(node);
        else readers.set(input, [node]);
      }
    }
    return readers;
  }

  /** Leaves out nodes that nobody reads any more, and weights that no node does. */
  sweep(): void {
    const wanted = new Set(this.outputs);
    // Each comes after what it reads.
    this.nodes = this.nodes.toReversed().filter((node) => {
      if (!node.outputs.some((output) => wanted.has(output))) return false;
      for (const input of node.inputs) wanted.add(input);
      return true;
    }).toReversed();
    for (const name of this.weights.keys()) if (!wanted.has(name)) this.weights.delete(name);
  }

  /** The only number that a weight holds; undefined when it is no weight or holds more. */
  constant(name: string): number | undefined {
    const weight = this.weights.get(name);
    if (weight?.type !== ELEMENT_FLOAT || weight.dims.some((dim) => dim !== 1)) return undefined;
    return floatsOf(weight)[0];
  }
}

export const isStandard = ({ domain }: EditableNode): boolean => !domain || domain === 'ai.onnx';

export function attributeOf({ attributes }: EditableNode, name: string): EditableAttribute | undefined {
  return attributes
    .map((bytes) => ATTRIBUTE.toObject(ATTRIBUTE.decode(bytes), { longs: Number, arrays: true }) as EditableAttribute)
    .find((attribute) => attribute.name === name);
}

/** Puts an attribute of one number in its place. */
export function setAttribute(node: EditableNode, name: string, type: keyof typeof ATTRIBUTE_TYPE, value: number): void {
  const others = node.attributes.filter((bytes) => (ATTRIBUTE.toObject(ATTRIBUTE.decode(bytes)) as EditableAttribute).name !== name);
  node.attributes = [
    ...others,
    ATTRIBUTE.encode(ATTRIBUTE.fromObject({ name, [type === 'int' ? 'i' : 'f']: value, type: ATTRIBUTE_TYPE[type] })).finish(),
  ];
}

/** float32 alone. */
export function floatsOf({ raw, floats, dims }: EditableWeight): Float32Array {
  const length = dims.reduce((product, dim) => product * dim, 1);
  if (!raw || raw.length === 0) return Float32Array.from(floats ?? []);
  return new Float32Array(new Uint8Array(raw).buffer, 0, length);
}

export function setFloats(weight: EditableWeight, dims: readonly number[], data: Float32Array): void {
  Object.assign(weight, { dims: [...dims], floats: [], raw: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
}

export const isFloat = ({ type }: EditableWeight): boolean => type === ELEMENT_FLOAT;
