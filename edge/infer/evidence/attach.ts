/** Events of zones and lines get their pictures, and ask for their clips. Only what they concern is looked for: a picture without tracks and measures is passed over. */
import type { TurnStation } from '../picture-task.ts';
import type { EventPictures } from './event-pictures.ts';

/** @param signal aborts when the edge ends */
export function attachEvidence(eventPictures: Pick<EventPictures, 'picturesFor'> | undefined, signal: AbortSignal): TurnStation {
  return (task) => {
    const { camera: { pipeline: { tracks }, model }, current: { item: { device, picture, at } }, detections: { boxes }, measures } = task;
    if (!eventPictures || !model || (tracks.length === 0 && measures.length === 0)) return undefined;
    return eventPictures.picturesFor({ device, picture, at, boxes, tracks, model }, measures, signal).then((pictures) => { task.eventPictures = pictures; });
  };
}
