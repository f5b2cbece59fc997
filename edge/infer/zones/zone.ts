/** One zone, picture by picture: who and what is in it, and what each of its measures says. Pure. */
import type { Box } from '../../../core/event.ts';
import { isInside } from '../../../scene/geometry.ts';
import { classesOf, countPointOf } from '../../../scene/kinds.ts';
import { isWithin } from '../../../scene/schedule.ts';
import { trackRetentionMs, type Track } from '../track/tracker.ts';
import { rememberedMembers, updateMembers, visibleMembers, type ZoneMember } from './members.ts';
import { footPoint, type ZoneGeometry } from './geometry.ts';
import {
  isObjectGone,
  isObjectUnsettled,
  MIN_DETECTIONS,
  updateStaticObjects,
  type ZoneInput,
  type StaticObject,
} from './static-objects.ts';

export interface TimedZoneInput extends ZoneInput {
  /** ms UTC of the picture, for schedules. */
  at: number;
  /** Between the two looks before this one. */
  stepMs: number;
}

/** What a measure says at one picture. A state is told when it changes, an occurrence when it is above 0. */
export interface MeasureValue {
  point: string;
  value: number;
  kind: 'measurement' | 'state' | 'occurrence';
  /** What it rests on. */
  objects: readonly (Track | Box)[];
  /** Presentation time of an earlier picture in which it happened: it is sure only now. Left out: of this one. */
  ptsMs?: number;
}

export interface ZoneState {
  members: ReadonlyMap<number, ZoneMember>;
  crowd: number;
  abandoned: readonly StaticObject[];
  removed: readonly StaticObject[];
  /** By the point of `present`: since when its class is there, when it was there last, and whether it counts. */
  present: Readonly<Record<string, ClassPresence>>;
}

interface ClassPresence {
  sinceMs: number;
  lastMs: number;
  /** In how many looks it was there, and in how many since not. */
  looks: number;
  misses: number;
  isOn: boolean;
}

export const EMPTY_ZONE: ZoneState = { members: new Map(), crowd: 0, abandoned: [], removed: [], present: {} };

/** A crowd grade ends this share below the limit at which it began. */
const GRADE_BACK = 0.9;
/** A class that is not seen for this long is not there without a break. */
const BREAK_MS = 2000;
/** A thing that was left behind is gone when it was not to be seen for this long. */
const GONE_AFTER_MS = 5000;
/** Who waits must have been there for this long. */
const WAITS_AFTER_MS = 1000;

export function updateZone(before: ZoneState, look: TimedZoneInput, plan: ZoneGeometry): { state: ZoneState; readings: MeasureValue[] } {
  const { ptsMs, aspect, at } = look;
  const { settings, areaM2, metres } = plan;
  const { count = [], density, crowd, dwell, loitering, intrusion, wrongWay, queue, stopped, abandoned, removed } = settings;
  const members = updateMembers(before.members, look, plan);
  const state = { ...before, members };
  const readings: MeasureValue[] = [];
  const say = (measure: string, kind: MeasureValue['kind'], value: number, seen: readonly (ZoneMember | Box)[]) => {
    readings.push({ point: `${settings.id}.${measure}`, kind, value, objects: seen.map((one) => ('foot' in one ? one.track : one)) });
  };
  const number = (measure: string, kind: MeasureValue['kind'], some: readonly ZoneMember[]) => say(measure, kind, some.length, some);

  for (const kind of count) number(countPointOf(kind).point, 'measurement', visibleMembers(members, classesOf([kind]), ptsMs));
  if (density || crowd) {
    const people = visibleMembers(members, PEOPLE, ptsMs);
    const each = areaM2 ? people.length / areaM2 : 0;
    if (density) say('density', 'measurement', round(each, 3), people);
    if (crowd) {
      state.crowd = crowd.filter((limit, grade) => each >= (grade < before.crowd ? limit * GRADE_BACK : limit)).length;
      say('crowd', 'state', state.crowd, people);
    }
  }
  if (dwell) {
    const [longest] = visibleMembers(members, classesOf(dwell.of), ptsMs).toSorted((a, b) => a.enteredMs - b.enteredMs);
    say('dwell', 'measurement', longest ? round((ptsMs - longest.enteredMs) / 1000, 1) : 0, longest ? [longest] : []);
  }
  if (loitering)
    number(
      'loitering',
      'state',
      rememberedMembers(members, classesOf(loitering.of)).filter(({ enteredMs, lastMs }) => lastMs - enteredMs >= loitering.after),
    );
  if (intrusion) {
    const isForbidden = isWithin(intrusion.schedule, at, plan.timeZone);
    number(
      'intrusion',
      'state',
      isForbidden
        ? rememberedMembers(members, classesOf(intrusion.of)).filter(({ enteredMs, lastMs }) => lastMs - enteredMs >= intrusion.after)
        : [],
    );
  }
  if (wrongWay) number('wrong-way', 'occurrence', goWrong(members, wrongWay, aspect));
  if (queue) {
    const waiting = visibleMembers(members, classesOf(queue.of), ptsMs).filter(
      ({ isSlow, enteredMs }) => isSlow && ptsMs - enteredMs >= WAITS_AFTER_MS,
    );
    number('queue', 'measurement', waiting);
    if (metres) say('queue-length', 'measurement', round(lengthOf(waiting, metres), 1), waiting);
  }
  if (stopped)
    number(
      'stopped',
      'state',
      rememberedMembers(members, classesOf(stopped.of)).filter(({ stationary, lastMs }) => lastMs - stationary.sinceMs >= stopped.after),
    );
  if (abandoned) {
    state.abandoned = updateStaticObjects(before.abandoned, look, plan, classesOf(abandoned.of), abandoned.near);
    const left = state.abandoned.filter(
      (thing) =>
        thing.hits >= MIN_DETECTIONS &&
        ptsMs - Math.max(thing.sinceMs, thing.unattendedSinceMs) >= abandoned.after &&
        !isObjectGone(thing, ptsMs, GONE_AFTER_MS),
    );
    say(
      'abandoned',
      'state',
      left.length,
      left.map(({ box }) => box),
    );
  }
  if (removed) {
    const things = updateStaticObjects(before.removed, look, plan, classesOf(removed.of), 0);
    const taken = things.filter(
      (thing) => thing.hits >= MIN_DETECTIONS && thing.seenMs - thing.sinceMs >= removed.known && isObjectGone(thing, ptsMs, removed.after),
    );
    state.removed = things.filter((thing) => !taken.includes(thing));
    say('removed', 'occurrence', taken.length, taken.map(({ box }) => box));
  }
  for (const one of settings.present) {
    const { presence, boxes } = stepPresence(before.present[one.id], one, look, plan);
    state.present = { ...state.present, [one.id]: presence };
    say(one.id, 'state', presence.isOn ? 1 : 0, boxes);
  }
  return { state, readings };
}

const PEOPLE = classesOf(['person']);

/** Marks those it gives, so that each is told once. */
function goWrong(
  members: Map<number, ZoneMember>,
  { of, from, to, distance }: NonNullable<ZoneGeometry['settings']['wrongWay']>,
  aspect: number,
): ZoneMember[] {
  const [across, down] = [(to[0] - from[0]) * aspect, to[1] - from[1]];
  const length = Math.hypot(across, down);
  const classes = classesOf(of);
  const wrong: ZoneMember[] = [];
  for (const [id, member] of members) {
    const { foot, track } = member;
    const come = (foot[0] * across + foot[1] * down) / length;
    const furthest = Math.max(member.furthest, come);
    const isWrong = !member.isReported && track.isConfirmed && classes.has(track.class) && furthest - come > distance * track.box.height;
    const after: ZoneMember = { ...member, furthest, isReported: member.isReported || isWrong };
    members.set(id, after);
    if (isWrong) wrong.push(after);
  }
  return wrong;
}

/** From the first to the last who waits, over the ground. */
function lengthOf(waiting: readonly ZoneMember[], metres: NonNullable<ZoneGeometry['metres']>): number {
  return Math.max(0, ...waiting.flatMap((one, at) => waiting.slice(at + 1).map((other) => metres(one.foot, other.foot) ?? 0)));
}

function stepPresence(
  before: ClassPresence | undefined,
  { of, after, off }: ZoneGeometry['settings']['present'][number],
  { boxes, ptsMs, aspect, heldMs, stepMs }: TimedZoneInput,
  { polygon }: ZoneGeometry,
): { presence: ClassPresence; boxes: Box[] } {
  const classes = classesOf(of);
  const isHere = (box: Box) =>
    isInside(footPoint(box, aspect), polygon) || isInside([(box.x + box.width / 2) * aspect, box.y + box.height / 2], polygon);
  const here = boxes.filter((box) => classes.has(box.class) && isHere(box));
  const known = before ?? { sinceMs: ptsMs, lastMs: -Infinity, looks: 0, misses: 0, isOn: false };
  const aLook = heldMs > 0 ? 0 : 1;
  if (here.length === 0) {
    const misses = known.misses + aLook;
    // One look without it, and then nothing moves: it will be there still.
    const lastMs = known.lastMs + (misses < MIN_DETECTIONS ? heldMs : 0);
    return { presence: { ...known, misses, lastMs, isOn: known.isOn && ptsMs - lastMs < off }, boxes: [] };
  }
  const isNew = ptsMs - known.lastMs > trackRetentionMs(BREAK_MS, stepMs) && !known.isOn;
  const sinceMs = isNew ? ptsMs : known.sinceMs;
  const looks = (isNew ? 0 : known.looks) + aLook;
  return {
    presence: { sinceMs, lastMs: ptsMs, looks, misses: 0, isOn: known.isOn || (looks >= MIN_DETECTIONS && ptsMs - sinceMs >= after) },
    boxes: here,
  };
}

/** Whether a look or two more will tell what is there, or that it is gone. @param ptsMs of the last picture */
export function isZoneUnsettled({ abandoned, removed, present }: ZoneState, ptsMs: number): boolean {
  return (
    [...abandoned, ...removed].some((thing) => isObjectUnsettled(thing, ptsMs)) ||
    Object.values(present).some(({ isOn, looks, misses }) =>
      isOn ? misses > 0 && misses < MIN_DETECTIONS : looks > 0 && looks < MIN_DETECTIONS && misses === 0,
    )
  );
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
