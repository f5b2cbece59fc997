/** Who crossed a line, and which way. Each crossing once: one who sways on the line has not crossed it. Pure. */
import { distanceFromLine, doSegmentsMeet, type Point } from '../../../core/scene/geometry.ts';
import type { Track } from '../track/tracker.ts';
import { footOf, type LinePlan } from './plan.ts';

/** One thing and one line. */
export interface Passage {
  /** On which side it was last, clear of the line: 1 inside, -1 outside, 0 not known yet. */
  side: number;
  /** Where that was. */
  foot: Point;
  /** Crossings of one that is not believed yet: told once it is. */
  pending: readonly Crossing[];
}

export interface Crossing {
  way: 'in' | 'out';
  track: Track;
}

/** It must be this far from the line to have left it, in heights of the thing. */
const CLEAR = 0.05;

export function stepCrossings(before: ReadonlyMap<number, Passage>, tracks: readonly Track[], ptsMs: number, line: LinePlan, aspect: number): { passages: Map<number, Passage>; crossings: Crossing[] } {
  const passages = new Map<number, Passage>();
  const crossings: Crossing[] = [];
  for (const track of tracks) {
    let passage = before.get(track.id) ?? { side: 0, foot: footOf(track.box, aspect), pending: [] };
    if (track.seenMs === ptsMs) passage = moved(passage, track, line, aspect);
    if (track.isConfirmed && passage.pending.length > 0) {
      // What it is may have become clear meanwhile.
      if (line.classes.has(track.class)) crossings.push(...passage.pending);
      passage = { ...passage, pending: [] };
    }
    passages.set(track.id, passage);
  }
  return { passages, crossings };
}

function moved(passage: Passage, track: Track, { from, to, inner }: LinePlan, aspect: number): Passage {
  const foot = footOf(track.box, aspect);
  const distance = distanceFromLine(foot, from, to) * inner;
  if (Math.abs(distance) <= CLEAR * track.box.height) return passage;
  const side = Math.sign(distance);
  // Around the end of the line is no crossing.
  const hasCrossed = passage.side !== 0 && side !== passage.side && doSegmentsMeet(passage.foot, foot, from, to);
  return { side, foot, pending: hasCrossed ? [...passage.pending, { way: side > 0 ? 'in' : 'out', track }] : passage.pending };
}
