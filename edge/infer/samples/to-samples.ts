/** Counts and measures become samples of the camera's points, each at the time of the picture that it is of. */
import type { Sample } from '../../../core/sample.ts';
import { measurePointValues } from '../count/point-values.ts';
import type { PictureCounts } from '../picture-counts.ts';
import type { TurnStation } from '../picture-task.ts';

export function toSamples(pictureCounts: PictureCounts): TurnStation {
  return (task) => {
    const { detections: { model }, counts, measures, eventPictures, current: { item } } = task;
    const { device, picture, at, clock = 'edge', observedAt, points } = item;
    const measured = measurePointValues(measures, model, picture.index, eventPictures);
    // How many there are is known only now: states are told when they change.
    if (measured.length > 0) pictureCounts.samplesRead(device, measured.length);
    task.samples = [...counts, ...measured].flatMap(({ point, value, evidence, ptsMs = picture.ptsMs }): Sample[] => {
      const unit = points[point]?.unit;
      if (unit === undefined) return [];
      const takenAt = at + ptsMs - picture.ptsMs;
      return [
        {
          device,
          point,
          value,
          unit,
          at: takenAt,
          clock,
          observedAt,
          quality: 'good',
          flags: [],
          origin: 'live',
          ...(evidence && { evidence }),
        },
      ];
    });
  };
}
