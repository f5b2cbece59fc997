/** A part of a picture as a picture of its own, and boxes found there as boxes of the whole. Pure. */
import type { Picture } from '../../../core/driver.ts';
import type { Box } from '../../../core/event.ts';

/** Fractions of the picture. */
export interface PictureArea {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PictureCrop {
  picture: Picture;
  /** From fractions of the part to fractions of the whole. */
  toWhole(box: Box): Box;
}

/** Cut at the edges of the picture, on even pixels, as planes of colour need it. Null when nothing is left of it. */
export function cropOf(picture: Picture, area: PictureArea): PictureCrop | null {
  const { width, height, yuv, aspect, index, ptsMs } = picture;
  const [left, right] = evenSpan(area.x, area.x + area.width, width);
  const [top, bottom] = evenSpan(area.y, area.y + area.height, height);
  const [wide, high] = [right - left, bottom - top];
  if (wide < 2 || high < 2) return null;
  const cut = new Uint8Array((wide * high * 3) / 2);
  copyPlane(yuv, 0, width, cut, 0, { left, top, wide, high });
  const half = { left: left / 2, top: top / 2, wide: wide / 2, high: high / 2 };
  const [from, to] = [width * height, wide * high];
  copyPlane(yuv, from, width / 2, cut, to, half);
  copyPlane(yuv, from + from / 4, width / 2, cut, to + to / 4, half);
  // Pixels of a part are as wide as those of the whole.
  const pixel = aspect === undefined ? 1 : (aspect * height) / width;
  return {
    picture: { index, ptsMs, width: wide, height: high, yuv: cut, ...(aspect !== undefined && { aspect: (wide / high) * pixel }) },
    toWhole: (box) => ({
      ...box,
      x: (left + box.x * wide) / width,
      y: (top + box.y * high) / height,
      width: (box.width * wide) / width,
      height: (box.height * high) / height,
    }),
  };
}

/** From and to in pixels, both even, within the side. */
export function evenSpan(from: number, to: number, side: number): [number, number] {
  const low = Math.max(0, 2 * Math.floor((from * side) / 2));
  const high = Math.min(side, 2 * Math.ceil((to * side) / 2));
  return [low, high];
}

function copyPlane(
  source: Uint8Array,
  from: number,
  stride: number,
  target: Uint8Array,
  to: number,
  { left, top, wide, high }: { left: number; top: number; wide: number; high: number },
): void {
  for (let row = 0; row < high; row += 1) {
    const at = from + (top + row) * stride + left;
    target.set(source.subarray(at, at + wide), to + row * wide);
  }
}
