/** The contract of a model: an ONNX graph with its manifest, and a pure decode of its outputs. */
import type { Box } from './event.ts';

export interface Tensor {
  dims: readonly number[];
  data: Float32Array;
}

export interface ModelSpec {
  id: string;
  task: 'object-detection';
  title: { zh: string; en: string };
  licence: string;
  source: string;
  /** File below the model's folder, and the SHA-256 it must have. */
  file: string;
  sha256: string;
  opset: number;
  input: { name: string; shape: readonly [1, number, number, 3]; layout: 'NHWC'; color: 'RGB'; scale: '0..255' };
  outputs: Readonly<Record<string, readonly number[]>>;
  /** Class names, index as in the graph. */
  classes: readonly string[];
  scoreThreshold: number;
  /** Pure: tensors in, boxes out (fractions of the picture), best score first. */
  decode(outputs: Readonly<Record<string, Tensor>>, scoreThreshold: number): Box[];
}

export function defineModel(spec: ModelSpec): ModelSpec {
  return spec;
}
