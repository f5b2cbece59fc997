/** UltraFace RFB at 320 × 240, made by others: not shipped, fetched with `cityvitals models pull`. */
import { defineModel } from '../../core/model.ts';

export default defineModel({
  id: 'ultraface-rfb-320',
  version: 'version-RFB-320',
  task: 'face-detection',
  title: { zh: 'UltraFace RFB 人脸检测（320×240）', en: 'UltraFace RFB face detector (320 × 240)' },
  licence: 'MIT',
  source: 'github Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, models/onnx/version-RFB-320.onnx',
  file: 'ultraface-rfb-320.onnx',
  sha256: '34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017',
  bytes: 1270727,
  url: 'https://raw.githubusercontent.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/dffdddda9794a50607cba8f318507a28c1c27cab/models/onnx/version-RFB-320.onnx',
  opset: 9,
  input: {
    name: 'input', shape: [1, 3, 240, 320], layout: 'NCHW', color: 'RGB', fit: 'stretch',
    mean: [127, 127, 127], scale: [1 / 128, 1 / 128, 1 / 128],
  },
  outputs: { scores: [1, 4420, 2], boxes: [1, 4420, 4] },
  family: 'ultraface',
  classes: ['face'],
  classesZh: ['人脸'],
  scoreThreshold: 0.7,
  maxOverlap: 0.3,
  measured: { msPerPicture: 6.2, on: '2-core Xeon with AVX-512, 1 thread, onnxruntime 1.30.0' },
  tested: [
    { data: 'one-by-one-person-detection.mp4, 40 pictures', result: '2 with a face, both doubtful; most are turned away' },
  ],
});
