/** Arithmetic on boxes in fractions of the picture. Pure. */
import type { Box } from '../../../core/event.ts';
import { overlap } from '../../../models/boxes.ts';

export type BoxRect = Pick<Box, 'x' | 'y' | 'width' | 'height'>;

export const boxRect = ({ x, y, width, height }: BoxRect): BoxRect => ({ x, y, width, height });

/** Shared over joint area of both boxes, each with a margin all around. @param margin in heights of the picture */
export function overlapWithMargin(a: BoxRect, b: BoxRect, aspect: number, margin: number): number {
  return overlap(widened(a, aspect, margin), widened(b, aspect, margin));
}

function widened({ x, y, width, height }: BoxRect, aspect: number, margin: number): Box {
  const side = margin / aspect;
  return { class: '', score: 0, x: x - side, y: y - margin, width: width + 2 * side, height: height + 2 * margin };
}
