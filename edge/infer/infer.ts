/** infer: a camera's pictures become samples like any other; everything else passes in its device's order. */
import type { Picture } from '../../core/driver.ts';
import { FaultError, faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import type { EmitItems, Station } from '../../core/line.ts';
import type { LossReason } from '../../core/losses.ts';
import type { ModelSpec } from '../../core/model.ts';
import type { Sample } from '../../core/sample.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { Detector } from '../../models/detector.ts';
import type { LiveStreams } from '../live-view/live-streams.ts';
import { countBoxes, countReadings } from './count.ts';
import { PictureWatch } from './diagnosis/watch.ts';
import { cropOf } from './evidence/crop.ts';
import type { Snapshots } from './evidence/snapshots.ts';
import type { LastPictures } from './last-picture.ts';
import { withNearer } from './nearer.ts';
import type { CameraSight, Seen } from './sight.ts';
import { isPicture, type DecodedItem, type PictureItem } from '../item.ts';

/** What is held for one camera: a picture in the detector, and what came after it. */
interface Lane {
  busy: boolean;
  waiting: Waiting[];
  fault: Fault | null;
  /** Looks in a row that failed. */
  failures: number;
}

type Waiting = { item: DecodedItem; release: () => void };
type WaitingPicture = Waiting & { item: PictureItem };

/** What the station has of a camera. */
export interface Camera {
  detector: Detector;
  sight: CameraSight;
  /** Of what it looks with, for people; none: its events get no pictures. */
  model?: Pick<ModelSpec, 'id' | 'version' | 'classes' | 'classesZh'>;
  /** What is wrong with its detector from the start; it has been told. */
  told?: Fault;
}

export interface InferStation extends Station<DecodedItem, Sample> {
  /** Why nobody can say what is in this camera's pictures; null: somebody can, as far as is known. */
  faultOf(device: string): Fault | null;
}

/** One picture may be lost to a process that died. */
const UNKNOWN_AFTER = 2;
const CLOSE_DEADLINE_MS = 1000;
/** How often cameras are asked for that have gone silent. */
const WATCH_EVERY_MS = 1000;

/**
 * @param cameras by device id; whoever opened their detectors closes them, after this station
 * @param pictures where the newest picture of each camera is kept for people; none: they are not kept
 * @param snapshots gives events their pictures
 * @param watchers people who watch a camera
 */
export function infer(cameras: ReadonlyMap<string, Camera>, world: World, pictures?: LastPictures, snapshots?: Pick<Snapshots, 'of'>, watchers?: Pick<LiveStreams, 'seen'>): InferStation {
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  const ending = new AbortController();
  const watch = new PictureWatch(world.clock);
  let watching: Timer | null = null;
  let closing = false;

  function take(items: readonly DecodedItem[], give: EmitItems<Sample>): void {
    // An edge without cameras hands on the very list.
    if (lanes.size === 0 && !items.some(isPicture)) return give(items as readonly Sample[]);
    const ready: Sample[] = [];
    for (const came of items) {
      const item = isPicture(came) ? came : withEnd(came);
      const lane = lanes.get(item.device);
      if (!isPicture(item) && !lane?.busy) ready.push(item);
      else enter(lane ?? newLane(item.device), item, give);
    }
    give(ready);
  }

  /** A clip that is over says so in place of a value that nobody knows. */
  function withEnd(sample: Sample): Sample {
    const sight = sample.isLast && sample.point === 'video' ? cameras.get(sample.device)?.sight : undefined;
    return (sight && watch.end(sample, sight)) ?? sample;
  }

  function newLane(device: string): Lane {
    const lane: Lane = { busy: false, waiting: [], fault: cameras.get(device)?.told ?? null, failures: 0 };
    lanes.set(device, lane);
    return lane;
  }

  /** At most one picture waits, the newest; those that must not be lost wait all, and their source waits for us. */
  function enter(lane: Lane, item: DecodedItem, give: EmitItems<Sample>): void {
    const release = isPicture(item) ? holdOf(item.picture) : undefined;
    if (isPicture(item)) {
      watching ??= everyMs(world.clock, WATCH_EVERY_MS, () => tellAll(watch.overdue((device) => cameras.get(device)?.sight), give));
      const sight = cameras.get(item.device)?.sight;
      sight?.cover(item.picture);
      const said = sight && watch.take(item, sight);
      if (said) tellAll([said], give);
      world.tell({ kind: 'samples_read', count: samplesIn(item), device: item.device });
      const older = lane.waiting.findIndex(({ item: waiting }) => isPicture(waiting) && !waiting.picture.hold);
      if (older >= 0 && !item.picture.hold) drop(lane.waiting.splice(older, 1), 'picture_late');
    }
    lane.waiting.push({ item, release: release ?? (() => {}) });
    if (!lane.busy) start(lane, give);
  }

  /** How many there are is known only now: states are told when they change. In turn with what their camera gave before. */
  function tellAll(samples: readonly Sample[], give: EmitItems<Sample>): void {
    for (const sample of samples) {
      world.tell({ kind: 'samples_read', count: 1, device: sample.device });
      const lane = lanes.get(sample.device);
      if (lane?.busy) lane.waiting.push({ item: sample, release: () => {} });
      else give([sample]);
    }
  }

  function start(lane: Lane, give: EmitItems<Sample>): void {
    const run = work(lane, give).finally(() => running.delete(run));
    running.add(run);
  }

  async function work(lane: Lane, give: EmitItems<Sample>): Promise<void> {
    lane.busy = true;
    for (let next = lane.waiting.shift(); next; next = lane.waiting.shift()) {
      if (!isPicture(next.item)) give([next.item]);
      else if (closing) lose(next.item, 'shutdown');
      else give(await look(lane, next as WaitingPicture));
      next.release();
    }
    lane.busy = false;
  }

  /** @param current a newer one may take its place while it waits for its turn */
  async function look(lane: Lane, current: WaitingPicture): Promise<Sample[]> {
    const { item, item: { device } } = current;
    const camera = cameras.get(device);
    try {
      if (!camera) throw new FaultError('CV_DETECTOR_CLOSED', { model: device });
      const held = camera.sight.held(item.picture);
      if (held) world.tell({ kind: 'picture_still', device });
      const seen = held ?? await detect(lane, camera, current);
      const { picture, at, clock = 'edge', observedAt, points } = current.item;
      // Where nothing moved the same is said again: the time has advanced, and somebody has looked.
      const counted = countBoxes(seen.boxes, seen.model, seen.frame);
      pictures?.remember(device, picture, at, counted.flatMap(({ evidence }) => evidence?.flatMap((one) => (one.kind === 'boxes' ? one.boxes : [])) ?? []));
      const readings = camera.sight.follow(seen, picture, at).filter(({ point }) => points[point]);
      const { sight: { tracks }, model } = camera;
      watchers?.seen({ device, picture, at, boxes: seen.boxes, tracks, readings, model });
      const shots = snapshots && model && (tracks.length > 0 || readings.length > 0) ? await snapshots.of({ device, picture, at, boxes: seen.boxes, tracks, model }, readings, ending.signal) : null;
      const followed = countReadings(readings, seen.model, picture.index, shots);
      // How many there are is known only now: states are told when they change.
      if (followed.length > 0) world.tell({ kind: 'samples_read', count: followed.length, device });
      return [...counted, ...followed].flatMap(({ point, value, evidence, ptsMs = picture.ptsMs }): Sample[] => {
        const unit = points[point]?.unit;
        return unit === undefined ? [] : [{ device, point, value, unit, at: at + ptsMs - picture.ptsMs, clock, observedAt, quality: 'good', flags: [], origin: 'live', ...(evidence && { evidence }) }];
      });
    } catch (error) {
      camera?.sight.failed();
      if (ending.signal.aborted || (camera && isClosed(error))) return lose(current.item, 'shutdown');
      const fault = faultOf(error, 'CV_MODEL_FAILED', { model: device });
      // Said once, not at every picture; each loss is counted.
      if (lane.fault?.code !== fault.code) {
        if (lane.fault) world.tell({ kind: 'fault_cleared', code: lane.fault.code, device });
        world.tell({ kind: 'fault', fault, device });
      }
      lane.fault = fault;
      lane.failures += 1;
      lose(current.item, 'model_failed');
      return lane.failures === UNKNOWN_AFTER ? unknown(current.item, fault) : [];
    }
  }

  async function detect(lane: Lane, { detector, sight }: Camera, current: WaitingPicture): Promise<Seen> {
    const { device } = current.item;
    const { boxes, durationMs } = await detector.detect(() => {
      const newer = lane.waiting[0];
      // Those that must not be lost have their turn each.
      if (newer && isPicture(newer.item) && !newer.item.picture.hold && !current.item.picture.hold) {
        lane.waiting.shift();
        drop([{ ...current }], 'picture_late');
        Object.assign(current, newer);
        sight.held(newer.item.picture);
      }
      return current.item.picture;
    }, ending.signal);
    const { picture } = current.item;
    const part = sight.nearer(boxes);
    const crop = part && cropOf(picture, part);
    const near = crop && await detector.detect(crop.picture, ending.signal);
    world.tell({ kind: 'inference', device, durationMs: durationMs + (near?.durationMs ?? 0) });
    if (lane.fault) world.tell({ kind: 'fault_cleared', code: lane.fault.code, device });
    Object.assign(lane, { fault: null, failures: 0 });
    return sight.looked(near ? withNearer(boxes, near.boxes.map(crop.back), part) : boxes, detector.model, picture.index);
  }

  /** Nobody knows any more what is in its pictures: what was said last does not hold, but for their quality. */
  function unknown({ device, at, clock = 'edge', observedAt, points }: PictureItem, { code }: Fault): Sample[] {
    const flag = (FAULTS[code] as FaultRow).flag ?? 'other';
    const samples = Object.entries(points).filter(([point]) => point !== 'video').map(([point, { unit }]): Sample => ({ device, point, value: null, unit, at, clock, observedAt, quality: 'bad', flags: [flag], origin: 'live' }));
    world.tell({ kind: 'samples_read', count: samples.length, device });
    return samples;
  }

  function drop(dropped: readonly Waiting[], reason: LossReason): void {
    for (const { item, release } of dropped) {
      if (isPicture(item)) lose(item, reason);
      release();
    }
  }

  function lose(item: PictureItem, reason: LossReason): Sample[] {
    if (reason === 'picture_late') item.picture.late?.();
    world.tell({ kind: 'samples_lost', count: samplesIn(item), reason, intended: false, device: item.device });
    return [];
  }

  return {
    name: 'infer',
    take,
    faultOf(device) {
      const lane = lanes.get(device);
      return lane ? lane.fault : cameras.get(device)?.told ?? null;
    },
    /** Lets the pictures in the detectors finish, for a second; those that wait are counted. */
    async close() {
      closing = true;
      watching?.cancel();
      const deadline = world.clock.after(CLOSE_DEADLINE_MS, () => ending.abort());
      await Promise.all(running);
      deadline.cancel();
    },
  };
}

/** Its detector has been closed: the edge ends, or looks with another one from now on. */
const isClosed = (error: unknown) => error instanceof FaultError && error.fault.code === 'CV_DETECTOR_CLOSED';

/** What keeps its memory, and its source where that loses nothing. */
function holdOf({ hold, keep }: Picture): () => void {
  const releases = [hold?.(), keep?.()];
  return () => {
    for (const release of releases) release?.();
  };
}

const POINTS = ['persons', 'vehicles', 'occupancy'];

/** How many samples a picture is worth, but for what zones and lines find in it. */
function samplesIn(item: PictureItem): number {
  return POINTS.filter((point) => item.points[point]).length;
}
