/** NanoDet-m at 416 × 416, made by others: not shipped, fetched with `cityvitals models pull`. */
import { defineModel } from '../../core/model.ts';
import { COCO_CLASSES, COCO_CLASSES_ZH } from '../coco-classes.ts';
export default defineModel({
  id: 'nanodet-m-416',
  version: '2021',
  task: 'object-detection',
  title: { zh: 'NanoDet-m 目标检测（416×416，80 类）', en: 'NanoDet-m object detector (416 × 416, 80 classes)' },
  licence: 'Apache-2.0 upstream (RangiLyu/nanodet); the repository it is taken from has no licence file',
  source: 'github hpc203/nanodet-opncv-dnn-cpp-python, nanodet_m.onnx',
  file: 'nanodet-m-416.onnx',
  sha256: '4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186',
  bytes: 3800954,
  url: 'https://raw.githubusercontent.com/hpc203/nanodet-opncv-dnn-cpp-python/15dd99c651d53c824f51d1eb5faddbd4f3d69bbc/nanodet_m.onnx',
  opset: 11,
  input: {
    name: 'input.1', shape: [1, 3, 416, 416], layout: 'NCHW', color: 'BGR', fit: 'letterbox', anchor: 'centre', pad: 0,
    mean: [103.53, 116.28, 123.675], scale: [1 / 57.375, 1 / 57.12, 1 / 58.395],
  },
  outputs: {
    '792': [1, 2704, 80],
    '795': [1, 2704, 32],
    '814': [1, 676, 80],
    '817': [1, 676, 32],
    '836': [1, 169, 80],
    '839': [1, 169, 32],
  },
  family: 'nanodet',
  classes: COCO_CLASSES,
  classesZh: COCO_CLASSES_ZH,
  scoreThreshold: 0.45,
  maxOverlap: 0.5,
  measured: { msPerPicture: 17.4, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    { data: 'vtest.avi, 8 pictures, people by eye 44', result: '42 at threshold 0.5' },
    { data: 'one-by-one-person-detection.mp4, 40 pictures', result: '29 of 29 with a person, none of 11 empty ones' },
  ],
});
