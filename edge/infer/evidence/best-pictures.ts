/**
 * The best picture of each thing that is followed: large, sharp, and sure. Of the last seconds only, and a handful of
 * pictures at most, whatever goes by. Pure but for what it remembers.
 */
import type { Picture } from '../../../core/driver.ts';
import type { Box } from '../../../core/event.ts';

/** Somebody in a picture; `track` is absent for what is not followed. */
export interface BoxedPicture {
  picture: Picture;
  /** ms UTC. */
  at: number;
  boxes: readonly Box[];
}

interface Candidate extends BoxedPicture {
  /** By track: how good this picture of it is. */
  worth: ReadonlyMap<number, number>;
  release: (() => void) | undefined;
}

/** Presentation time that a picture may lie back: what it shows must still be what the event says. */
const WINDOW_MS = 3000;
const MAX_PICTURES = 4;
/** Places along each side of a box at which it is asked how much luma changes. */
const GRID = 32;
/** What the edge of the picture cuts is not all to be seen. */
const CUT = 0.4;
const EDGE = 0.003;

export class BestPictures {
  #candidates: Candidate[] = [];

  offer(sighting: BoxedPicture): void {
    const { picture, boxes } = sighting;
    const worth = new Map(
      boxes.flatMap((box): [number, number][] => (box.track === undefined ? [] : [[box.track, worthOf(picture, box)]])),
    );
    const recent = this.#candidates.filter(({ picture: { ptsMs } }) => ptsMs <= picture.ptsMs && picture.ptsMs - ptsMs <= WINDOW_MS);
    const all = [...recent, { ...sighting, worth, release: picture.keep?.() }];
    // Kept are those that no later one beats for somebody they show: each may be the best once older ones are past.
    const unbeaten = all.filter(({ worth: own }, at) =>
      [...own].some(([track, value]) => all.slice(at + 1).every(({ worth: later }) => (later.get(track) ?? -1) < value)),
    );
    const kept = new Set(unbeaten.toSorted((a, b) => greatest(b) - greatest(a)).slice(0, MAX_PICTURES));
    for (const one of new Set([...this.#candidates, ...all])) if (!kept.has(one)) one.release?.();
    this.#candidates = unbeaten.filter((one) => kept.has(one));
  }

  clear(): void {
    for (const { release } of this.#candidates) release?.();
    this.#candidates = [];
  }

  /** Null where nothing of them is remembered. */
  bestFor(tracks: readonly number[]): BoxedPicture | null {
    for (const track of tracks) {
      const found = bestOf(this.#candidates, track);
      if (found?.worth.has(track)) return found;
    }
    return null;
  }
}

function bestOf(candidates: readonly Candidate[], track: number): Candidate | undefined {
  return candidates.toSorted((a, b) => (b.worth.get(track) ?? -1) - (a.worth.get(track) ?? -1))[0];
}

const greatest = ({ worth }: Candidate) => Math.max(0, ...worth.values());

function worthOf(picture: Picture, box: Box): number {
  const isCut = box.x < EDGE || box.y < EDGE || box.x + box.width > 1 - EDGE || box.y + box.height > 1 - EDGE;
  return box.width * box.height * box.score * steepness(picture, box) * (isCut ? CUT : 1);
}

/** Mean change of luma from one pixel to the next across the box: a blurred thing has little of it. */
function steepness({ width, height, yuv }: Picture, box: Box): number {
  let sum = 0;
  for (let down = 0; down < GRID; down += 1) {
    const row = Math.min(height - 1, Math.floor((box.y + (box.height * (down + 0.5)) / GRID) * height)) * width;
    for (let across = 0; across < GRID; across += 1) {
      const at = row + Math.min(width - 2, Math.floor((box.x + (box.width * (across + 0.5)) / GRID) * width));
      sum += Math.abs((yuv[at + 1] as number) - (yuv[at] as number));
    }
  }
  return 1 + sum / (GRID * GRID);
}
