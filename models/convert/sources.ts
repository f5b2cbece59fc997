/** Which models are made from which TensorFlow.js graphs, and where those lie. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ModelSpec } from '../../core/model.ts';
import blazeface512 from '../blazeface-512/model.ts';
import centernet320 from '../centernet-320/model.ts';
import type { ConversionRecipe } from './convert.ts';
import { graphFault } from './tfjs-graph.ts';

export interface ModelSource {
  spec: ModelSpec;
  /** Name of the .json and .bin below the package's `models` folder. */
  graph: string;
  recipe: ConversionRecipe;
}

export const MODEL_SOURCES: readonly ModelSource[] = [
  { spec: centernet320, graph: 'centernet', recipe: centernet(320) },
  { spec: blazeface512, graph: 'blazeface', recipe: blazeface(512, 288) },
];

/** The network is fully convolutional: any input size that is a multiple of 32 will do. */
export function centernet(size: number): ConversionRecipe {
  return {
    name: `centernet-${size}`,
    input: { from: 'tower_0/images', name: 'images', height: size, width: size },
    outputs: { heatmap: 'tower_0/keypoints', wh: 'tower_0/wh' },
  };
}

/** Fully convolutional too: sides that are multiples of 32. Cut before scores and boxes are put into rows. */
export function blazeface(width: number, height: number): ConversionRecipe {
  const layer = (number: number) => `StatefulPartitionedCall/functional_1/conv2d_${number}/BiasAdd`;
  return {
    name: `blazeface-${width}`,
    input: { from: 'input', name: 'images', height, width },
    outputs: { fine_scores: layer(33), fine_boxes: layer(35), coarse_scores: layer(34), coarse_boxes: layer(36) },
  };
}

/** The package's `exports` hide its models, so it is looked for by path. @throws FaultError CV_MODEL_GRAPH */
export function sourceFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const models = join(folder, 'node_modules', '@vladmandic', 'human', 'models');
    if (existsSync(models)) return models;
    if (folder === dirname(folder)) throw graphFault('the package @vladmandic/human is not installed');
  }
}
