/** What infer has of one camera. */
import type { Fault } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import type { Detector } from '../../models/detector.ts';
import type { CameraPipeline } from './camera-pipeline.ts';

export interface InferCamera {
  detector: Detector;
  pipeline: CameraPipeline;
  /** Whose classes its boxes have; absent: its events get no pictures. */
  model?: Pick<ModelSpec, 'id' | 'version' | 'classes' | 'classesZh'>;
  /** Why its detector could not be opened; already told. */
  fault?: Fault;
}

/** By device id. */
export type InferCameras = ReadonlyMap<string, InferCamera>;
