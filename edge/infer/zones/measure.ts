/** Detections become tracks, and what zones and lines measure of them. Where nothing moved the same is said again: time has advanced. */
import type { PictureTask } from '../picture-task.ts';

export function measureZones(task: PictureTask): void {
  const { camera, current: { item: { picture, at, points } }, detections } = task;
  task.measures = camera.pipeline.updateZones(detections, picture, at).filter(({ point }) => points[point]);
}
