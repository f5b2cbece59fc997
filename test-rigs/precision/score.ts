/** Boxes of a detector against those that somebody drew. Pure. */
import type { Box } from '../../core/event.ts';

/** x, y, width, height in fractions of the picture. */
export type LabelledBox = readonly [number, number, number, number];

export interface LabelledPicture {
  ms: number;
  persons: readonly LabelledBox[];
  /** Cars and vans; absent: not labelled. */
  vehicles?: readonly LabelledBox[];
  /** Of what more than half lies outside the picture: found or not, it does not count. */
  cut?: readonly LabelledBox[];
}

export interface Score {
  labelled: number;
  found: number;
  /** Of those found, how many are what they are said to be. */
  right: number;
}

/** Of the joint area of two boxes, so much must be shared for one to be the other. */
const SAME = 0.3;

/** The surest box first; each label is found once, so a second box on it is a false one. */
export function scorePictures(boxes: readonly Box[], labels: readonly LabelledBox[], cut: readonly LabelledBox[] = []): Score {
  const left = new Set(labels);
  let [found, right] = [0, 0];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    const at = rectOf(box);
    const best = [...left].map((label) => ({ label, share: overlap(label, at) })).toSorted((a, b) => b.share - a.share)[0];
    const isRight = best !== undefined && best.share >= SAME;
    if (isRight) left.delete(best.label);
    else if (cut.some((one) => overlap(one, at) > 0)) continue;
    found += 1;
    right += isRight ? 1 : 0;
  }
  return { labelled: labels.length, found, right };
}

export function sumScores(scores: readonly Score[]): Score {
  return scores.reduce(
    (all, { labelled, found, right }) => ({ labelled: all.labelled + labelled, found: all.found + found, right: all.right + right }),
    { labelled: 0, found: 0, right: 0 },
  );
}

/** Wilson's interval of 95 % for a share. */
export function within95(part: number, whole: number): [number, number] {
  if (whole === 0) return [0, 1];
  const z = 1.96;
  const share = part / whole;
  const middle = (share + z ** 2 / (2 * whole)) / (1 + z ** 2 / whole);
  const half = (z * Math.sqrt(share * (1 - share) / whole + z ** 2 / (4 * whole ** 2))) / (1 + z ** 2 / whole);
  return [middle - half, middle + half];
}

const rectOf = ({ x, y, width, height }: Box): LabelledBox => [x, y, width, height];

function overlap([ax, ay, aw, ah]: LabelledBox, [bx, by, bw, bh]: LabelledBox): number {
  const shared = Math.max(0, Math.min(ax + aw, bx + bw) - Math.max(ax, bx)) * Math.max(0, Math.min(ay + ah, by + bh) - Math.max(ay, by));
  return shared / (aw * ah + bw * bh - shared);
}
