/** Boxes become counts: persons, vehicles, and how much of the picture they cover. */
import type { PictureTask } from '../picture-task.ts';
import { countBoxes } from './point-values.ts';

export function count(task: PictureTask): void {
  const { boxes, model, frame } = task.detections;
  task.counts = countBoxes(boxes, model, frame);
}
