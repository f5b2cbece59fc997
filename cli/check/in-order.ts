/** Tries many devices in little time, and tells of them in the order in which they are written down. */
import { lanes, turns } from '../../core/turns.ts';
import { everyMs, type Clock } from '../../core/world.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import { busKey } from '../../edge/read/bus-key.ts';
import type { Progress } from '../progress.ts';

/** One that does not answer costs waiting alone, one that does may be a camera, with an ffmpeg that two small cores have to feed. */
const AT_ONCE = 8;
const PROGRESS_EVERY_MS = 1000;
/** Names of those that are being tried. */
const MOST_NAMES = 4;

export interface Trying<T> {
  /** Never rejects. */
  tryOut(device: OpenDevice): Promise<T>;
  /** Called once for each device, as soon as it and all before it are done; not any more once the signal is aborted. */
  tell(device: OpenDevice, result: T): void;
  progress: Progress;
  clock: Clock;
  signal: AbortSignal;
}

/** At most eight at once, those on one bus one after the other. */
export async function inOrder<T>(devices: readonly OpenDevice[], { tryOut, tell, progress, clock, signal }: Trying<T>): Promise<void> {
  const trying = new Set<string>();
  let done = 0;
  const inLane = lanes(AT_ONCE);
  const results = new Map<OpenDevice, Promise<T>>();
  for (const bus of Map.groupBy(devices, busKey).values()) {
    const inTurn = turns();
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
  const showing = everyMs(clock, PROGRESS_EVERY_MS, () => progress.tell(done, devices.length, named([...trying])));
  for (const device of devices) {
    const result = await (results.get(device) as Promise<T>);
    if (signal.aborted) break;
    progress.clear();
    tell(device, result);
  }
  showing.cancel();
  progress.end();
}

function named(ids: readonly string[]): string {
  return ids.length > MOST_NAMES ? `${ids.slice(0, MOST_NAMES).join(', ')} …` : ids.join(', ');
}
