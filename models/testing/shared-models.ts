/** The models that tests find beside the project: the registry's, with their graphs there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelSpec } from '../../core/model.ts';
import { sharedFolder } from '../../core/testing/shared.ts';
import { COCO_CLASSES } from '../coco-classes.ts';
import { MODELS } from '../index.ts';

export interface SharedModel {
  spec: ModelSpec;
  graph: string;
}

/** The larger CenterNet, as others converted it: not in the registry, since set-up makes a smaller one. */
const CENTERNET_512: ModelSpec = {
  id: 'centernet-mbv3-512',
  version: 'human-3.3.6',
  task: 'object-detection',
  title: { zh: 'CenterNet 512', en: 'CenterNet 512' },
  licence: 'MIT',
  source: '',
  file: 'centernet-mbv3-512.onnx',
  sha256: '68d0acf9941b9171e2d0621cd1450bd32e7ecf24245d2487b40a2b83746052f7',
  opset: 17,
  input: { name: 'images', shape: [1, 512, 512, 3], layout: 'NHWC', color: 'RGB', fit: 'stretch' },
  outputs: { heatmap: [1, 80, 128, 128], wh: [1, 4, 128, 128] },
  family: 'centernet',
  classes: COCO_CLASSES,
  scoreThreshold: 0.4,
  maxOverlap: 0.4,
};

/** Empty when the folder is not there. */
export function sharedModels(): SharedModel[] {
  const folder = sharedFolder('models');
  if (!folder) return [];
  return [CENTERNET_512, ...MODELS]
    .map((spec) => ({ spec, graph: join(folder, spec.id, spec.file) }))
    .filter(({ graph }) => existsSync(graph));
}
