/**
 * What one camera keeps between its pictures, in the order in which they pass: mask, gate, what the last look saw, zones and
 * lines. Those are handed the same boxes again while nothing moves: their time goes on.
 */
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import type { DiagnosisSettings, SightSettings } from '../../scene/sight.ts';
import { Diagnosis } from './diagnosis/diagnosis.ts';
import type { Area } from './evidence/crop.ts';
import { MotionGate, type Verdict } from './gate.ts';
import { Mask } from './mask.ts';
import { nearerArea } from './nearer.ts';
import { Scene } from './scene/scene.ts';
import type { Reading } from './scene/zone.ts';
import type { Track } from './track/tracker.ts';

/** What is known to be in a picture. */
export interface Seen {
  boxes: readonly Box[];
  /** Boxes that nobody would believe by themselves: they help to follow what was seen before. */
  weak: readonly Box[];
  /** Id of the model that looked, and the number of the picture that it saw: an earlier one where nothing has moved since. */
  model: string;
  frame: number;
}

export class CameraSight {
  /** From this score on a box is believed. */
  readonly sureScore: number;
  readonly diagnosis: Diagnosis | null;
  readonly silenceMs: number;
  readonly #mask: Mask;
  readonly #gate: MotionGate | null;
  readonly #scene: Scene | null;
  readonly #isCloser: boolean;
  #last: Seen | null = null;
  /** Why it was looked last. */
  #reason: Verdict = 'first';

  constructor({ mask, motion, diagnosis, ...scene }: SightSettings & SceneSettings, sureScore: number) {
    this.sureScore = sureScore;
    this.diagnosis = diagnosis === 'off' ? null : new Diagnosis({ mask, everyMs: diagnosis.every, thresholds: thresholdsOf(diagnosis) });
    this.silenceMs = diagnosis === 'off' ? Infinity : diagnosis.silence;
    this.#mask = new Mask(mask);
    this.#gate = motion === 'off' ? null : new MotionGate(motion);
    this.#isCloser = motion !== 'off' && motion.closer === true;
    this.#scene = scene.zones.length + scene.lines.length > 0 ? new Scene(scene) : null;
  }

  /** Paints over what nobody may see; the first thing that is done to a picture. */
  cover(picture: Picture): void {
    this.#mask.paint(picture);
  }

  /**
   * What holds for this picture without a look; null when it has to be looked at. Where pictures are few, all is still
   * again one look after somebody has gone: it is looked until that is sure. A look that was merely due is no such
   * occasion: whom it misses while nothing moves has not gone.
   */
  held(picture: Picture): Seen | null {
    const verdict = this.#gate?.judge(picture) ?? 'changed';
    if (verdict !== 'still') this.#reason = verdict;
    else if (this.#reason === 'due' || !this.#scene?.isUnsettled) return this.#last;
    return null;
  }

  /** The part of the picture that is worth another look, after this was found in the whole; null: none. */
  nearer(found: readonly Box[]): Area | null {
    return this.#isCloser && this.#gate ? nearerArea(this.#gate.region, found.filter(({ score }) => score >= this.sureScore)) : null;
  }

  /** A look saw this. @param found best score first */
  looked(found: readonly Box[], model: string, frame: number): Seen {
    const isSure = ({ score }: Box) => score >= this.sureScore;
    this.#last = { boxes: found.filter(isSure), weak: found.filter((box) => !isSure(box)), model, frame };
    return this.#last;
  }

  /** A look came to nothing. */
  failed(): void {
    this.#last = null;
    this.#gate?.missed();
  }

  /** Who is followed and was seen in the last picture; nobody without zones and lines. */
  get tracks(): readonly Track[] {
    return this.#scene?.tracks ?? [];
  }

  /** What zones and lines say to a picture in which this is seen. @param at ms UTC when it was taken */
  follow({ boxes, weak, frame }: Seen, { index, ptsMs, width, height, aspect = width / height }: Picture, at: number): Reading[] {
    return this.#scene?.look({ ptsMs, at, boxes, weak, isHeld: frame !== index }, aspect) ?? [];
  }
}

/**
 * @param settings of a camera, checked; one that has none of these is looked at every time
 * @param sureScore default: every box is believed
 */
export function sightOf(settings: unknown, sureScore = 0): CameraSight {
  const { mask = [], motion = 'off', diagnosis = 'off', zones = [], lines = [], indicators = {}, homography, timeZone } = (settings ?? {}) as Partial<SightSettings & SceneSettings>;
  return new CameraSight({ mask, motion, diagnosis, zones, lines, indicators, homography, timeZone }, sureScore);
}

function thresholdsOf({ thresholds }: DiagnosisSettings): ConstructorParameters<typeof Diagnosis>[0]['thresholds'] {
  return Object.fromEntries(Object.entries(thresholds).map(([finding, threshold]) => [finding, threshold === 'off' ? null : threshold]));
}
