/** Arithmetic on boxes, pure. Boxes are fractions of the picture, from its upper left corner. */
import type { Box } from '../core/event.ts';

/** Shared area over joint area, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/**
 * Leaves out boxes that overlap a better one (non-maximum suppression).
 * @param boxes best score first, as the result
 * @param maxOverlap 0 to 1; above it the worse box goes
 */
export function suppressOverlaps(boxes: readonly Box[], maxOverlap: number): Box[] {
  const kept: Box[] = [];
  for (const box of boxes) {
    if (kept.every((better) => overlap(better, box) <= maxOverlap)) kept.push(box);
  }
  return kept;
}

/** The same within each class: a person in front of a car leaves the car standing. */
export function suppressOverlapsByClass(boxes: readonly Box[], maxOverlap: number): Box[] {
  const kept: Box[] = [];
  for (const box of boxes) {
    if (kept.every((better) => better.class !== box.class || overlap(better, box) <= maxOverlap)) kept.push(box);
  }
  return kept;
}

/** The share of the picture that at least one box covers, 0 to 1. */
export function coveredShare(boxes: readonly Box[]): number {
  const edges = [...new Set(boxes.flatMap((box) => [box.x, box.x + box.width]))].toSorted((a, b) => a - b);
  let area = 0;
  for (let at = 1; at < edges.length; at += 1) {
    const [from, to] = [edges[at - 1] as number, edges[at] as number];
    const strip = boxes.filter((box) => box.x <= from && box.x + box.width >= to).toSorted((a, b) => a.y - b.y);
    let covered = 0;
    let reached = 0;
    for (const { y, height } of strip) {
      covered += Math.max(0, y + height - Math.max(y, reached));
      reached = Math.max(reached, y + height);
    }
    area += covered * (to - from);
  }
  return Math.min(1, area);
}
