/** YuNet (n) at 320 × 320, made by others: not shipped, fetched with `cityvitals models pull`. */
import { defineModel } from '../../core/model.ts';

export default defineModel({
  id: 'yunet-n-320',
  version: '2022',
  task: 'face-detection',
  title: { zh: 'YuNet 人脸检测（320×320）', en: 'YuNet face detector (320 × 320)' },
  licence: 'Apache-2.0',
  source: 'github ShiqiYu/libfacedetection.train, onnx/yunet_n_320_320.onnx',
  file: 'yunet-n-320.onnx',
  sha256: '81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2',
  bytes: 317434,
  url: 'https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_320_320.onnx',
  opset: 11,
  input: { name: 'input', shape: [1, 3, 320, 320], layout: 'NCHW', color: 'BGR', fit: 'letterbox', anchor: 'top-left', pad: 0 },
  outputs: {
    cls_8: [1, 1600, 1], obj_8: [1, 1600, 1], bbox_8: [1, 1600, 4], kps_8: [1, 1600, 10],
    cls_16: [1, 400, 1], obj_16: [1, 400, 1], bbox_16: [1, 400, 4], kps_16: [1, 400, 10],
    cls_32: [1, 100, 1], obj_32: [1, 100, 1], bbox_32: [1, 100, 4], kps_32: [1, 100, 10],
  },
  family: 'yunet',
  classes: ['face'],
  classesZh: ['人脸'],
  scoreThreshold: 0.6,
  maxOverlap: 0.3,
  measured: { msPerPicture: 2.4, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    { data: 'one-by-one-person-detection.mp4, 40 pictures', result: '5 with a face; most are turned away' },
  ],
});
