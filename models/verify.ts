/** Is a model's graph there, and is it the one its description belongs to? Looked at before any camera starts. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { FaultError, faultOf, type Fault } from '../core/faults.ts';
import type { Dimension, ModelSpec } from '../core/model.ts';
import type { Files } from '../core/world.ts';
import { inspectOnnx } from './convert/onnx.ts';

/** Where the graph lies: below the model's folder, or where an absolute `file` says. */
export function graphPath(spec: Pick<ModelSpec, 'id' | 'file'>): string {
  return resolve(import.meta.dirname, spec.id, spec.file);
}

/**
 * Reads the graph and checks SHA-256, operator set, and names and shapes of inputs and outputs.
 * @throws FaultError CV_MODEL_MISSING, CV_MODEL_NOT_PULLED, CV_MODEL_HASH, CV_MODEL_GRAPH, CV_MODEL_OPSET, CV_MODEL_SHAPE
 */
export async function readGraph(spec: ModelSpec, files: Files): Promise<Uint8Array> {
  const path = graphPath(spec);
  if (!(await files.exists(path)))
    throw new FaultError(spec.url === undefined ? 'CV_MODEL_MISSING' : 'CV_MODEL_NOT_PULLED', { model: spec.id, path });
  const bytes = await files.read(path);
  const got = sha256(bytes);
  if (got !== spec.sha256) throw new FaultError('CV_MODEL_HASH', { model: spec.id, path, got, want: spec.sha256 });
  const head = inspectOnnx(bytes);
  if (!head) throw new FaultError('CV_MODEL_GRAPH', { detail: path });
  if (spec.opset !== undefined && head.opset !== spec.opset)
    throw new FaultError('CV_MODEL_OPSET', { model: spec.id, got: head.opset ?? 'none', want: spec.opset });
  checkShape(spec, { tensor: 'the input', tensorZh: '输入' }, head.inputs, [{ name: spec.input.name, dims: spec.input.shape }]);
  checkShape(
    spec,
    { tensor: 'the output', tensorZh: '输出' },
    head.outputs,
    Object.entries(spec.outputs).map(([name, dims]) => ({ name, dims })),
  );
  return bytes;
}

/** The same as a fault; null when all is well. */
export async function verifyModel(spec: ModelSpec, files: Files): Promise<Fault | null> {
  return readGraph(spec, files).then(() => null, (error: unknown) => faultOf(error, 'CV_MODEL_GRAPH'));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

type Named = { name: string; dims: readonly Dimension[] };

/** What the graph leaves open the description may fix; what it fixes has to be as described. */
function checkShape(spec: ModelSpec, which: { tensor: string; tensorZh: string }, graph: readonly Named[], wanted: readonly Named[]): void {
  const isOpen = (dim: Dimension | undefined) => typeof dim !== 'number' || dim < 0;
  const fits = ({ dims }: Named, { dims: given }: Named) =>
    dims.length === given.length && dims.every((dim, at) => isOpen(given[at]) || dim === given[at]);
  const isAsDescribed =
    graph.length === wanted.length && wanted.every((one) => graph.some((given) => given.name === one.name && fits(one, given)));
  if (!isAsDescribed)
    throw new FaultError('CV_MODEL_SHAPE', { model: spec.id, ...which, got: described(graph, isOpen), want: described(wanted, isOpen) });
}

function described(values: readonly Named[], isOpen: (dim: Dimension) => boolean): string {
  return values.map(({ name, dims }) => `${name} ${dims.map((dim) => (isOpen(dim) ? '?' : dim)).join('×')}`).toSorted().join(', ');
}
