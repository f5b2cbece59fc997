/** One picture on its way through infer: each station adds what it found. */
import type { Snapshot } from '../../core/event.ts';
import type { Sample } from '../../core/sample.ts';
import type { PictureItem } from '../item.ts';
import type { InferCamera } from './camera.ts';
import type { Detections } from './camera-pipeline.ts';
import type { PointValue } from './count/point-values.ts';
import type { CameraQueue, QueuedPicture } from './queue/camera-queue.ts';
import type { MeasureValue } from './zones/zone.ts';

export interface PictureTask {
  readonly camera: InferCamera;
  readonly queue: CameraQueue;
  /** A newer picture may take its place until the detector has it. */
  readonly current: QueuedPicture;
  /** Those of an earlier picture, where nothing has moved since; null: detection is due. */
  heldDetections: Detections | null;
  detections: Detections;
  counts: readonly PointValue[];
  /** Of zones and lines, for points that the camera has. */
  measures: readonly MeasureValue[];
  /** By point of a measure; null: no pictures are made. */
  eventPictures: ReadonlyMap<string, readonly Snapshot[]> | null;
  samples: Sample[];
}

/** A station that sees a picture at once when it comes. A sample that it gives goes on in the camera's order. */
export type ArrivalStation = (item: PictureItem) => Sample | null;

/** A station that sees a picture in its turn, one at a time for each camera. It is awaited only where it has to be. */
export type TurnStation = (task: PictureTask) => Promise<void> | void;

const NO_DETECTIONS: Detections = { boxes: [], lowScoreBoxes: [], model: '', frame: 0 };

export function pictureTask(camera: InferCamera, queue: CameraQueue, current: QueuedPicture): PictureTask {
  return { camera, queue, current, heldDetections: null, detections: NO_DETECTIONS, counts: [], measures: [], eventPictures: null, samples: [] };
}
