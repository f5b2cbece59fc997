/**
 * Another look from nearer: something small moves where nothing was found, so the detector is shown the part of the picture
 * around it, larger than it was in the whole. Pure.
 */
import type { Box } from '../../../core/event.ts';
import { distinctByClass, overlap } from '../../../models/boxes.ts';
import type { PictureArea } from '../evidence/crop.ts';

/** Room around what moves, of its size; and the least side of the part, of the picture's: something is told by its surroundings. */
const ROOM = 0.25;
const LEAST_SIDE = 0.4;
/** A part larger than this share of the picture shows nothing larger. */
const MOST_SHARE = 0.5;
/** Two boxes of one class that share more than this are one thing. */
const SAME = 0.5;
/** What the edge of the part cuts, this near to it, is not all to be seen. */
const CUT = 0.01;

/** @param moved around what moves; null: nothing does, or all. @param sure what was found in the whole picture. @returns the part; null: no other look is worth it */
export function secondLookArea(moved: PictureArea | null, sure: readonly Box[]): PictureArea | null {
  if (!moved || sure.some((box) => overlap(box, { ...moved, class: '', score: 0 }) > 0)) return null;
  const [x, width] = span(moved.x, moved.width);
  const [y, height] = span(moved.y, moved.height);
  return width * height <= MOST_SHARE ? { x, y, width, height } : null;
}

function span(from: number, length: number): [from: number, length: number] {
  const wanted = Math.min(1, Math.max(LEAST_SIDE, length * (1 + 2 * ROOM)));
  return [Math.min(1 - wanted, Math.max(0, from + length / 2 - wanted / 2)), wanted];
}

/** @param near found in the part, as fractions of the picture. @returns best score first */
export function mergeSecondLook(whole: readonly Box[], near: readonly Box[], { x, y, width, height }: PictureArea): Box[] {
  const isCut = (box: Box) => (x > 0 && box.x < x + CUT) || (y > 0 && box.y < y + CUT)
    || (x + width < 1 && box.x + box.width > x + width - CUT) || (y + height < 1 && box.y + box.height > y + height - CUT);
  return distinctByClass([...whole, ...near.filter((box) => !isCut(box))].toSorted((a, b) => b.score - a.score), SAME);
}
