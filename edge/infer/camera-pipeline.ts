/**
 * What one camera keeps between its pictures, in the order in which they pass: mask, gate, what the last look saw, zones and
 * lines. Those are handed the same boxes again while nothing moves: their time goes on.
 */
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import type { DiagnosisSettings, PictureSettings } from '../../scene/picture-settings.ts';
import { VideoDiagnosis } from './diagnosis/diagnosis.ts';
import type { PictureArea } from './evidence/crop.ts';
import { MotionGate, type GateDecision } from './gate/motion-gate.ts';
import { PrivacyMask } from './mask/privacy-mask.ts';
import { secondLookArea } from './detect/second-look.ts';
import { CameraScene } from './zones/scene.ts';
import type { MeasureValue } from './zones/zone.ts';
import type { Track } from './track/tracker.ts';

/** What is known to be in a picture. */
export interface Detections {
  boxes: readonly Box[];
  /** Boxes that nobody would believe by themselves: they help to follow what was seen before. */
  lowScoreBoxes: readonly Box[];
  /** Id of the model that looked, and the number of the picture that it saw: an earlier one where nothing has moved since. */
  model: string;
  frame: number;
}

export class CameraPipeline {
  /** From this score on a box is believed. */
  readonly scoreThreshold: number;
  readonly diagnosis: VideoDiagnosis | null;
  readonly silenceMs: number;
  readonly #mask: PrivacyMask;
  readonly #gate: MotionGate | null;
  readonly #scene: CameraScene | null;
  readonly #isCloser: boolean;
  #last: Detections | null = null;
  /** Why it was looked last. */
  #reason: GateDecision = 'first';

  constructor({ mask, motion, diagnosis, ...scene }: PictureSettings & SceneSettings, sureScore: number) {
    this.scoreThreshold = sureScore;
    this.diagnosis =
      diagnosis === 'off' ? null : new VideoDiagnosis({ mask, everyMs: diagnosis.every, thresholds: thresholdsOf(diagnosis) });
    this.silenceMs = diagnosis === 'off' ? Infinity : diagnosis.silence;
    this.#mask = new PrivacyMask(mask);
    this.#gate = motion === 'off' ? null : new MotionGate(motion);
    this.#isCloser = motion !== 'off' && motion.closer === true;
    this.#scene = scene.zones.length + scene.lines.length > 0 ? new CameraScene(scene) : null;
  }

  /** Paints over what nobody may see; the first thing that is done to a picture. */
  applyMask(picture: Picture): void {
    this.#mask.paint(picture);
  }

  /**
   * What holds for this picture without a look; null when it has to be looked at. Where pictures are few, all is still
   * again one look after somebody has gone: it is looked until that is sure. A look that was merely due is no such
   * occasion: whom it misses while nothing moves has not gone.
   */
  heldDetections(picture: Picture): Detections | null {
    const verdict = this.#gate?.decide(picture) ?? 'changed';
    if (verdict !== 'still') this.#reason = verdict;
    else if (this.#reason === 'due' || !this.#scene?.isUnsettled) return this.#last;
    return null;
  }

  /** The part of the picture that is worth another look, after this was found in the whole; null: none. */
  secondLookArea(found: readonly Box[]): PictureArea | null {
    return this.#isCloser && this.#gate
      ? secondLookArea(
          this.#gate.motionArea,
          found.filter(({ score }) => score >= this.scoreThreshold),
        )
      : null;
  }

  /** A look saw this. @param found best score first */
  setDetections(found: readonly Box[], model: string, frame: number): Detections {
    const isSure = ({ score }: Box) => score >= this.scoreThreshold;
    this.#last = { boxes: found.filter(isSure), lowScoreBoxes: found.filter((box) => !isSure(box)), model, frame };
    return this.#last;
  }

  /** A look came to nothing. */
  detectionFailed(): void {
    this.#last = null;
    this.#gate?.detectNext();
  }

  /** Who is followed and was seen in the last picture; nobody without zones and lines. */
  get tracks(): readonly Track[] {
    return this.#scene?.tracks ?? [];
  }

  /** What zones and lines say to a picture in which this is seen. @param at ms UTC when it was taken */
  updateZones(
    { boxes, lowScoreBoxes, frame }: Detections,
    { index, ptsMs, width, height, aspect = width / height }: Picture,
    at: number,
  ): MeasureValue[] {
    return this.#scene?.update({ ptsMs, at, boxes, lowScoreBoxes, isHeld: frame !== index }, aspect) ?? [];
  }
}

/**
 * @param settings of a camera, checked; one that has none of these is looked at every time
 * @param sureScore default: every box is believed
 */
export function cameraPipeline(settings: unknown, sureScore = 0): CameraPipeline {
  const {
    mask = [],
    motion = 'off',
    diagnosis = 'off',
    zones = [],
    lines = [],
    indicators = {},
    homography,
    timeZone,
  } = (settings ?? {}) as Partial<PictureSettings & SceneSettings>;
  return new CameraPipeline({ mask, motion, diagnosis, zones, lines, indicators, homography, timeZone }, sureScore);
}

function thresholdsOf({ thresholds }: DiagnosisSettings): ConstructorParameters<typeof VideoDiagnosis>[0]['thresholds'] {
  return Object.fromEntries(Object.entries(thresholds).map(([finding, threshold]) => [finding, threshold === 'off' ? null : threshold]));
}
