/** YOLOX-nano at 416 × 416, made by others: not shipped, fetched with `cityvitals models pull`. */
import { defineModel } from '../../core/model.ts';
import { COCO_CLASSES, COCO_CLASSES_ZH } from '../coco-classes.ts';
export default defineModel({
  id: 'yolox-nano-416',
  version: 'pytorch-1.11',
  task: 'object-detection',
  title: { zh: 'YOLOX-nano 目标检测（416×416，80 类）', en: 'YOLOX-nano object detector (416 × 416, 80 classes)' },
  licence:
    'Apache-2.0 upstream (Megvii YOLOX); the repository it is taken from has no licence file and does not say whether it was trained anew',
  source: 'github Bigisland1729/object-detection-models, yolox_nano.onnx',
  file: 'yolox-nano-416.onnx',
  sha256: 'e8af074932d4ed7e232278e3055cefcdea3edf178874a3694ae292649fb464dd',
  bytes: 3678356,
  url: 'https://raw.githubusercontent.com/Bigisland1729/object-detection-models/7f3f2fa34b351e3d2af150893458106ad3f3a84f/yolox_nano.onnx',
  opset: 11,
  input: { name: 'images', shape: [1, 3, 416, 416], layout: 'NCHW', color: 'BGR', fit: 'letterbox', anchor: 'top-left', pad: 114 },
  outputs: { output: [1, 3549, 85] },
  family: 'yolox',
  classes: COCO_CLASSES,
  classesZh: COCO_CLASSES_ZH,
  scoreThreshold: 0.4,
  maxOverlap: 0.45,
  measured: { msPerPicture: 11.2, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    { data: 'vtest.avi, 8 pictures, people by eye 44', result: '43, and a box on a post in every picture' },
    { data: 'one-by-one-person-detection.mp4, 40 pictures', result: '29 of 29 with a person, none of 11 empty ones' },
  ],
});
