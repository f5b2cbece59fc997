/** The whole edge line on one page: what happens to a sample, in order. No logic here. */
import { line } from '../core/line.ts';
import type { EdgeLog } from '../core/log/types.ts';
import type { World } from '../core/world.ts';
import type { EdgeSetup } from './config/setup.ts';
import type { PresenceFacts } from './forward/presence.ts';
import { read, type OpenDevice } from './host/read.ts';
import { forward } from './stations/forward.ts';
import { infer } from './stations/infer.ts';
import { judge } from './stations/judge.ts';
import { keep } from './stations/keep.ts';
import { qualify, type QualifyFacts } from './stations/qualify.ts';
import { reduce } from './stations/reduce.ts';
import type { Detector } from '../models/load.ts';
import type { LastPictures } from './vision/last-picture.ts';

export interface EdgeParts {
  devices: readonly OpenDevice[];
  /** By camera; none without cameras. */
  detectors: ReadonlyMap<string, Detector>;
  pictures: LastPictures;
  points: QualifyFacts;
  log: EdgeLog;
  presence: Pick<PresenceFacts, 'version' | 'httpUrl'>;
}

export function edgeLine(setup: EdgeSetup, parts: EdgeParts, world: World) {
  const reading = read(parts.devices, world);
  const keeping = keep(parts.log, setup.centre, world);
  const forwarding = forward(setup, { ...parts.presence, devices: () => reading.states() }, parts.log, world);
  const joined = line(world, [
    reading,                             // frames of every device the host keeps open become samples, or a loss with its reason
    infer(parts.detectors, world, parts.pictures), // camera frames become samples like any other
    qualify(setup, parts.points, world), // scale, unit, quality, clock: a sample becomes an event
    judge(),                             // local warnings, also when cut off; sees every event
    reduce(setup, parts.points, world),  // deadbands and heartbeats; never hides a crossing
    keeping,                             // flushed to disk: from here on we own them
    forwarding,                          // let go by the gateway's ack alone
  ]);
  return { ...joined, states: () => reading.states(), isKeeping: () => keeping.isKeeping(), uplink: () => forwarding.uplink() };
}
