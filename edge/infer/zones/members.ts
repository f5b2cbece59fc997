/** Who is in a zone, since when, and how it moves there. Somebody at its edge does not go in and out. Pure. */
import { distanceToEdge, isInside, type PicturePoint } from '../../../scene/geometry.ts';
import type { Track } from '../track/tracker.ts';
import { footPoint, type ZoneGeometry } from './geometry.ts';
import type { ZoneInput } from './static-objects.ts';

export interface ZoneMember {
  track: Track;
  enteredMs: number;
  /** When it was seen in the zone last. */
  lastMs: number;
  foot: PicturePoint;
  /** Where it has been standing, and since when. */
  stationary: { at: PicturePoint; sinceMs: number };
  /** Whether it moves so slowly that it waits. */
  isSlow: boolean;
  /** How far it had come on the allowed way, and whether it was told that it went back. */
  furthest: number;
  isReported: boolean;
}

/** Leaving takes this much more than entering, in heights of the thing. */
const EDGE_MARGIN = 0.05;
/** Not seen for longer than this, it is not counted; it is remembered as long as its track is. */
const COUNTED_FOR_MS = 1000;
/** Standing still is staying within this, in heights of the thing. */
const STANDS_WITHIN = 0.25;
/** To be on its way again it must be this much faster than what counts as slow. */
const FASTER = 1.5;

export function updateMembers(
  before: ReadonlyMap<number, ZoneMember>,
  { tracks, ptsMs, aspect }: Pick<ZoneInput, 'tracks' | 'ptsMs' | 'aspect'>,
  { polygon, settings }: ZoneGeometry,
): Map<number, ZoneMember> {
  const after = new Map<number, ZoneMember>();
  for (const track of tracks) {
    const known = before.get(track.id);
    if (track.seenMs !== ptsMs) {
      // Time in which nobody looked makes nobody longer gone: the tracker knows.
      if (known) after.set(track.id, { ...known, track, lastMs: known.lastMs + track.seenMs - known.track.seenMs });
      continue;
    }
    const foot = footPoint(track.box, aspect);
    const isIn = isInside(foot, polygon) || (known !== undefined && distanceToEdge(foot, polygon) <= EDGE_MARGIN * track.box.height);
    if (isIn) after.set(track.id, seenInside(known, track, foot, ptsMs, settings.queue?.slower ?? 0));
  }
  return after;
}

function seenInside(known: ZoneMember | undefined, track: Track, foot: PicturePoint, ptsMs: number, slower: number): ZoneMember {
  const { across, down, height } = track.motion;
  const speed = Math.hypot(across.speed, down.speed) / Math.max(height.position, 1e-3);
  const isSlow = speed < (known?.isSlow ? slower * FASTER : slower);
  if (!known)
    return {
      track,
      enteredMs: ptsMs,
      lastMs: ptsMs,
      foot,
      stationary: { at: foot, sinceMs: ptsMs },
      isSlow,
      furthest: -Infinity,
      isReported: false,
    };
  const { at } = known.stationary;
  const hasMoved = Math.hypot(foot[0] - at[0], foot[1] - at[1]) > STANDS_WITHIN * track.box.height;
  return { ...known, track, lastMs: ptsMs, foot, isSlow, stationary: hasMoved ? { at: foot, sinceMs: ptsMs } : known.stationary };
}

/** Believed, of these classes, and remembered. */
export function rememberedMembers(members: ReadonlyMap<number, ZoneMember>, classes: ReadonlySet<string>): ZoneMember[] {
  return [...members.values()].filter(({ track }) => track.isConfirmed && classes.has(track.class));
}

/** The same, and seen there just now. */
export function visibleMembers(members: ReadonlyMap<number, ZoneMember>, classes: ReadonlySet<string>, ptsMs: number): ZoneMember[] {
  return rememberedMembers(members, classes).filter(({ lastMs }) => ptsMs - lastMs <= COUNTED_FOR_MS);
}
