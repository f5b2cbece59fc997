/** Counts the samples that pictures are worth, so that read = given on + lost + still inside holds for cameras as well. */
import type { LossReason } from '../../core/losses.ts';
import type { Tell } from '../../core/telemetry.ts';
import type { PictureItem } from '../item.ts';

/** What zones and lines find in a picture is counted when it is known. */
const COUNT_POINTS = ['persons', 'vehicles', 'occupancy'];

export class PictureCounts {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** A picture came. */
  pictureRead(item: PictureItem): null {
    this.samplesRead(item.device, samplesIn(item));
    return null;
  }

  /** A picture is dropped. */
  pictureLost(item: PictureItem, reason: LossReason): void {
    if (reason === 'picture_late') item.picture.late?.();
    this.#tell({ kind: 'samples_lost', count: samplesIn(item), reason, intended: false, device: item.device });
  }

  samplesRead(device: string, count: number): void {
    this.#tell({ kind: 'samples_read', count, device });
  }
}

function samplesIn({ points }: PictureItem): number {
  return COUNT_POINTS.filter((point) => points[point]).length;
}
