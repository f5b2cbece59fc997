/**
 * Where faces (or plates) are, for blurring: their model on the whole picture, on parts of it where it is larger than what the
 * model looks at, and on the heads of people (or on vehicles), so that small ones are found too. Nothing is said unless all of
 * it could be looked at.
 */
import type { Picture } from '../../../core/driver.ts';
import type { Box } from '../../../core/event.ts';
import { FaultError, faultOf } from '../../../core/faults.ts';
import { suppressOverlaps } from '../../../models/boxes.ts';
import type { Detector } from '../../../models/detector.ts';
import { cropOf, type PictureArea } from './crop.ts';
import '../../../log/evidence/faults.ts';

/** What finds the places that must be blurred. */
export interface BlurFinder {
  /**
   * @param known what is known to be in it, and where
   * @throws FaultError CV_EVIDENCE_UNBLURRED: then the picture must not be shown to anybody
   */
  find(picture: Picture, known: readonly Box[], signal?: AbortSignal): Promise<Box[]>;
  close(): Promise<void>;
}

/** A picture wider than this is looked at in parts as well. */
const WHOLE_WIDTH = 800;
/** Parts each way, and how much of a part its neighbour shares. */
const PARTS = 2;
const SHARED = 0.2;
/** So many are looked at one by one: the nearest. */
const MAX_NEAR = 6;
/** A head is in this upper share of a person, with room around it. */
const HEAD_SHARE = 0.35;
const HEAD_ROOM = 0.25;
const SAME_PLACE = 0.5;

/**
 * @param open the model's place at the detectors; tried again at each picture until it succeeds
 * @param bears whether such a thing may have one, and where on it to look
 */
export function openBlurFinder(
  open: () => Promise<Detector>,
  bears: (box: Box) => boolean,
  whereOn: (box: Box, picture: Picture) => PictureArea,
): BlurFinder {
  let opened: Promise<Detector> | null = null;
  return {
    async find(picture, known, signal) {
      const detector = opened ??= open();
      try {
        const model = await detector;
        const near = known
          .filter(bears)
          .toSorted((a, b) => b.height - a.height)
          .slice(0, MAX_NEAR)
          .map((box) => whereOn(box, picture));
        const found = await Promise.all(
          viewsOf(picture, near).map(async ({ picture: view, toWhole }) => (await model.detect(view, signal)).boxes.map(toWhole)),
        );
        return suppressOverlaps(
          found.flat().toSorted((a, b) => b.score - a.score),
          SAME_PLACE,
        );
      } catch (error) {
        await detector.catch(() => { if (opened === detector) opened = null; });
        signal?.throwIfAborted();
        const { code, params } = faultOf(error, 'CV_MODEL_FAILED', { model: 'face' });
        throw new FaultError(
          'CV_EVIDENCE_UNBLURRED',
          { cause: code, detail: String(params.detail ?? params.path ?? params.model ?? '') },
          { cause: error },
        );
      }
    },
    async close() {
      const detector = await opened?.catch(() => null);
      await detector?.close();
    },
  };
}

const unchanged = (box: Box) => box;

function viewsOf(picture: Picture, near: readonly PictureArea[]): { picture: Picture; toWhole(box: Box): Box }[] {
  const parts = picture.width > WHOLE_WIDTH ? partsOf() : [];
  return [{ picture, toWhole: unchanged }, ...[...parts, ...near].flatMap((area) => cropOf(picture, area) ?? [])];
}

function partsOf(): PictureArea[] {
  const side = (1 + SHARED) / PARTS;
  const starts = Array.from({ length: PARTS }, (_, at) => (at * (1 - side)) / (PARTS - 1));
  return starts.flatMap((y) => starts.map((x) => ({ x, y, width: side, height: side })));
}

/** Wide enough for who bends, and in the model's own proportion. */
export function headArea({ x, y, width, height }: Box, picture: Picture): PictureArea {
  const high = height * (HEAD_SHARE + 2 * HEAD_ROOM);
  const wide = Math.max(width * (1 + 2 * HEAD_ROOM), (high * picture.height * 16) / 9 / picture.width);
  return { x: x + width / 2 - wide / 2, y: y - height * HEAD_ROOM, width: wide, height: high };
}
