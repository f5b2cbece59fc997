/**
 * Things that lie still: bags left behind, and what was there and is gone. By the detector's own boxes at their places and
 * not by tracks, since small things are seen in some pictures and not in others; and not by the difference from a
 * background, which would take every shadow and parked bicycle for a thing. Pure.
 */
import type { Box } from '../../../core/event.ts';
import { isInside } from '../../../scene/geometry.ts';
import { overlap } from '../../../models/boxes.ts';
import type { Track } from '../track/tracker.ts';
import { footPoint, type ZoneGeometry } from './geometry.ts';

export interface StaticObject {
  box: Box;
  sinceMs: number;
  seenMs: number;
  /** Since when nobody has been near. */
  unattendedSinceMs: number;
  /** Looks in which it was seen. */
  hits: number;
  /** Since when it has not been seen though nothing stood before it, and in how many looks; null while it is seen or hidden. */
  missing: { sinceMs: number; looks: number } | null;
}

/** The same place: the boxes share this much. */
const SAME_PLACE = 0.4;
/** Hidden: a box of somebody covers this share of it. */
const HIDDEN = 0.2;
/** Forgotten when it was gone for longer than this. */
const FORGOTTEN_AFTER_MS = 120_000;
/** One box is not a thing, and one look without it does not make it go. */
export const MIN_DETECTIONS = 3;

export interface ZoneInput {
  boxes: readonly Box[];
  lowScoreBoxes: readonly Box[];
  tracks: readonly Track[];
  ptsMs: number;
  aspect: number;
  /** Time that went by while nothing moved, so that nobody looked: boxes are those of the last look. 0: these are new. */
  heldMs: number;
}

/** @param near in heights of a person: who is nearer than this is with it */
export function updateStaticObjects(
  before: readonly StaticObject[],
  { boxes, lowScoreBoxes, tracks, ptsMs, aspect, heldMs }: ZoneInput,
  zone: ZoneGeometry,
  classes: ReadonlySet<string>,
  near: number,
): StaticObject[] {
  const isHere = (box: Box) => classes.has(box.class) && isInside(footPoint(box, aspect), zone.polygon);
  const looks = heldMs > 0 ? 0 : 1;
  const sure = boxes.filter(isHere);
  const here = [...sure, ...lowScoreBoxes.filter(isHere)];
  const taken = new Set<Box>();
  const others = tracks.filter((track) => track.seenMs === ptsMs && !classes.has(track.class));
  const things = before.flatMap((thing): StaticObject[] => {
    const again = here
      .filter((box) => !taken.has(box) && box.class === thing.box.class)
      .toSorted((a, b) => overlap(b, thing.box) - overlap(a, thing.box))[0];
    const company: Partial<StaticObject> = isNear(thing.box, others, near, aspect) ? { unattendedSinceMs: ptsMs } : {};
    if (again && overlap(again, thing.box) >= SAME_PLACE) {
      taken.add(again);
      return [{ ...thing, ...company, seenMs: ptsMs, hits: thing.hits + looks, missing: null }];
    }
    if (others.some(({ box }) => sharedShare(thing.box, box) >= HIDDEN)) return [{ ...thing, ...company, missing: null }];
    const { sinceMs, looks: before } = thing.missing ?? { sinceMs: ptsMs, looks: 0 };
    return ptsMs - sinceMs > FORGOTTEN_AFTER_MS ? [] : [{ ...thing, ...company, missing: { sinceMs, looks: before + looks } }];
  });
  const fresh = sure.filter((box) => !taken.has(box) && things.every((thing) => overlap(thing.box, box) < SAME_PLACE));
  return [
    ...things,
    ...fresh.map((box): StaticObject => ({ box, sinceMs: ptsMs, seenMs: ptsMs, unattendedSinceMs: ptsMs, hits: 1, missing: null })),
  ];
}

/** Whether it is gone, for so long. */
export function isObjectGone({ missing }: StaticObject, ptsMs: number, forMs: number): boolean {
  return missing !== null && missing.looks >= MIN_DETECTIONS && ptsMs - missing.sinceMs >= forMs;
}

/** Whether a look or two more will tell that it is a thing, or that it is gone. Of one that somebody stands before no look will. @param ptsMs of the last picture */
export function isObjectUnsettled({ hits, missing, seenMs }: StaticObject, ptsMs: number): boolean {
  return missing === null ? hits < MIN_DETECTIONS && seenMs === ptsMs : missing.looks < MIN_DETECTIONS;
}

/** A thing that moves with somebody is new at each place, so it never lies there for long. */
function isNear(thing: Box, others: readonly Track[], near: number, aspect: number): boolean {
  const [x, y] = footPoint(thing, aspect);
  return others.some(({ class: label, box }) => {
    const [px, py] = footPoint(box, aspect);
    return label === 'person' && Math.hypot(px - x, py - y) <= near * box.height;
  });
}

function sharedShare(a: Box, b: Pick<Box, 'x' | 'y' | 'width' | 'height'>): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? (width * height) / (a.width * a.height) : 0;
}
