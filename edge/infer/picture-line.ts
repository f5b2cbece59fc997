/** Joins infer's stations: those that see a picture at once, the camera's queue, and those that see it in its turn. */
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import type { Give, Station } from '../../core/line.ts';
import type { Sample } from '../../core/sample.ts';
import type { World } from '../../core/world.ts';
import { isPicture, type DecodedItem, type PictureItem } from '../item.ts';
import type { InferCamera, InferCameras } from './camera.ts';
import type { DetectorFaults } from './detect/detector-faults.ts';
import type { VideoQualityStation } from './diagnosis/video-quality.ts';
import type { PictureCounts } from './picture-counts.ts';
import { pictureTask, type ArrivalStation, type TurnStation } from './picture-task.ts';
import { holdPicture, type CameraQueue, type QueuedPicture } from './queue/camera-queue.ts';
import { CameraQueues } from './queue/camera-queues.ts';

export interface InferStation extends Station<DecodedItem, Sample> {
  /** Why this camera's pictures cannot be detected in; null: they can, as far as is known. */
  faultOf(device: string): Fault | null;
}

export interface PictureStations {
  arrival: readonly ArrivalStation[];
  turn: readonly TurnStation[];
  counts: PictureCounts;
  faults: DetectorFaults;
  quality: VideoQualityStation;
  /** Aborted when pictures in detectors have had their time. */
  ending: AbortController;
}

const CLOSE_DEADLINE_MS = 1000;

export function pictureLine(cameras: InferCameras, { arrival, turn, counts, faults, quality, ending }: PictureStations, world: World): InferStation {
  const queues = new CameraQueues(counts, work);

  function take(items: readonly DecodedItem[], give: Give<Sample>): void {
    // An edge without cameras hands on the very list.
    if (queues.isEmpty && !items.some(isPicture)) return give(items as readonly Sample[]);
    const ready: Sample[] = [];
    for (const came of items) {
      const item = isPicture(came) ? came : quality.ended(came);
      if (isPicture(item)) arrive(item, give);
      else if (queues.isBusy(item.device)) queues.push(item, give);
      else ready.push(item);
    }
    give(ready);
  }

  function arrive(item: PictureItem, give: Give<Sample>): void {
    faults.open(item.device);
    const release = holdPicture(item.picture);
    quality.watch((samples) => emit(samples, give));
    for (const station of arrival) {
      const sample = station(item);
      if (sample) emit([sample], give);
    }
    queues.push(item, give, release);
  }

  /** Samples of our own. */
  function emit(samples: readonly Sample[], give: Give<Sample>): void {
    for (const sample of samples) {
      counts.samplesRead(sample.device, 1);
      queues.pushSample(sample, give);
    }
  }

  async function work(current: QueuedPicture, queue: CameraQueue): Promise<Sample[]> {
    const camera = cameras.get(current.item.device);
    try {
      if (!camera) throw new FaultError('CV_DETECTOR_CLOSED', { model: current.item.device });
      const task = pictureTask(camera, queue, current);
      for (const station of turn) {
        const pending = station(task);
        if (pending) await pending;
      }
      return task.samples;
    } catch (error) {
      return failed(current, camera, error);
    }
  }

  function failed({ item }: QueuedPicture, camera: InferCamera | undefined, error: unknown): Sample[] {
    camera?.pipeline.detectionFailed();
    if (!ending.signal.aborted && !(camera && isClosed(error))) return faults.failed(item, faultOf(error, 'CV_MODEL_FAILED', { model: item.device }));
    counts.pictureLost(item, 'shutdown');
    return [];
  }

  return {
    name: 'infer',
    take,
    faultOf: (device) => faults.of(device),
    /** Lets the pictures in the detectors finish, for a second; those that wait are counted. */
    async close() {
      quality.close();
      const deadline = world.clock.after(CLOSE_DEADLINE_MS, () => ending.abort());
      await queues.close();
      deadline.cancel();
    },
  };
}

/** Its detector has been closed: the edge ends, or the camera has another one from now on. */
const isClosed = (error: unknown) => error instanceof FaultError && error.fault.code === 'CV_DETECTOR_CLOSED';
