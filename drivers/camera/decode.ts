/** A camera's frame is a picture already; detection comes later in the pipeline. Pure. */
import { lostFrame, type Decoded, type Picture } from '../../core/driver.ts';
import { yuvByteCount, isValidSide } from './y4m.ts';

/** @returns the picture, or CV_FRAME_INVALID, CV_FRAME_LENGTH; never a throw */
export function decode(frame: Picture): Decoded<'persons' | 'vehicles' | 'occupancy'> {
  const { width, height, yuv, index, ptsMs } = (frame ?? {}) as Partial<Picture>;
  if (!(yuv instanceof Uint8Array) || !isValidSide(width) || !isValidSide(height) || !Number.isInteger(index) || !Number.isFinite(ptsMs))
    return lostFrame('CV_FRAME_INVALID', 'not a picture');
  if (yuv.length !== yuvByteCount({ width, height }))
    return lostFrame('CV_FRAME_LENGTH', `${yuv.length} bytes, ${width} × ${height} × 3/2 expected`);
  return { ok: true, picture: frame };
}

