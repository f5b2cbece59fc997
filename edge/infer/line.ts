/**
 * infer on one page: what happens to a camera's picture, in order, where it is dropped, and where that is counted. No logic
 * here. What is no picture passes, behind the pictures of its own device.
 */
import type { World } from '../../core/world.ts';
import type { LiveStreams } from '../live-view/live-streams.ts';
import type { InferCameras } from './camera.ts';
import { countObjects } from './count/count.ts';
import { detectObjects } from './detect/detect.ts';
import { DetectorFaults } from './detect/detector-faults.ts';
import { VideoQualityStation } from './diagnosis/video-quality.ts';
import { attachEvidence } from './evidence/attach.ts';
import type { EventPictures } from './evidence/event-pictures.ts';
import { gateMotion } from './gate/gate.ts';
import { applyMask } from './mask/apply-mask.ts';
import { PictureCounts } from './picture-counts.ts';
import { pictureLine, type InferStation } from './picture-line.ts';
import { toSamples } from './samples/to-samples.ts';
import { keepLatest, tellViewers } from './viewers/show.ts';
import type { LatestPictures } from './viewers/latest-pictures.ts';
import { measureZones } from './zones/measure.ts';

/**
 * @param cameras whoever opened their detectors closes them, after this station
 * @param pictures where each camera's newest picture is kept for people; absent: it is not kept
 * @param eventPictures makes the pictures of events; absent: they get none
 * @param viewers people who watch a live view
 */
export function infer(
  cameras: InferCameras,
  world: World,
  pictures?: LatestPictures,
  eventPictures?: Pick<EventPictures, 'picturesFor'>,
  viewers?: Pick<LiveStreams, 'tellViewers'>,
): InferStation {
  const { tell } = world;
  const counts = new PictureCounts(tell);
  const quality = new VideoQualityStation(cameras, world.clock);
  const faults = new DetectorFaults(cameras, counts, tell);
  const ending = new AbortController();
  return pictureLine(cameras, {
    arrival: [
      applyMask(cameras),                            // privacy mask: before anything else has the picture
      (item) => quality.check(item),                 // video quality: a finding becomes a sample of the point `video`
      (item) => counts.pictureRead(item),            // counted as read: `samples_read`
    ],
    // queue/camera-queue.ts: the newest picture waits; an older one is dropped and counted: `picture_late`, at the end `shutdown`
    turn: [
      gateMotion(tell),                              // nothing has moved: the last detections hold, `picture_still`
      detectObjects(faults, tell, ending.signal),    // else the detector; a newer picture may replace this one until then:
                                                     // `picture_late`; a detection that fails: `model_failed`
      countObjects,                                  // boxes become persons, vehicles, occupancy
      keepLatest(pictures),                          // the newest picture, for people
      measureZones,                                  // tracks, and what zones and lines measure of them
      tellViewers(viewers),                          // boxes beside the live view
      attachEvidence(eventPictures, ending.signal),  // pictures and clips of events
      toSamples(counts),                             // all of it as samples, which go on to qualify
    ],
    counts, faults, quality, ending,
  }, world);
}
