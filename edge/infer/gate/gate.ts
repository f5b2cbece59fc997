/** Where nothing has moved the last detections hold, and the detector is spared. */
import type { Tell } from '../../../core/telemetry.ts';
import type { TurnStation } from '../picture-task.ts';

export function gate(tell: Tell): TurnStation {
  return (task) => {
    const { camera, current: { item } } = task;
    task.heldDetections = camera.pipeline.heldDetections(item.picture);
    if (task.heldDetections) tell({ kind: 'picture_still', device: item.device });
  };
}
