/** Opens one detector with processes of its own. */
import type { ModelSpec } from '../core/model.ts';
import type { World } from '../core/world.ts';
import type { Detector } from './detector.ts';
import { DetectorPool, type PoolOptions } from './pool.ts';

export type { Detection, Detector } from './detector.ts';

export interface DetectorOptions extends PoolOptions {
  /** Default: the model's own. */
  scoreThreshold?: number;
}

/** @throws FaultError as DetectorPool.open */
export function openDetector(spec: ModelSpec, { scoreThreshold, ...pool }: DetectorOptions, world: World): Promise<Detector> {
  return new DetectorPool(pool, world).open(spec, scoreThreshold);
}
