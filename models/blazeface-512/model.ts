/** BlazeFace at 512 × 288: what finds faces that must not leave the process. */
import { defineModel } from '../../core/model.ts';

export default defineModel({
  id: 'blazeface-512',
  version: 'human-3.3.6',
  task: 'face-detection',
  title: { zh: 'BlazeFace 人脸检测（512×288，用于模糊）', en: 'BlazeFace face detector (512 × 288, for blurring)' },
  licence: 'MIT, as published in @vladmandic/human, which names MediaPipe BlazeFace (back variation) as the model',
  source: 'npm @vladmandic/human 3.3.6, models/blazeface.json and blazeface.bin',
  file: 'blazeface-512.onnx',
  sha256: '392219a9787f73b5b6bfb5c1fce4d6badd257d868785b3e1d48ef5b330c03cec',
  opset: 17,
  input: {
    name: 'images', shape: ['batch', 288, 512, 3], layout: 'NHWC', color: 'RGB', fit: 'letterbox', anchor: 'centre', pad: 0,
    mean: [127.5, 127.5, 127.5], scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  },
  outputs: {
    fine_scores: ['batch', 2, 18, 32],
    fine_boxes: ['batch', 32, 18, 32],
    coarse_scores: ['batch', 6, 9, 16],
    coarse_boxes: ['batch', 96, 9, 16],
  },
  family: 'blazeface',
  classes: ['face'],
  classesZh: ['人脸'],
  // Low: a blurred patch without a face does no harm, a face without one does.
  scoreThreshold: 0.3,
  maxOverlap: 0.3,
  measured: { msPerPicture: 10.4, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    {
      data: 'one-by-one-person-detection.mp4, 233 pictures with 33 faces by YuNet (0.60) and 19 by UltraFace (0.70)',
      result: 'none of them missed',
    },
    { data: 'a close-up clip, 400 pictures with a face each', result: 'none missed' },
  ],
});
