/**
 * Makes a graph cheaper to run on a processor without changing what it says: see each step. The file of a model stays as
 * it is; a process that loads it runs this in its place (docs/decisions/0045).
 */
import { inputSize, type ModelSpec } from '../../core/model.ts';
import { familyOf } from '../families/index.ts';
import { knowHardActivations } from './activations.ts';
import { fillBlocks } from './channels.ts';
import { EditableGraph } from './graph.ts';
import { keepOutputPlanes, acceptInputPlanes } from './planes.ts';

export interface TunedModel {
  /** Of the new graph: its input, outputs and classes may be others. */
  spec: ModelSpec;
  graph: Uint8Array;
}

/**
 * Pure.
 *
 * @param classes boxes of others are not asked for; null: all are
 * @returns null where there is nothing to be done
 */
export function tuneModel(spec: ModelSpec, bytes: Uint8Array, classes: readonly string[] | null): TunedModel | null {
  const graph = EditableGraph.read(bytes);
  if (!graph) return null;
  const isCheaper = [knowHardActivations(graph), fillBlocks(graph)].includes(true);
  const tuned = withClasses(graph, withPlanes(graph, spec), classes);
  return isCheaper || tuned !== spec ? { spec: tuned, graph: graph.write() } : null;
}

function withPlanes(graph: EditableGraph, spec: ModelSpec): ModelSpec {
  const { input } = spec;
  const { width, height } = inputSize(input);
  const [batch] = input.shape;
  return input.layout === 'NHWC' && acceptInputPlanes(graph, input.name, [height, width, 3])
    ? { ...spec, input: { ...input, layout: 'NCHW', shape: [batch, 3, height, width] } }
    : spec;
}

/** Without the planes of classes that nobody asks for. */
function withClasses(graph: EditableGraph, spec: ModelSpec, classes: readonly string[] | null): ModelSpec {
  const { classPlanes } = familyOf(spec);
  const kept = spec.classes.flatMap((name, at) => (classes?.includes(name) ? [at] : []));
  if (
    classPlanes === undefined ||
    kept.length === 0 ||
    kept.length === spec.classes.length ||
    !keepOutputPlanes(graph, classPlanes, kept, spec.classes.length)
  )
    return spec;
  const [batch = 1, , ...rest] = spec.outputs[classPlanes] ?? [];
  return {
    ...spec,
    classes: kept.map((at) => spec.classes[at] as string),
    outputs: { ...spec.outputs, [classPlanes]: [batch, kept.length, ...rest] },
  };
}
