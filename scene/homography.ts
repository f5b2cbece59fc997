/** From the picture to the ground: four points whose places on the ground are known fix the whole plane. Pure. */
import type { PicturePoint } from './geometry.ts';

export interface PointPairs {
  /** Fractions of the picture. */
  picture: readonly PicturePoint[];
  /** Metres on the ground, in any system with right angles. */
  ground: readonly PicturePoint[];
}

/** Rows of the 3 × 3 matrix; the last entry is 1. */
export type Homography = readonly number[];

/** @returns null when three of the four points lie on one line, so that the plane is not fixed */
export function homographyOf({ picture, ground }: PointPairs): Homography | null {
  const rows = picture.flatMap(([x, y], at) => {
    const [east, north] = ground[at] as PicturePoint;
    return [[x, y, 1, 0, 0, 0, -east * x, -east * y, east], [0, 0, 0, x, y, 1, -north * x, -north * y, north]];
  });
  const solved = solve(rows);
  return solved && [...solved, 1];
}

/** Metres; null for a point at the horizon or above it, which is nowhere on the ground. @param reference a point that is on the ground */
export function toGround(h: Homography, [x, y]: PicturePoint, reference: PicturePoint): PicturePoint | null {
  const depth = ([px, py]: PicturePoint) => (h[6] as number) * px + (h[7] as number) * py + (h[8] as number);
  const w = depth([x, y]);
  if (w * depth(reference) < 1e-9) return null;
  return [
    ((h[0] as number) * x + (h[1] as number) * y + (h[2] as number)) / w,
    ((h[3] as number) * x + (h[4] as number) * y + (h[5] as number)) / w,
  ];
}

/** Gauss with the greatest pivot; rows are n × (n + 1). */
function solve(given: readonly (readonly number[])[]): number[] | null {
  const rows = given.map((row) => [...row]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const [pivot, ...rest] = rows.slice(column).toSorted((a, b) => Math.abs(b[column] as number) - Math.abs(a[column] as number)) as [
      number[],
      ...number[][],
    ];
    const lead = pivot[column] as number;
    if (Math.abs(lead) < 1e-9) return null;
    rows.splice(
      column,
      size,
      pivot,
      ...rest.map((row) => row.map((value, at) => value - ((row[column] as number) / lead) * (pivot[at] as number))),
    );
  }
  const solved = Array.from({ length: size }, () => 0);
  for (let row = size - 1; row >= 0; row -= 1) {
    const line = rows[row] as number[];
    const known = line.slice(row + 1, size).reduce((sum, value, at) => sum + value * (solved[row + 1 + at] as number), 0);
    solved[row] = ((line[size] as number) - known) / (line[row] as number);
  }
  return solved;
}
