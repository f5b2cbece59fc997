/** The whole edge line on one page: what happens to a sample, in order. No logic here. */
import type { Draft } from '../core/event.ts';
import { line } from '../core/line.ts';
import type { EdgeLog } from '../log/types.ts';
import type { World } from '../core/world.ts';
import { keepLatestValues } from './commands/latest-values.ts';
import type { EdgeSetup } from './config/setup.ts';
import type { EdgePresenceParts } from './forward/edge-presence.ts';
import { read, type DeviceHost, type OpenDevice } from './read/read.ts';
import { forward, type ForwardParts } from './forward/forward.ts';
import type { InferCamera } from './infer/camera.ts';
import { infer } from './infer/line.ts';
import { judge } from './judge/judge.ts';
import { keep } from './keep/keep.ts';
import { qualify, type QualifyFacts } from './qualify/qualify.ts';
import { reduce, type ReduceFacts } from './reduce/reduce.ts';
import type { LiveStreams } from './live-view/live-streams.ts';
import type { EventPictures } from './infer/evidence/event-pictures.ts';
import type { LatestPictures } from './infer/viewers/latest-pictures.ts';
import { withDetectorFaults } from './infer/device-states.ts';

export interface EdgeParts {
  devices: readonly OpenDevice[];
  /** By camera; none without cameras. */
  cameras: ReadonlyMap<string, InferCamera>;
  pictures: LatestPictures;
  /** Gives events their pictures; none: they get none. */
  snapshots?: EventPictures | undefined;
  /** People who watch a camera. */
  watchers?: Pick<LiveStreams, 'tellViewers'>;
  /** Their files. */
  evidence?: ForwardParts['evidence'];
  points: QualifyFacts & ReduceFacts;
  log: EdgeLog;
  presence: Pick<EdgePresenceParts, 'version' | 'httpUrl' | 'httpKey' | 'clock' | 'unknown'>;
  /** In place of the devices themselves: what a recording says. */
  reading?: DeviceHost | undefined;
  /** A payload of the command topic. */
  onCommand(payload: Uint8Array): void;
}

export function edgeLine(setup: EdgeSetup, parts: EdgeParts, world: World) {
  const reading = parts.reading ?? read(parts.devices, world, () => keeping.whenKept());
  const latest = keepLatestValues(world.clock);
  const inferring = infer(parts.cameras, world, parts.pictures, parts.snapshots, parts.watchers);
  const states = () => withDetectorFaults(reading.states(), inferring);
  const qualifying = qualify(setup, parts.points, world);
  const reducing = reduce(setup, parts.points, world);
  const keeping = keep(parts.log, setup.centre, world);
  const forwarding = forward(setup, { ...parts.presence, devices: states, onCommand: parts.onCommand, ...(parts.evidence && { evidence: parts.evidence }) }, parts.log, world);
  const joined = line(world, [
    reading,                             // frames of every device the host keeps open become samples, or a loss with its reason
    inferring,                           // camera frames become samples like any other
    qualifying,                          // scale, unit, quality, clock: a sample becomes an event
    latest,                              // what each point says now, for commands
    judge(),                             // local warnings, also when cut off; sees every event
    reducing,                            // deadbands, heartbeats, windows; never hides a crossing
    keeping,                             // flushed to disk: from here on we own them
    forwarding,                          // let go by the gateway's ack alone
  ]);
  /** Goes on with other devices; those that did not change are not touched. */
  const update = (next: EdgeSetup, { devices, points }: Pick<EdgeParts, 'devices' | 'points'>, swap: () => void) => reading.update(devices, () => {
    swap();
    qualifying.update(next, points);
    reducing.update(next, points);
    latest.retain(next.devices);
  });
  /** Beside the line: an event of the edge's own, which nothing leaves out. */
  const record = (draft: Draft) => keeping.take?.([draft], () => {});
  return { ...joined, host: reading, latest, record, update, retarget: forwarding.retarget, answer: forwarding.answer, wake: () => forwarding.wake(), wakeEvidence: () => forwarding.wakeEvidence(), states, isKeeping: () => keeping.isKeeping(), uplink: () => forwarding.uplink() };
}
