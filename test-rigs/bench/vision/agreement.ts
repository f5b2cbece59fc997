/** How many boxes of one run are in another's. Pure. */
import type { Box } from '../../../core/event.ts';
import { overlap } from '../../../models/boxes.ts';

/** A box counts from here on; its partner may stand a little lower. */
const SURE = 0.3;
const SAME = 0.98;

/** @param one,other boxes by picture, down to a score somewhat below the one at which they count */
export function agreementOf(one: readonly (readonly Box[])[], other: readonly (readonly Box[])[]): { share: number; boxes: number } {
  let boxes = 0;
  let found = 0;
  for (const [from, to] of [[one, other], [other, one]] as const) {
    from.forEach((picture, index) => {
      for (const box of picture.filter(({ score }) => score >= SURE)) {
        boxes += 1;
        if (to[index]?.some((partner) => partner.class === box.class && overlap(box, partner) >= SAME)) found += 1;
      }
    });
  }
  return { share: found / boxes, boxes };
}
