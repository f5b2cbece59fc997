/** How much of each finding a picture shows. */
import type { PictureFinding } from '../../../scene/picture-findings.ts';

/** How much of it there is, 0 to 1; 0.5 is where it is called a fault, unless a camera's settings say otherwise. */
export type FindingScores = Readonly<Record<PictureFinding, number>>;

/** 0.5 at `limit`, 1 at twice of it. */
export function scoreAbove(value: number, limit: number): number {
  return Math.min(1, Math.max(0, value / (2 * limit)));
}

/** 0.5 at `limit`, 1 at nothing; 0 where nothing lies below it. */
export function scoreBelow(value: number, limit: number): number {
  if (limit <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - value / (2 * limit)));
}
