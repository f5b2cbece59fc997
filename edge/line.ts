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
  latestPictures: LatestPictures;
  /** Gives events their pictures; none: they get none. */
  eventPictures?: EventPictures | undefined;
  /** People who watch a camera. */
  viewers?: Pick<LiveStreams, 'tellViewers'>;
  /** Their files. */
  evidence?: ForwardParts['evidence'];
  points: QualifyFacts & ReduceFacts;
  log: EdgeLog;
  presence: Pick<EdgePresenceParts, 'version' | 'httpUrl' | 'httpKey' | 'commandKey' | 'clock' | 'unknownDevices'>;
  /** TLS of the uplink, and whoever watches over the identity. */
  security?: Pick<ForwardParts, 'tls' | 'onUplink'>;
  /** In place of the devices themselves: what a recording says. */
  replayHost?: DeviceHost | undefined;
  /** A payload of the command topic. */
  onCommand(payload: Uint8Array): void;
}

export function edgeLine(setup: EdgeSetup, parts: EdgeParts, world: World) {
  const host = parts.replayHost ?? read(parts.devices, world, () => keepStation.whenKept());
  const latest = keepLatestValues(world.clock);
  const inferStation = infer(parts.cameras, world, parts.latestPictures, parts.eventPictures, parts.viewers);
  const states = () => withDetectorFaults(host.states(), inferStation);
  const qualifyStation = qualify(setup, parts.points, world);
  const reduceStation = reduce(setup, parts.points, world);
  const keepStation = keep(parts.log, setup.centre, world);
  const { presence, security, onCommand, evidence } = parts;
  const forwardParts = { ...presence, ...security, devices: states, onCommand, ...(evidence && { evidence }) };
  const forwardStation = forward(setup, forwardParts, parts.log, world);
  const joined = line(world, [
    host,                 // frames of every device the host keeps open become samples, or a loss with its reason
    inferStation,         // camera frames become samples like any other (infer/line.ts)
    qualifyStation,       // scale, unit, quality, clock: a sample becomes an event
    latest,               // the newest value of each point, for commands
    judge(),              // local warnings, also when cut off; sees every event
    reduceStation,        // deadbands, heartbeats, windows; never hides the crossing of a limit
    keepStation,          // flushed to disk: from here on the edge owns them
    forwardStation,       // deleted by the gateway's ack alone
  ]);
  /** Goes on with other devices; those that did not change are not touched. */
  const update = (next: EdgeSetup, { devices, points }: Pick<EdgeParts, 'devices' | 'points'>, swap: () => void) =>
    host.update(devices, () => {
      swap();
      qualifyStation.update(next, points);
      reduceStation.update(next, points);
      latest.retain(next.devices);
    });
  /** Beside the line: an event of the edge's own, which nothing leaves out. */
  const record = (draft: Draft) => keepStation.take?.([draft], () => {});
  return {
    ...joined, host, latest, record, update, states,
    retarget: forwardStation.retarget, reconnect: forwardStation.reconnect, answer: forwardStation.answer,
    wake: () => forwardStation.wake(),
    wakeEvidence: () => forwardStation.wakeEvidence(), isKeeping: () => keepStation.isKeeping(), whenKept: () => keepStation.whenKept(),
    uplink: () => forwardStation.uplink(),
  };
}
