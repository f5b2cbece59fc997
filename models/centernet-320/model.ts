/** MobileNetV3-CenterNet at 320 × 320: what the model is, as data. */
import { defineModel } from '../../core/model.ts';
import { COCO_CLASSES, COCO_CLASSES_ZH } from '../coco-classes.ts';

export default defineModel({
  id: 'centernet-320',
  version: 'human-3.3.6',
  task: 'object-detection',
  title: { zh: 'MobileNetV3-CenterNet 目标检测（320×320,80 类）', en: 'MobileNetV3-CenterNet object detector (320 × 320, 80 classes)' },
  licence: 'MIT, as published in @vladmandic/human; the repository it was trained in has no licence file',
  source: 'npm @vladmandic/human 3.3.6, models/centernet.json and centernet.bin',
  file: 'centernet-320.onnx',
  sha256: 'd2adcad88fecaec345bc14a744f5bcbcdfea82c131010d88b2903d97e9e4b0e8',
  opset: 17,
  input: { name: 'images', shape: ['batch', 320, 320, 3], layout: 'NHWC', color: 'RGB', fit: 'stretch' },
  outputs: { heatmap: ['batch', 80, 80, 80], wh: ['batch', 4, 80, 80] },
  family: 'centernet',
  classes: COCO_CLASSES,
  classesZh: COCO_CLASSES_ZH,
  scoreThreshold: 0.3,
  maxOverlap: 0.4,
  measured: { msPerPicture: 19, on: '2-core EPYC with AVX2, 1 thread, all classes' },
  tested: [
    { data: 'vtest.avi, 8 pictures, people by eye 3 7 7 6 3 4 6 8', result: '3 7 7 6 4 4 6 7' },
    {
      data: '45 pictures of 4 clips by day, labelled by one pair of eyes (npm run rig -- precision)',
      result:
        'people: precision 94 % (49 of 52, with 95 % certainty 84 to 98), recall 88 % (49 of 56); cars and vans: precision 80 % (16 of 20), recall 80 % (16 of 20)',
    },
  ],
});
