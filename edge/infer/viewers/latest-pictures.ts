/**
 * The newest picture of each camera with its boxes, for people: encoded only when somebody asks, and never with a face in it
 * unless the configuration says so.
 */
import type { PictureView } from '../../../api/pictures.ts';
import type { Picture } from '../../../core/driver.ts';
import type { Box } from '../../../core/event.ts';
import { faultOf } from '../../../core/faults.ts';
import type { Tell } from '../../../core/telemetry.ts';
import { encodePicture } from '../evidence/encode.ts';
import type { BlurFinder } from '../evidence/blur-finder.ts';
import { redact } from '../evidence/redact.ts';
import { PrivacyMask } from '../mask/privacy-mask.ts';
import '../../../log/evidence/faults.ts';

const MAX_WIDTH = 640;
const MAX_BYTES = 300 << 10;
const SHOWN_WIDTH = 1280;

export interface LatestPictures {
  /** Takes the place of the camera's picture before. @param at ms UTC when it was taken */
  set(device: string, picture: Picture, at: number, boxes: readonly Box[]): void;
  /**
   * A JPEG in its right proportion, at most 640 pixels wide; null when the camera has given none yet.
   *
   * @throws FaultError CV_EVIDENCE_UNBLURRED
   */
  get(device: string): Promise<PictureView | null>;
  /**
   * The same of a picture that was fetched for somebody, larger; where people are is taken from the newest picture.
   *
   * @param mask polygons that nobody may see into
   * @throws FaultError CV_EVIDENCE_UNBLURRED
   */
  encodeStill(device: string, picture: Picture, at: number, mask: ConstructorParameters<typeof PrivacyMask>[0]): Promise<PictureView>;
}

/**
 * @param blurFinder null: nothing is blurred, by setting
 * @param tell of a picture that cannot be shown: once, not each second
 */
export function openLatestPictures(blurFinder: BlurFinder | null, tell: Tell = () => {}): LatestPictures {
  const newest = new Map<
    string,
    { picture: Picture; at: number; boxes: readonly Box[]; release: (() => void) | undefined; view?: Promise<PictureView> }
  >();
  const failing = new Set<string>();
  return {
    set(device, picture, at, boxes) {
      newest.get(device)?.release?.();
      newest.set(device, { picture, at, boxes, release: picture.keep?.() });
    },
    async encodeStill(device, picture, at, mask) {
      new PrivacyMask(mask).paint(picture);
      const boxes = newest.get(device)?.boxes ?? [];
      const { width, height, bytes } = await encodePicture(redact(picture, blurFinder ? await blurFinder.find(picture, boxes) : []), {
        format: 'jpeg',
        maxWidth: SHOWN_WIDTH,
        maxBytes: MAX_BYTES,
      });
      // Nobody has looked for things in this one.
      return { device, at, index: picture.index, width, height, jpegBase64: Buffer.from(bytes).toString('base64'), boxes: [] };
    },
    async get(device) {
      const last = newest.get(device);
      if (!last) return null;
      const { picture, at, boxes } = last;
      // Many who ask at once share one encoding.
      last.view ??= (async () => {
        const release = picture.keep?.();
        const safe = await (async () => redact(picture, blurFinder ? await blurFinder.find(picture, boxes) : []))().finally(release);
        const { width, height, bytes } = await encodePicture(safe, { format: 'jpeg', maxWidth: MAX_WIDTH, maxBytes: MAX_BYTES });
        return { device, at, index: picture.index, width, height, jpegBase64: Buffer.from(bytes).toString('base64'), boxes: [...boxes] };
      })();
      try {
        const view = await last.view;
        if (failing.delete(device)) tell({ kind: 'fault_cleared', code: 'CV_EVIDENCE_UNBLURRED', device });
        return view;
      } catch (error) {
        const fault = faultOf(error, 'CV_EVIDENCE_PICTURE', { device });
        if (!failing.has(device)) tell({ kind: 'fault', fault, device });
        failing.add(device);
        throw error;
      }
    },
  };
}
