/**
 * Hard sigmoid and hard swish are often written out: x × clip(x + 3, 0, 6) ÷ 6, four operators that each read and write a
 * whole plane, and that onnxruntime puts between its own layout and the common one. As x × HardSigmoid(x) it does them
 * within the convolution before (its fusions know that form, and what stands alone as HardSigmoid).
 *
 * A sixth that went through half precision (0.16663) is taken for a sixth: weights that went the same way are off by as much.
 */
import { isStandard, setAttribute, type EditableGraph, type EditableNode } from './graph.ts';

const [SHIFT, MOST] = [3, 6];
const SIXTH_WITHIN = 1e-3;

/** @returns whether there were any */
export function knowHardActivations(graph: EditableGraph): boolean {
  const makers = graph.makers();
  /** Number of the constant, name of the other; null unless it is such a node with one constant. */
  const withConstant = (node: EditableNode | undefined, op: string): { constant: number; other: string; isSecond: boolean } | null => {
    if (node?.op !== op || !isStandard(node) || node.inputs.length !== 2) return null;
    const [first, second] = node.inputs as [string, string];
    const [a, b] = [graph.constant(first), graph.constant(second)];
    if (a !== undefined && b === undefined) return { constant: a, other: second, isSecond: false };
    return b !== undefined && a === undefined ? { constant: b, other: first, isSecond: true } : null;
  };
  /** x of clip(x + 3, 0, 6). */
  const gateOf = (name: string): string | null => {
    const clip = makers.get(name);
    if (clip?.op !== 'Clip' || !isStandard(clip)) return null;
    const [shifted, least, most] = clip.inputs as [string, string?, string?];
    if (graph.constant(least ?? '') !== 0 || graph.constant(most ?? '') !== MOST) return null;
    const add = withConstant(makers.get(shifted), 'Add');
    return add?.constant === SHIFT ? add.other : null;
  };
  /** Name of what was multiplied by a sixth. */
  const sixthOf = (node: EditableNode | undefined): string | null => {
    const product = withConstant(node, 'Mul');
    if (product) return Math.abs(product.constant * MOST - 1) <= SIXTH_WITHIN ? product.other : null;
    const quotient = withConstant(node, 'Div');
    return quotient?.isSecond && quotient.constant === MOST ? quotient.other : null;
  };
  /** x of x × clip(x + 3, 0, 6), of which `sixth` may have been taken from x before. */
  const gated = (node: EditableNode | undefined, before: (name: string) => string | null): string | null => {
    if (node?.op !== 'Mul' || !isStandard(node) || node.inputs.length !== 2) return null;
    const [first, second] = node.inputs as [string, string];
    for (const [own, gate] of [[first, second], [second, first]] as const) {
      const x = gateOf(gate);
      if (x !== null && before(own) === x) return x;
    }
    return null;
  };

  const rewritten: EditableNode[] = [];
  let known = 0;
  for (const node of graph.nodes) {
    const inner = sixthOf(node);
    const sigmoid = inner === null ? null : gateOf(inner);
    const swish = inner === null ? gated(node, (own) => sixthOf(makers.get(own))) : gated(makers.get(inner), (own) => own);
    if (sigmoid !== null || swish !== null) known += 1;
    if (sigmoid !== null) rewritten.push(hardSigmoid(sigmoid, node.outputs[0] as string));
    else if (swish === null) rewritten.push(node);
    else {
      const gate = `${node.outputs[0]}/gate`;
      rewritten.push(hardSigmoid(swish, gate), { op: 'Mul', inputs: [swish, gate], outputs: node.outputs, attributes: [] });
    }
  }
  graph.nodes = rewritten;
  graph.sweep();
  return known > 0;
}

function hardSigmoid(input: string, output: string): EditableNode {
  const node: EditableNode = { op: 'HardSigmoid', inputs: [input], outputs: [output], attributes: [] };
  setAttribute(node, 'alpha', 'float', 1 / MOST);
  setAttribute(node, 'beta', 'float', SHIFT / MOST);
  return node;
}
