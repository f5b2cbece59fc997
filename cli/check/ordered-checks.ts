/** Checks many devices in parallel and reports them in configuration order. */
import { parallelQueue, serialQueue } from '../../core/task-queue.ts';
import { everyMs, type Clock } from '../../core/world.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import { busKey } from '../../edge/read/bus-key.ts';
import type { Progress } from '../progress.ts';

/** Limited by cameras: each runs an ffmpeg. */
const MAX_PARALLEL = 8;
const PROGRESS_EVERY_MS = 1000;
/** Names shown in the progress line. */
const MAX_NAMES = 4;

export interface DeviceChecks<T> {
  /** Never rejects. */
  tryOut(device: OpenDevice): Promise<T>;
  /** Called once per device when it and all before it are done; not after an abort. */
  report(device: OpenDevice, result: T): void;
  progress: Progress;
  clock: Clock;
  signal: AbortSignal;
}

/** At most eight at once, those on one bus one after the other. */
export async function checkInOrder<T>(
  devices: readonly OpenDevice[],
  { tryOut, report, progress, clock, signal }: DeviceChecks<T>,
): Promise<void> {
  const trying = new Set<string>();
  let done = 0;
  const inLane = parallelQueue(MAX_PARALLEL);
  const results = new Map<OpenDevice, Promise<T>>();
  for (const bus of Map.groupBy(devices, busKey).values()) {
    const inTurn = serialQueue();
    for (const device of bus) {
      results.set(device, inTurn(() => inLane(async () => {
        trying.add(device.setup.id);
        const result = await tryOut(device);
        trying.delete(device.setup.id);
        done += 1;
        return result;
      })));
    }
  }
  const showing = everyMs(clock, PROGRESS_EVERY_MS, () => progress.update(done, devices.length, named([...trying])));
  for (const device of devices) {
    const result = await (results.get(device) as Promise<T>);
    if (signal.aborted) break;
    progress.clear();
    report(device, result);
  }
  showing.cancel();
  progress.end();
}

function named(ids: readonly string[]): string {
  return ids.length > MAX_NAMES ? `${ids.slice(0, MAX_NAMES).join(', ')} …` : ids.join(', ');
}
