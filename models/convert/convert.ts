/** TensorFlow.js graph model → ONNX: walks back from the wanted outputs, so what lies behind them is cut off. */
import { FaultError } from '../../core/faults.ts';
import { encodeOnnx, type Attributes, type OnnxNode, type OnnxTensor } from './onnx.ts';
import { OPERATORS, type OperatorArgument, type FeatureMapSize, type OperatorValue } from './operators.ts';
import { graphFault, type TfGraph, type TfNode } from './tfjs-graph.ts';

export interface ConversionRecipe {
  name: string;
  /** TensorFlow's input node and its name in the result; fed pictures × height × width × channels, float32. */
  input: { from: string; name: string; height: number; width: number };
  /** Name in the result → TensorFlow's node; given pictures × channels × height × width. */
  outputs: Readonly<Record<string, string>>;
}

const OPSET = 17;
const IR_VERSION = 8; // the one that came with opset 17
/** How many pictures go into a run is left open: none of the operators minds. */
const FREE = -1;

/** @throws FaultError CV_MODEL_OPERATOR, CV_MODEL_GRAPH */
export function convertTfGraph(graph: TfGraph, recipe: ConversionRecipe): Uint8Array {
  const nodes: OnnxNode[] = [];
  const weights = new Map<string, OnnxTensor>();
  const done = new Map<string, OperatorValue>();

  function add(output: string, op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    nodes.push({ op, inputs, output, attributes });
    return output;
  }

  /** Equal constants are written once (zeros and sixes of the clips, ratios of the resizes). */
  function weight(dims: readonly number[], data: OnnxTensor['data']): string {
    const name = data.length <= 4 ? `const_${[...data].join('_')}_${dims.join('x')}` : `weight_${weights.size}`;
    if (!weights.has(name)) weights.set(name, { name, dims, data });
    return name;
  }

  function input(node: TfNode): OperatorValue {
    const dims = (node.attributes.shape?.shape?.dim ?? []).map(({ size }) => Number(size));
    const [, nativeHeight, nativeWidth, channels] = dims;
    if (node.name !== recipe.input.from || dims.length !== 4 || !nativeHeight || !nativeWidth || !channels)
      throw graphFault(`input ${node.name} of ${dims.join('x')}`);
    const { name, height, width } = recipe.input;
    return {
      name: add(`${name}_planes`, 'Transpose', [name], { perm: [0, 3, 1, 2] }),
      size: [height, width, channels],
      nativeSize: [nativeHeight, nativeWidth, channels],
    };
  }

  function argument(name: string): OperatorArgument {
    return graph.weights.get(name) ?? visit(name);
  }

  function visit(name: string): OperatorValue {
    const known = done.get(name);
    if (known) return known;
    const node = graph.nodes.get(name);
    if (!node) throw graphFault(`there is no node ${name}`);
    const operator = OPERATORS[node.op];
    if (!operator && node.op !== 'Placeholder') throw new FaultError('CV_MODEL_OPERATOR', { operator: node.op, node: name });
    let parts = 0;
    const write = {
      weight,
      node: (op: string, inputs: readonly string[], attributes?: Attributes) => add(`${name}/${(parts += 1)}`, op, inputs, attributes),
    };
    const value = operator ? operator(write, node, node.inputs.map(argument)) : input(node);
    done.set(name, value);
    return value;
  }

  const ends = Object.entries(recipe.outputs).map(([name, from]) => ({ name, value: visit(from) }));
  const renamed = new Map(ends.map(({ name, value }) => [value.name, name]));
  const rename = (name: string) => renamed.get(name) ?? name;
  return encodeOnnx({
    name: recipe.name,
    opset: OPSET,
    irVersion: IR_VERSION,
    nodes: nodes.map(({ op, inputs, output, attributes }) => ({
      op,
      inputs: inputs.map(rename),
      output: rename(output),
      attributes: attributes ?? {},
    })),
    initializers: [...weights.values()],
    inputs: [{ name: recipe.input.name, dims: [FREE, recipe.input.height, recipe.input.width, done.get(recipe.input.from)?.size[2] ?? 3] }],
    outputs: ends.map(({ name, value: { size } }) => ({ name, dims: planes(size) })),
  });
}

function planes([height, width, channels]: FeatureMapSize): number[] {
  return [FREE, channels, height, width];
}
