/**
 * Makes what nobody may recognise unrecognisable: its place and a generous margin become one colour, their mean. Nothing can
 * be brought back from that, and no detector of faces finds one in it, as some do in a mosaic (docs/decisions/0031). Pure.
 */
import type { Planes } from '../../../core/driver.ts';
import { evenSpan, type PictureArea } from './crop.ts';

/** Of the longer side of the place, on each side: hair, chin and ears tell who somebody is, too. */
const MARGIN = 0.4;

/** A copy of the picture; it alone may go on. */
export function redact<P extends Planes>(picture: P, places: readonly PictureArea[]): P {
  const yuv = new Uint8Array(picture.yuv);
  const { width, height } = picture;
  const luma = width * height;
  for (const place of places) {
    const margin = MARGIN * Math.max(place.width * width, place.height * height);
    const [left, right] = evenSpan(place.x - margin / width, place.x + place.width + margin / width, width);
    const [top, bottom] = evenSpan(place.y - margin / height, place.y + place.height + margin / height, height);
    if (right <= left || bottom <= top) continue;
    flatten(yuv, 0, width, left, top, right, bottom);
    for (const from of [luma, luma + luma / 4]) flatten(yuv, from, width / 2, left / 2, top / 2, right / 2, bottom / 2);
  }
  return { ...picture, yuv };
}

function flatten(plane: Uint8Array, from: number, stride: number, left: number, top: number, right: number, bottom: number): void {
  let sum = 0;
  for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) sum += plane[from + y * stride + x] as number;
  const mean = Math.round(sum / ((right - left) * (bottom - top)));
  for (let y = top; y < bottom; y += 1) plane.fill(mean, from + y * stride + left, from + y * stride + right);
}
