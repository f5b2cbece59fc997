/** The newest picture of each camera with its boxes, for people: encoded only when somebody asks. */
import type { PictureView } from '../../core/api.ts';
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import { rgbOf } from '../../models/colours.ts';

const MAX_WIDTH = 640;
const JPEG_QUALITY = 70;

export interface LastPictures {
  /** Takes the place of the camera's picture before. @param at ms UTC when it was taken */
  remember(device: string, picture: Picture, at: number, boxes: readonly Box[]): void;
  /** A JPEG in its right proportion, at most 640 pixels wide; null when the camera has given none yet. */
  get(device: string): Promise<PictureView | null>;
}

export function openLastPictures(): LastPictures {
  const newest = new Map<string, { picture: Picture; at: number; boxes: readonly Box[]; view?: Promise<PictureView> }>();
  return {
    remember: (device, picture, at, boxes) => { newest.set(device, { picture, at, boxes }); },
    async get(device) {
      const last = newest.get(device);
      if (!last) return null;
      // Many who ask at once share one encoding.
      last.view ??= encode(last.picture).then((image) => ({ device, at: last.at, index: last.picture.index, ...image, boxes: [...last.boxes] }));
      return last.view;
    },
  };
}

async function encode(picture: Picture): Promise<Pick<PictureView, 'width' | 'height' | 'jpegBase64'>> {
  const { width, height, aspect = width / height } = picture;
  // sharp is heavy: an edge whose pictures nobody looks at never loads it.
  const { default: sharp } = await import('sharp');
  const shownWidth = Math.max(1, Math.min(MAX_WIDTH, Math.round(height * aspect)));
  const shownHeight = Math.max(1, Math.round(shownWidth / aspect));
  const jpeg = await sharp(rgbOf(picture), { raw: { width, height, channels: 3 } }).resize(shownWidth, shownHeight, { fit: 'fill' }).jpeg({ quality: JPEG_QUALITY }).toBuffer();
  return { width: shownWidth, height: shownHeight, jpegBase64: jpeg.toString('base64') };
}
