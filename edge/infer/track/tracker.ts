/**
 * Boxes of one picture after another become tracks: the same thing keeps its number, through pictures in which it is
 * hidden or hardly seen. Pure, deterministic, and on presentation time: nothing here counts pictures, but for the two that
 * it takes to believe that something is there.
 *
 * @see Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box, 2022, for the second look at
 *   weak boxes; the margins that grow with what is not known of a place are in the manner of Yang et al., C-BIoU, 2023
 */
import type { Box } from '../../../core/event.ts';
import { suppressOverlaps } from '../../../models/boxes.ts';
import { assignRows } from './assign.ts';
import { trackGroupOf } from './groups.ts';
import { overlapWithMargin, boxRect, type BoxRect } from './rects.ts';
import { predictMotion, initialMotion, motionRect, correctMotion, uncertainty, type Motion } from './motion.ts';

export interface TrackerInput {
  /** Presentation time. */
  ptsMs: number;
  /** What is believed to be there, best score first, fractions of the picture. */
  boxes: readonly Box[];
  /** What may be there: can only go on with a track. */
  lowScoreBoxes: readonly Box[];
  /** Width over height of what the picture shows. */
  aspect: number;
  /** Nobody looked, since nothing has moved: boxes are those of the last look. They prove nothing new, and nothing else is missed. */
  isHeld?: boolean;
}

export interface Track {
  id: number;
  group: string;
  /** The class that its boxes were given most, weighed by their scores. */
  class: string;
  votes: Readonly<Record<string, number>>;
  isConfirmed: boolean;
  /** Of the box in this picture, or the last one it had. */
  score: number;
  bornMs: number;
  /** When it had a box last; `ptsMs` of the look: it has one now. */
  seenMs: number;
  /** Looks in which it had one, and those since without. */
  hits: number;
  misses: number;
  motion: Motion;
  /** Where it is believed to be: fractions of the picture, not cut at its edges. */
  box: BoxRect;
}

export interface TrackerState {
  ptsMs: number;
  /** Between the last two looks. */
  stepMs: number;
  nextId: number;
  /** In the order of their numbers. */
  tracks: readonly Track[];
}

export const EMPTY_TRACKER: TrackerState = { ptsMs: 0, stepMs: 0, nextId: 1, tracks: [] };

/** Where pictures are rarer than what is remembered for so long, it is remembered up to the next one, and some more. */
export function trackRetentionMs(forMs: number, stepMs: number): number {
  return Math.max(forMs, STEPS_REMEMBERED * stepMs);
}

const STEPS_REMEMBERED = 1.5;

/** How long a thing is remembered that is not seen. */
export const MAX_HIDDEN_MS = 3000;
/** The same before it is believed at all; at low rates, up to the next picture. */
const UNSURE_FOR_MS = 600;
/** It is believed once it was seen twice at least, over at least this long. */
const CONFIRM_AFTER_MS = 240;
const CONFIRM_HITS = 2;
/** The least likeness of a sure box with a place, both with their margins, and of a weak one. */
const LEAST_SURE = 0.15;
const LEAST_WEAK = 0.35;
/** Seen lately: only then it is looked for by weak boxes, and where it was. */
const LATELY_MS = 1000;
/** So many looks without it, one after the other, are no accident. */
const GONE_AFTER_MISSES = 3;
/** Two labels on one thing: the boxes share more than this of their joint area. */
const MAX_TWINS = 0.5;

const isMissed = ({ misses }: Track) => misses > 0 && misses < GONE_AFTER_MISSES;

/** Believed to be there, and missed by too few looks to be gone. */
export function isTrackMissed(track: Track): boolean {
  return track.isConfirmed && isMissed(track);
}

/** Time that goes back, or stands still for ever, is another stream: its tracks begin anew, numbers go on. */
export function updateTracks(before: TrackerState, { ptsMs, boxes, lowScoreBoxes, aspect, isHeld = false }: TrackerInput): TrackerState {
  const isSameStream = ptsMs >= before.ptsMs;
  const passedMs = ptsMs - before.ptsMs;
  const isKept = ({ isConfirmed, seenMs }: Track) =>
    ptsMs - seenMs <= (isConfirmed || seenMs === before.ptsMs ? trackRetentionMs(MAX_HIDDEN_MS, before.stepMs) : UNSURE_FOR_MS);
  // What a look or two have missed is neither further away nor longer gone while nothing moves.
  const rests = (track: Track) => isHeld && isMissed(track);
  const known = (isSameStream ? before.tracks : [])
    .map((track) =>
      rests(track)
        ? { ...track, seenMs: track.seenMs + passedMs }
        : { ...track, motion: predictMotion(track.motion, passedMs / 1000, trackGroupOf(track.class).agility) },
    )
    .filter(isKept);
  const sure = new Set(boxes);
  const found = Map.groupBy([...boxes, ...lowScoreBoxes], (box) => trackGroupOf(box.class).id);
  const next: Track[] = [];
  let { nextId } = before;
  // In the order of the boxes, so that numbers do not hang on which group a class belongs to.
  const fresh: Box[] = [];
  for (const group of new Set([...known.map((track) => track.group), ...found.keys()])) {
    const tracks = known.filter((track) => track.group === group);
    const { pairs, left } = associate(
      tracks,
      suppressOverlaps(found.get(group) ?? [], MAX_TWINS),
      sure,
      aspect,
      ptsMs - trackRetentionMs(LATELY_MS, before.stepMs),
    );
    for (const track of tracks) {
      const box = pairs.get(track);
      next.push(
        box
          ? goOn(track, box, aspect, ptsMs, isHeld)
          : { ...track, misses: track.misses + (isHeld ? 0 : 1), box: motionRect(track.motion, aspect) },
      );
    }
    fresh.push(...left);
  }
  for (const box of fresh.toSorted((a, b) => b.score - a.score || a.x - b.x || a.y - b.y)) {
    next.push(begin(nextId, box, aspect, ptsMs));
    nextId += 1;
  }
  return { ptsMs, stepMs: isSameStream ? passedMs : 0, nextId, tracks: next.toSorted((a, b) => a.id - b.id) };
}

/**
 * Sure boxes first, to where tracks that are believed should be by now; then to where they were, for those that turned
 * around; the weak ones to what was seen lately; what is left of the sure to newcomers.
 *
 * @param latelyMs seen at this time or after is lately
 */
function associate(
  tracks: readonly Track[],
  boxes: readonly Box[],
  sure: ReadonlySet<Box>,
  aspect: number,
  latelyMs: number,
): { pairs: Map<Track, Box>; left: Box[] } {
  const pairs = new Map<Track, Box>();
  const match = (
    some: readonly Track[],
    these: readonly Box[],
    least: number,
    where = ({ motion }: Track) => motionRect(motion, aspect),
  ): Box[] => {
    const weights = some.map((track) =>
      these.map((box) => {
        const likeness = overlapWithMargin(where(track), box, aspect, uncertainty(track.motion));
        return likeness >= least ? likeness : 0;
      }),
    );
    const taken = new Set(
      assignRows(weights).map((column, row) => {
        const box = these[column];
        if (box) pairs.set(some[row] as Track, box);
        return box;
      }),
    );
    return these.filter((box) => !taken.has(box));
  };
  const lately = () => tracks.filter((track) => !pairs.has(track) && track.isConfirmed && track.seenMs >= latelyMs);
  const ahead = match(tracks.filter(({ isConfirmed }) => isConfirmed), boxes.filter((box) => sure.has(box)), LEAST_SURE);
  const behind = match(lately(), ahead, LEAST_SURE, (track) => track.box);
  match(lately(), boxes.filter((box) => !sure.has(box)), LEAST_WEAK);
  return { pairs, left: match(tracks.filter(({ isConfirmed }) => !isConfirmed), behind, LEAST_SURE) };
}

function goOn(track: Track, box: Box, aspect: number, ptsMs: number, isHeld: boolean): Track {
  const hits = track.hits + (isHeld ? 0 : 1);
  const votes = { ...track.votes, [box.class]: (track.votes[box.class] ?? 0) + box.score };
  const motion = correctMotion(track.motion, box, aspect);
  return {
    ...track, hits, misses: 0, votes, motion, class: mostVoted(votes), score: box.score, seenMs: ptsMs, box: motionRect(motion, aspect),
    isConfirmed: track.isConfirmed || (hits >= CONFIRM_HITS && ptsMs - track.bornMs >= CONFIRM_AFTER_MS),
  };
}

function begin(id: number, box: Box, aspect: number, ptsMs: number): Track {
  const group = trackGroupOf(box.class);
  return {
    id, group: group.id, class: box.class, votes: { [box.class]: box.score }, isConfirmed: false, score: box.score,
    bornMs: ptsMs, seenMs: ptsMs, hits: 1, misses: 0, motion: initialMotion(box, aspect, group.speed), box: boxRect(box),
  };
}

function mostVoted(votes: Readonly<Record<string, number>>): string {
  return Object.entries(votes).reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}
