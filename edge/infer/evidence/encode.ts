/** Pictures as files: JPEG or WebP, no wider and no larger than what was asked, with what they show written inside. */
import { createHash } from 'node:crypto';
import type { Picture } from '../../../core/driver.ts';
import { i420ToRgb } from '../../../models/colours.ts';

export interface PictureEncoding {
  format: 'jpeg' | 'webp';
  maxWidth: number;
  maxBytes: number;
  /** Drawn over it: an SVG of the given size in pixels. */
  overlay?: ((width: number, height: number) => string) | undefined;
  /** EXIF fields of the picture itself, and an XMP packet. */
  exif?: Record<string, string>;
  xmp?: string;
}

export interface EncodedPicture {
  bytes: Uint8Array;
  mime: 'image/jpeg' | 'image/webp';
  width: number;
  height: number;
  sha256: string;
}

/** Tried in turn until the file is small enough; after the last one it gets smaller. */
const QUALITIES = [80, 65, 50, 35];
const SMALLER = 0.7;
const LEAST_WIDTH = 160;

export async function encodePicture(picture: Picture, options: PictureEncoding): Promise<EncodedPicture> {
  const { width: columns, height: rows, aspect = columns / rows } = picture;
  // sharp is heavy: an edge whose pictures nobody wants never loads it.
  const { default: sharp } = await import('sharp');
  const rgb = i420ToRgb(picture);
  let width = Math.max(1, Math.min(options.maxWidth, Math.round(rows * aspect)));
  for (;;) {
    const height = Math.max(1, Math.round(width / aspect));
    const sized = await sharp(rgb, { raw: { width: columns, height: rows, channels: 3 } })
      .resize(width, height, { fit: 'fill' })
      .raw()
      .toBuffer();
    const overlay = options.overlay && Buffer.from(options.overlay(width, height));
    for (const quality of QUALITIES) {
      const plain = sharp(sized, { raw: { width, height, channels: 3 } });
      const drawn = overlay ? plain.composite([{ input: overlay, left: 0, top: 0 }]).removeAlpha() : plain;
      if (options.exif) drawn.withExif({ IFD0: options.exif });
      if (options.xmp) drawn.withXmp(options.xmp);
      const bytes = await (options.format === 'webp' ? drawn.webp({ quality }) : drawn.jpeg({ quality })).toBuffer();
      const isLast = quality === QUALITIES.at(-1) && width <= LEAST_WIDTH;
      if (bytes.length <= options.maxBytes || isLast)
        return { bytes, mime: `image/${options.format}`, width, height, sha256: createHash('sha256').update(bytes).digest('hex') };
    }
    width = Math.max(LEAST_WIDTH, Math.round(width * SMALLER));
  }
}
