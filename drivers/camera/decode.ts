/** A camera's frame is a picture already; what becomes of it is the detector's business. Pure. */
import { lost, type Decoded, type Picture } from '../../core/driver.ts';

/** @returns the picture, or CV_FRAME_INVALID, CV_FRAME_LENGTH; never a throw */
export function decode(frame: Picture): Decoded<'persons' | 'vehicles' | 'occupancy'> {
  const { width, height, rgb, index, ptsMs } = (frame ?? {}) as Partial<Picture>;
  if (!(rgb instanceof Uint8Array) || !isCount(width) || !isCount(height) || !Number.isInteger(index) || !Number.isFinite(ptsMs)) return lost('CV_FRAME_INVALID', 'no picture');
  if (rgb.length !== width * height * 3) return lost('CV_FRAME_LENGTH', `${rgb.length} bytes, ${width} × ${height} × 3 wanted`);
  return { ok: true, picture: frame };
}

function isCount(value: number | undefined): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
