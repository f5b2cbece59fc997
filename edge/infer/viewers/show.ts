/** What people see of a camera: its newest picture, and the boxes beside its live view. */
import type { Box } from '../../../core/event.ts';
import type { LiveStreams } from '../../live-view/live-streams.ts';
import type { PointValue } from '../count/point-values.ts';
import type { TurnStation } from '../picture-task.ts';
import type { LatestPictures } from './latest-pictures.ts';

/** Keeps the picture with the boxes that were counted, until the next one. */
export function keepLatest(pictures: LatestPictures | undefined): TurnStation {
  return ({ counts, current: { item: { device, picture, at } } }) => pictures?.set(device, picture, at, countedBoxes(counts));
}

/** Tells the viewers of a live view what was seen. */
export function tellViewers(viewers: Pick<LiveStreams, 'tellViewers'> | undefined): TurnStation {
  return ({ camera: { pipeline: { tracks }, model }, current: { item: { device, picture, at } }, detections: { boxes }, measures }) => {
    viewers?.tellViewers({ device, picture, at, boxes, tracks, measures, model });
  };
}

function countedBoxes(counts: readonly PointValue[]): Box[] {
  return counts.flatMap(({ evidence }) => evidence?.flatMap((one) => (one.kind === 'boxes' ? one.boxes : [])) ?? []);
}
