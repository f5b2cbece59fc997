/**
 * The detector sees the picture. While that waits for a free detector the camera's next picture takes its place. Where
 * something small moves and nothing was found, the part around it is detected in once more, if the camera is set so.
 */
import type { Tell } from '../../../core/telemetry.ts';
import { cropOf } from '../evidence/crop.ts';
import type { PictureTask, TurnStation } from '../picture-task.ts';
import type { DetectorFaults } from './detector-faults.ts';
import { mergeSecondLook } from './second-look.ts';

/** @param signal aborts when the edge ends */
export function detect(faults: DetectorFaults, tell: Tell, signal: AbortSignal): TurnStation {
  async function run(task: PictureTask): Promise<void> {
    const { camera: { detector, pipeline }, current, queue } = task;
    const { boxes, durationMs } = await detector.detect(() => {
      if (queue.replaceByNewer(current)) pipeline.heldDetections(current.item.picture);
      return current.item.picture;
    }, signal);
    const { device, picture } = current.item;
    const area = pipeline.secondLookArea(boxes);
    const crop = area && cropOf(picture, area);
    const second = crop && await detector.detect(crop.picture, signal);
    tell({ kind: 'inference', device, durationMs: durationMs + (second?.durationMs ?? 0) });
    faults.succeeded(device);
    const found = second ? mergeSecondLook(boxes, second.boxes.map(crop.toWhole), area) : boxes;
    task.detections = pipeline.setDetections(found, detector.model, picture.index);
  }

  return (task) => {
    if (!task.heldDetections) return run(task);
    task.detections = task.heldDetections;
    return undefined;
  };
}
