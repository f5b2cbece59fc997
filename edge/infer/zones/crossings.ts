/** Who crossed a line, and which way. Each crossing once: one who sways on the line has not crossed it. Pure. */
import { distanceFromLine, segmentsIntersect, type PicturePoint } from '../../../scene/geometry.ts';
import type { Track } from '../track/tracker.ts';
import { footPoint, type LineGeometry } from './geometry.ts';

/** One thing and one line. */
export interface LinePassage {
  /** On which side it is: 1 inside, -1 outside, 0 not known yet. */
  side: number;
  /** Whether it has been well away from the line on that side: then it crosses as soon as it is beyond it. */
  wasAway: boolean;
  /** Where it was on that side last. */
  foot: PicturePoint;
  /** Since when it has been over the line without being clear of it; null: it is not. */
  overMs: number | null;
  /** Crossings of one that is not believed yet: told once it is. */
  pending: readonly LineCrossing[];
}

export interface LineCrossing {
  way: 'in' | 'out';
  track: Track;
  /** Of the first picture in which it was over the line, for good. */
  ptsMs: number;
}

/** Beyond the line, and well away from it, in heights of the thing: who only sways on it is never well away. */
const BEYOND = 0.03;
const AWAY = 0.15;

export function updateCrossings(
  before: ReadonlyMap<number, LinePassage>,
  tracks: readonly Track[],
  ptsMs: number,
  line: LineGeometry,
  aspect: number,
): { passages: Map<number, LinePassage>; crossings: LineCrossing[] } {
  const passages = new Map<number, LinePassage>();
  const crossings: LineCrossing[] = [];
  for (const track of tracks) {
    let passage = before.get(track.id) ?? { side: 0, wasAway: false, foot: footPoint(track.box, aspect), overMs: null, pending: [] };
    if (track.seenMs === ptsMs) passage = moved(passage, track, ptsMs, line, aspect);
    if (track.isConfirmed && passage.pending.length > 0) {
      // What it is may have become clear meanwhile.
      if (line.classes.has(track.class)) crossings.push(...passage.pending);
      passage = { ...passage, pending: [] };
    }
    passages.set(track.id, passage);
  }
  return { passages, crossings };
}

function moved(passage: LinePassage, track: Track, ptsMs: number, { from, to, inner }: LineGeometry, aspect: number): LinePassage {
  const { side, wasAway, pending } = passage;
  const foot = footPoint(track.box, aspect);
  const distance = distanceFromLine(foot, from, to) * inner;
  const clear = Math.abs(distance) / track.box.height;
  const now = Math.sign(distance);
  if (now === side) return { ...passage, foot, overMs: null, wasAway: wasAway || clear > AWAY };
  const overMs = passage.overMs ?? ptsMs;
  if (clear <= (side === 0 || wasAway ? BEYOND : AWAY)) return { ...passage, overMs };
  // Around the end of the line is no crossing.
  const hasCrossed = side !== 0 && segmentsIntersect(passage.foot, foot, from, to);
  return {
    side: now,
    wasAway: clear > AWAY,
    foot,
    overMs: null,
    pending: hasCrossed ? [...pending, { way: now > 0 ? 'in' : 'out', track, ptsMs: overMs }] : pending,
  };
}
