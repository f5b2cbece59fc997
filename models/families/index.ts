/** The families of models: one row each. A new family is a pure decode and a row. */
import { FaultError } from '../../core/faults.ts';
import { inputSize, type Decode, type ModelInput, type ModelSpec, type ModelTask } from '../../core/model.ts';
import { decodeCenternet } from './centernet.ts';
import { decodeClassification } from './classification.ts';
import { decodeBlazeface, decodeUltraface, decodeYunet } from './faces.ts';
import { decodeFastestdet } from './fastestdet.ts';
import { decodeNanodet, decodeNanodetPlus, decodePicodet } from './nanodet.ts';
import { checkNumbers, outputFault, type FamilyDecode } from './outputs.ts';
import { decodeYolov5, decodeYolov8, decodeYoloRows } from './yolo.ts';
import { decodeYolox } from './yolox.ts';

export interface Family {
  title: { en: string; zh: string };
  task: ModelTask;
  decode: FamilyDecode;
  /** Outputs of which the decode itself refuses what is no number, while it reads them: large ones are read once then. */
  checks?: readonly string[];
  /** An output with a plane for each class: planes of those that nobody asks for may be left out. */
  classPlanes?: string;
  /** What its models are usually exported with: where a manifest is written for a graph, and nothing else is known. */
  usual: {
    input: Pick<ModelInput, 'color' | 'fit'> & Partial<Pick<ModelInput, 'anchor' | 'pad' | 'mean' | 'scale'>>;
    scoreThreshold: number;
    maxOverlap: number;
  };
  /** Names of `familyOptions` and what they may be. */
  options?: Readonly<Record<string, readonly (string | boolean)[]>>;
}

const PER_255 = [1 / 255, 1 / 255, 1 / 255] as const;
const IMAGENET = { mean: [123.675, 116.28, 103.53], scale: [1 / 58.395, 1 / 57.12, 1 / 57.375] } as const;
const IMAGENET_BGR = { mean: [103.53, 116.28, 123.675], scale: [1 / 57.375, 1 / 57.12, 1 / 58.395] } as const;
const YOLO_INPUT = { color: 'RGB', fit: 'letterbox', anchor: 'centre', pad: 114, scale: PER_255 } as const;
/** Doubles were left out inside: none of what is left is one. */
const ANY_OVERLAP = 1;

export const MODEL_FAMILIES = {
  centernet: {
    title: { en: 'CenterNet: heat map and reaches', zh: 'CenterNet：热图与边距' },
    task: 'object-detection',
    decode: decodeCenternet,
    checks: ['heatmap'],
    classPlanes: 'heatmap',
    usual: { input: { color: 'RGB', fit: 'stretch' }, scoreThreshold: 0.3, maxOverlap: 0.4 },
  },
  yolov5: {
    title: { en: 'YOLOv5 and v7, without NMS in the graph', zh: 'YOLOv5、v7，图内不含 NMS' }, task: 'object-detection', decode: decodeYolov5,
    usual: { input: YOLO_INPUT, scoreThreshold: 0.25, maxOverlap: 0.45 },
  },
  yolov8: {
    title: {
      en: 'YOLOv8, v9, v11, v12 (and v26 exported so), without NMS in the graph',
      zh: 'YOLOv8、v9、v11、v12（以及同样导出的 v26），图内不含 NMS',
    },
    task: 'object-detection',
    decode: decodeYolov8,
    usual: { input: YOLO_INPUT, scoreThreshold: 0.25, maxOverlap: 0.45 },
  },
  'yolo-rows': {
    title: { en: 'YOLOv10, v26, and any YOLO exported with NMS in the graph', zh: 'YOLOv10、v26，以及图内含 NMS 的各版 YOLO' },
    task: 'object-detection',
    decode: decodeYoloRows,
    usual: { input: YOLO_INPUT, scoreThreshold: 0.25, maxOverlap: ANY_OVERLAP },
  },
  yolox: {
    title: { en: 'YOLOX', zh: 'YOLOX' }, task: 'object-detection', decode: decodeYolox, options: { decoded: [false, true] },
    usual: { input: { color: 'BGR', fit: 'letterbox', anchor: 'top-left', pad: 114 }, scoreThreshold: 0.3, maxOverlap: 0.45 },
  },
  nanodet: {
    title: { en: 'NanoDet-m', zh: 'NanoDet-m' }, task: 'object-detection', decode: decodeNanodet,
    usual: { input: { color: 'BGR', fit: 'letterbox', anchor: 'centre', pad: 0, ...IMAGENET_BGR }, scoreThreshold: 0.4, maxOverlap: 0.5 },
  },
  'nanodet-plus': {
    title: { en: 'NanoDet-Plus', zh: 'NanoDet-Plus' }, task: 'object-detection', decode: decodeNanodetPlus,
    usual: { input: { color: 'BGR', fit: 'letterbox', anchor: 'centre', pad: 0, ...IMAGENET_BGR }, scoreThreshold: 0.4, maxOverlap: 0.6 },
  },
  picodet: {
    title: { en: 'PicoDet, exported without its post-processing', zh: 'PicoDet，导出时不含后处理' }, task: 'object-detection', decode: decodePicodet,
    usual: { input: { color: 'RGB', fit: 'stretch', ...IMAGENET }, scoreThreshold: 0.4, maxOverlap: 0.6 },
  },
  fastestdet: {
    title: { en: 'FastestDet', zh: 'FastestDet' }, task: 'object-detection', decode: decodeFastestdet,
    usual: { input: { color: 'BGR', fit: 'stretch', scale: PER_255 }, scoreThreshold: 0.6, maxOverlap: 0.45 },
  },
  yunet: {
    title: { en: 'YuNet faces', zh: 'YuNet 人脸' }, task: 'face-detection', decode: decodeYunet,
    usual: { input: { color: 'BGR', fit: 'letterbox', anchor: 'top-left', pad: 0 }, scoreThreshold: 0.6, maxOverlap: 0.3 },
  },
  ultraface: {
    title: { en: 'UltraFace', zh: 'UltraFace 人脸' },
    task: 'face-detection',
    decode: decodeUltraface,
    usual: {
      input: { color: 'RGB', fit: 'stretch', mean: [127, 127, 127], scale: [1 / 128, 1 / 128, 1 / 128] },
      scoreThreshold: 0.7,
      maxOverlap: 0.3,
    },
  },
  blazeface: {
    title: { en: 'BlazeFace', zh: 'BlazeFace 人脸' },
    task: 'face-detection',
    decode: decodeBlazeface,
    usual: {
      input: { color: 'RGB', fit: 'letterbox', anchor: 'centre', mean: [127.5, 127.5, 127.5], scale: [1 / 127.5, 1 / 127.5, 1 / 127.5] },
      scoreThreshold: 0.5,
      maxOverlap: 0.3,
    },
  },
  classification: {
    title: { en: 'Classification of the whole picture', zh: '整幅图像分类' },
    task: 'classification',
    decode: decodeClassification,
    options: { activation: ['none', 'softmax', 'sigmoid'] },
    usual: { input: { color: 'RGB', fit: 'stretch', ...IMAGENET }, scoreThreshold: 0.5, maxOverlap: ANY_OVERLAP },
  },
} as const satisfies Record<string, Family>;

/** What float32 may make of 1. */
const MOST_SCORE = 1.0001;

/** Nobody further on could tell how sure it is. */
function noShare(score: number, { id, family }: ModelSpec): FaultError {
  const options = family === 'classification';
  return outputFault(
    id,
    `a score of ${score.toFixed(2)} is above 1: the graph ends before its sigmoid or softmax${options ? ', so set `familyOptions: { activation: softmax }` or sigmoid' : ''}`,
    `置信度 ${score.toFixed(2)} 大于 1：计算图不含末端的 sigmoid 或 softmax${options ? '，请写 `familyOptions: { activation: softmax }` 或 sigmoid' : ''}`,
  );
}

export type FamilyId = keyof typeof MODEL_FAMILIES;
export const FAMILY_IDS = Object.keys(MODEL_FAMILIES) as FamilyId[];

/** @throws FaultError CV_MODEL_FAMILY */
export function familyOf(spec: Pick<ModelSpec, 'id' | 'family'>): Family {
  if (!Object.hasOwn(MODEL_FAMILIES, spec.family))
    throw new FaultError('CV_MODEL_FAMILY', { model: spec.id, family: spec.family, known: FAMILY_IDS.join(', ') });
  return MODEL_FAMILIES[spec.family as FamilyId];
}

/** @throws FaultError CV_MODEL_FAMILY */
export function decoderOf(spec: ModelSpec): Decode {
  const { decode, checks } = familyOf(spec);
  const size = inputSize(spec.input);
  return (outputs, scoreThreshold) => {
    checkNumbers(outputs, spec.id, checks);
    const boxes = decode(outputs, scoreThreshold, spec, size);
    const [best] = boxes;
    if (best && best.score > MOST_SCORE) throw noShare(best.score, spec);
    return boxes;
  };
}
