/** Derives from a graph's inputs and outputs how it is probably used. Pure; guesses are marked. */
import { FaultError } from '../core/faults.ts';
import { inputSize, shapeOfOne, type Dimension, type ModelInput, type ModelSpec } from '../core/model.ts';
import { COCO_CLASSES, COCO_CLASSES_ZH } from './coco-classes.ts';
import type { OnnxHead } from './convert/onnx.ts';
import { MODEL_FAMILIES, FAMILY_IDS, decoderOf, type FamilyId } from './families/index.ts';
import { gridsOf } from './families/grids.ts';
import './faults.ts';

export interface GraphFile {
  path: string;
  head: OnnxHead;
  sha256: string;
  bytes: number;
}

export interface GraphDescription {
  name: string;
  family?: string;
  classes?: readonly string[];
  licence?: string;
  source?: string;
  /** Of a picture in pixels, for a graph that takes any. */
  size?: { width: number; height: number };
}

type Shapes = Readonly<Record<string, readonly Dimension[]>>;

/** @throws FaultError CV_IMPORT_UNCLEAR, CV_MODEL_FAMILY; CV_MODEL_OUTPUT when the family does not fit the outputs */
export function describeGraph(
  { path, head, sha256, bytes }: GraphFile,
  chosen: GraphDescription,
): { spec: ModelSpec; guesses: { en: string; zh: string }[] } {
  const outputs: Shapes = Object.fromEntries(
    head.outputs.map(({ name, dims }) => [name, dims.map((dim, axis): Dimension => (dim > 0 ? dim : axis === 0 ? 'batch' : 'any'))]),
  );
  const unclear = (problem: string, problemZh: string) =>
    new FaultError('CV_IMPORT_UNCLEAR', {
      path,
      problem,
      problemZh,
      outputs: Object.entries(outputs)
        .map(([name, dims]) => `${name} ${dims.join('×')}`)
        .join(', '),
    });
  const guesses: { en: string; zh: string }[] = [];
  const place = placeOf(head, chosen.size);
  if (!place)
    throw unclear(
      'it has not one input of 3 colours and fixed size (one that takes any needs --size)',
      '输入不是单个三通道且尺寸固定的图像（可变尺寸请用 --size 指明）',
    );
  const family = chosen.family ?? familyBy(outputs, place);
  if (family === undefined) throw unclear('no family has such outputs', '没有系列具有这样的输出');
  if (!Object.hasOwn(MODEL_FAMILIES, family))
    throw new FaultError('CV_MODEL_FAMILY', { model: chosen.name, family, known: FAMILY_IDS.join(', ') });
  const { usual, task } = MODEL_FAMILIES[family as FamilyId];
  if (chosen.family === undefined)
    guesses.push({ en: `family ${family}, by the shapes of its outputs`, zh: `系列 ${family}：由输出形状推断` });
  guesses.push({
    en: `colours, fit, mean and scale: what family ${family} is usually exported with`,
    zh: `颜色顺序、适配方式、均值和比例：按 ${family} 系列的惯例`,
  });
  if (family === 'classification')
    guesses.push({
      en: 'scores: as the graph gives them; where those are no shares of 1, familyOptions: { activation: softmax } or sigmoid',
      zh: '置信度：取计算图的输出；若不是 0–1，请写 familyOptions: { activation: softmax } 或 sigmoid',
    });
  const seen = classesBy(family as FamilyId, outputs);
  const classes = chosen.classes ?? seen;
  if (!classes) throw unclear('the number of its classes cannot be seen', '无法得知类别数');
  if (seen && classes.length !== seen.length)
    throw unclear(
      `as ${family} it has ${seen.length} classes, ${classes.length} named`,
      `按 ${family} 系列有 ${seen.length} 个类别，给出了 ${classes.length} 个`,
    );
  if (!chosen.classes)
    guesses.push({
      en: classes === COCO_CLASSES ? 'classes: those of COCO, since there are 80' : `classes: ${classes.length}, without names`,
      zh: classes === COCO_CLASSES ? '类别：共 80 个，按 COCO 命名' : `类别：${classes.length} 个，未命名`,
    });
  const spec: ModelSpec = {
    id: chosen.name,
    version: '1',
    task,
    title: { en: chosen.name, zh: chosen.name },
    licence: chosen.licence ?? 'unknown',
    source: chosen.source ?? 'unknown',
    file: path,
    sha256,
    bytes,
    ...(head.opset !== null && { opset: head.opset }),
    input: { ...place, ...usual.input },
    outputs,
    family,
    classes,
    ...(classes === COCO_CLASSES && { classesZh: COCO_CLASSES_ZH }),
    scoreThreshold: usual.scoreThreshold,
    maxOverlap: usual.maxOverlap,
  };
  tryDecode(spec);
  return { spec, guesses };
}

function placeOf({ inputs }: OnnxHead, size: GraphDescription['size']): Pick<ModelInput, 'name' | 'shape' | 'layout'> | null {
  const [input, ...more] = inputs;
  const [batch, ...given] = input?.dims ?? [];
  const layout = given[0] === 3 ? 'NCHW' : given[2] === 3 ? 'NHWC' : null;
  const wanted = size && (layout === 'NCHW' ? [3, size.height, size.width] : [size.height, size.width, 3]);
  const sides = given.map((side, at) => (side > 0 ? side : wanted?.[at] ?? side));
  if (!input || more.length > 0 || batch === undefined || sides.length !== 3 || sides.some((side) => side < 1)) return null;
  return layout && { name: input.name, layout, shape: [batch > 0 ? 1 : 'batch', ...(sides as [number, number, number])] };
}

function familyBy(outputs: Shapes, place: Pick<ModelInput, 'shape' | 'layout'>): FamilyId | undefined {
  const shapes = Object.values(outputs);
  const [only, ...more] = shapes;
  if (!only) return undefined;
  if ('heatmap' in outputs && 'wh' in outputs) return 'centernet';
  if (more.length > 0) return familyOfMany(shapes);
  const [, rows, width] = only;
  if (only.length === 2) return width === undefined && only[1] === 7 ? 'yolo-rows' : 'classification';
  if (only.length === 4) return 'fastestdet';
  if (only.length !== 3 || typeof width !== 'number' || typeof rows !== 'number') return width === 6 ? 'yolo-rows' : undefined;
  const size = inputSize(place);
  if (width === 6 && rows <= 1000 && !gridsOf(rows, size)) return 'yolo-rows';
  if (rows < width) return 'yolov8';
  if (gridsOf(rows / 3, size)) return 'yolov5';
  return gridsOf(rows, size)?.length === 3 ? 'yolox' : 'nanodet-plus';
}

function familyOfMany(shapes: readonly (readonly Dimension[])[]): FamilyId | undefined {
  const has = (width: number) => shapes.filter((dims) => dims[2] === width).length;
  if (shapes.every((dims) => dims.length === 4)) return 'blazeface';
  if (has(1) > 0 && has(4) > 0) return 'yunet';
  if (shapes.length === 2 && has(2) === 1 && has(4) === 1) return 'ultraface';
  return shapes.length === 6 ? 'nanodet' : shapes.length === 8 ? 'picodet' : undefined;
}

function classesBy(family: FamilyId, outputs: Shapes): readonly string[] | null {
  if (MODEL_FAMILIES[family].task === 'face-detection') return ['face'];
  const shapes = Object.values(outputs);
  const [first = []] = shapes;
  const least = Math.min(...first.slice(1).map(Number));
  const count: Partial<Record<FamilyId, number>> = {
    centernet: Number(outputs.heatmap?.[1]),
    yolov5: Number(first[2]) - 5,
    yolox: Number(first[2]) - 5,
    yolov8: least - 4,
    fastestdet: Number(first[1]) - 5,
    classification: Number(first[1]),
    'nanodet-plus': Number(first[2]) - 32,
    nanodet: least,
    picodet: least,
  };
  const labels = count[family] ?? 0;
  if (!(labels >= 1)) return null;
  return labels === COCO_CLASSES.length ? COCO_CLASSES : Array.from({ length: labels }, (_, label) => `class ${label}`);
}

/** An empty picture through the decode: shapes that do not fit are told now. */
function tryDecode(spec: ModelSpec): void {
  const shapes = Object.entries(spec.outputs).map(([name, dims]) => ({ name, dims: shapeOfOne(dims) }));
  const tensors = shapes.map(({ name, dims }) => [
    name,
    dims && { dims, data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)) },
  ]);
  if (tensors.every(([, tensor]) => tensor)) decoderOf(spec)(Object.fromEntries(tensors), 0.99);
}
