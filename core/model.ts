/**
 * The contract of a model: an ONNX graph and all that must be known to use it, as data alone, so that it can be written
 * as YAML and handed to another process. How its outputs become boxes is its family's business (`models/families`).
 */
import type { Box } from './event.ts';

export interface Tensor {
  dims: readonly number[];
  data: Float32Array;
}

export type ModelTask = 'object-detection' | 'face-detection' | 'classification';

/** `batch`: a first dimension that the graph leaves free, one for each picture; `any`: another that it leaves free. */
export type Dimension = number | 'batch' | 'any';

/** How a picture is put into the graph: (pixel 0..255 − mean) × scale, in the graph's order of colours. */
export interface ModelInput {
  name: string;
  shape: readonly [1 | 'batch', number, number, number];
  layout: 'NHWC' | 'NCHW';
  color: 'RGB' | 'BGR';
  /** `stretch` changes the proportion; `letterbox` keeps it and fills the rest. */
  fit: 'stretch' | 'letterbox';
  /** Where a letterboxed picture lies; default `centre`. */
  anchor?: 'centre' | 'top-left';
  /** Pixel value around a letterboxed picture, 0 to 255, before mean and scale; default 0. */
  pad?: number;
  /** Default 0. */
  mean?: readonly [number, number, number];
  /** Default 1. */
  scale?: readonly [number, number, number];
}

export interface ModelSpec {
  id: string;
  version: string;
  task: ModelTask;
  title: { zh: string; en: string };
  licence: string;
  source: string;
  /** File below the model's folder or with an absolute path, and the SHA-256 it must have. */
  file: string;
  sha256: string;
  bytes?: number;
  /** Where `cityvitals models pull` gets the graph; absent: it comes with us, or lies with its manifest. */
  url?: string;
  /** Version of the standard operator set; absent: any that onnxruntime takes. */
  opset?: number;
  input: ModelInput;
  outputs: Readonly<Record<string, readonly Dimension[]>>;
  /** Names a row of `models/families`. */
  family: string;
  /** What the family wants to know beyond shapes, such as the strides of its grids. */
  familyOptions?: Readonly<Record<string, unknown>>;
  /** Class names as they stand in boxes, index as in the graph; `classesZh` beside them, for people. */
  classes: readonly string[];
  classesZh?: readonly string[];
  scoreThreshold: number;
  /** Of two boxes of one class that share more than this of their joint area the better stays, 0 to 1. */
  maxOverlap: number;
  /** Indicators that counts of a class stand for, where it has one: class → code of the catalogue. */
  indicators?: Readonly<Record<string, string>>;
  /** Execution providers it may run on, the preferred first; absent: cpu. */
  providers?: readonly string[];
  /** How long one picture took, and on what. */
  measured?: { msPerPicture: number; on: string };
  /** What it was tried on, and what came of it. */
  tested?: readonly { data: string; result: string }[];
}

/**
 * Pure: the outputs of one picture in, boxes out, best score first, within the picture. Fractions are those of the
 * *model's input*: whoever letterboxed the picture maps them back.
 * @throws FaultError CV_MODEL_OUTPUT when the outputs are no numbers or of another shape
 */
export type Decode = (outputs: Readonly<Record<string, Tensor>>, scoreThreshold: number) => Box[];

export function defineModel(spec: ModelSpec): ModelSpec {
  return spec;
}

/** What people call a class: boxes and settings name it as the model does, in English as a rule. */
export function classNameIn(language: 'zh-CN' | 'en', label: string, model?: Pick<ModelSpec, 'classes' | 'classesZh'>): string {
  return (language === 'zh-CN' && model?.classesZh?.[model.classes.indexOf(label)]) || label;
}

/** Pixels of the model's input. */
export function inputSize({ shape, layout }: Pick<ModelInput, 'shape' | 'layout'>): { width: number; height: number } {
  const [, first, second, third] = shape;
  return layout === 'NHWC' ? { height: first, width: second } : { height: second, width: third };
}

/** The shape for one picture; null when the graph decides a dimension at each run. */
export function shapeOfOne(dims: readonly Dimension[]): number[] | null {
  const fixed = dims.map((dim) => (dim === 'batch' ? 1 : dim));
  return fixed.every((dim) => dim !== 'any') ? fixed : null;
}
