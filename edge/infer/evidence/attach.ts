/** Events of zones and lines get their pictures, and ask for their clips. A picture without tracks and measures is passed over. */
import type { TurnStation } from '../picture-task.ts';
import type { EventPictures } from './event-pictures.ts';

/** @param signal aborts when the edge ends */
export function attachEvidence(eventPictures: Pick<EventPictures, 'picturesFor'> | undefined, signal: AbortSignal): TurnStation {
  return (task) => {
    const { camera: { pipeline: { tracks }, model }, current: { item: { device, picture, at } }, measures } = task;
    const { boxes } = task.detections;
    if (!eventPictures || !model || (tracks.length === 0 && measures.length === 0)) return undefined;
    const made = eventPictures.picturesFor({ device, picture, at, boxes, tracks, model }, measures, signal);
    return made.then((pictures) => { task.eventPictures = pictures; });
  };
}
