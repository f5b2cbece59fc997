/** What is made unrecognisable before a picture leaves: faces by the model that comes with us, plates by one of the user's own. */
import type { Box } from '../../../core/event.ts';
import { classesOf } from '../../../scene/kinds.ts';
import type { Detector } from '../../../models/detector.ts';
import { headArea, openBlurFinder, type BlurFinder } from './blur-finder.ts';
import type { EvidenceSetup } from './setup.ts';

const FACE_MODEL = 'blazeface-512';
/** Below the model's own: a patch blurred in vain does no harm, a face left sharp does. */
const FACE_SCORE = 0.2;
const VEHICLES = classesOf(['vehicle']);

/** @returns null when nothing is to be blurred */
export function blurFinderOf(
  { faces, plates }: EvidenceSetup['blur'],
  openModel: (model: string, scoreThreshold?: number) => Promise<Detector>,
): BlurFinder | null {
  const all = [
    ...(faces
      ? [
          openBlurFinder(
            () => openModel(FACE_MODEL, FACE_SCORE),
            (box) => box.class === 'person',
            headArea,
          ),
        ]
      : []),
    ...(plates === undefined
      ? []
      : [
          openBlurFinder(
            () => openModel(plates),
            ({ class: label }: Box) => VEHICLES.has(label),
            (box) => box,
          ),
        ]),
  ];
  if (all.length === 0) return null;
  return {
    find: async (...asked) => (await Promise.all(all.map((blurFinder) => blurFinder.find(...asked)))).flat(),
    close: async () => { await Promise.all(all.map((blurFinder) => blurFinder.close())); },
  };
}
