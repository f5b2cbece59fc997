/** What flows on the edge's line between decode and infer: samples, and pictures that are still to become samples. */
import type { Picture } from '../core/driver.ts';
import type { Sample } from '../core/sample.ts';

export type DecodedItem = Sample | PictureItem;

export function isSample(item: DecodedItem): item is Sample {
  return !('picture' in item);
}

export function isPicture(item: DecodedItem): item is PictureItem {
  return 'picture' in item;
}

/**
 * One picture of a camera. It counts as one sample a point: infer tells `samples_read` for it, and `samples_lost`
 * when it is dropped or the detector fails, so the sum of samples holds without the read station counting pictures.
 */
export interface PictureItem {
  device: string;
  picture: Picture;
  /** ms UTC: `picture.takenAt` where the source knows it, else when the edge had it. */
  at: number;
  /** Whose clock that is; our own by default. */
  clock?: 'edge' | 'unsynced';
  /** ms UTC when the edge had the picture. */
  observedAt: number;
  /** The points that its samples are for (a driver's own table fits): persons, vehicles, occupancy. */
  points: Readonly<Record<string, { unit: string }>>;
}
