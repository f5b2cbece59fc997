/** FastestDet at 352 × 352, made by others: not shipped, fetched with `cityvitals models pull`. */
import { defineModel } from '../../core/model.ts';
import { COCO_CLASSES, COCO_CLASSES_ZH } from '../coco-classes.ts';
export default defineModel({
  id: 'fastestdet-352',
  version: '2022-07',
  task: 'object-detection',
  title: { zh: 'FastestDet 目标检测（352×352，80 类）', en: 'FastestDet object detector (352 × 352, 80 classes)' },
  licence: 'BSD-3-Clause',
  source: 'github dog-qiuqiu/FastestDet, example/onnx-runtime/FastestDet.onnx',
  file: 'fastestdet-352.onnx',
  sha256: '31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880',
  bytes: 998169,
  url: 'https://raw.githubusercontent.com/dog-qiuqiu/FastestDet/50473cd155cb088aa4a99e64ff6a4b3c24fa07e1/example/onnx-runtime/FastestDet.onnx',
  opset: 11,
  input: { name: 'input.1', shape: [1, 3, 352, 352], layout: 'NCHW', color: 'BGR', fit: 'stretch', scale: [1 / 255, 1 / 255, 1 / 255] },
  outputs: { '758': [1, 85, 22, 22] },
  family: 'fastestdet',
  classes: COCO_CLASSES,
  classesZh: COCO_CLASSES_ZH,
  scoreThreshold: 0.6,
  maxOverlap: 0.45,
  measured: { msPerPicture: 3.4, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    { data: 'vtest.avi, 8 pictures, people by eye 44', result: '44 with doubles and misses; boxes loose' },
  ],
});
