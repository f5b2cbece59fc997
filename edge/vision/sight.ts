/**
 * What one camera keeps between its pictures, in the order in which they pass: mask, gate, and what the last look saw.
 * Whoever follows things over time (tracker, zones) is handed the same boxes again while nothing moves.
 */
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import type { SightSettings } from '../../core/sight.ts';
import { MotionGate } from './gate.ts';
import { Mask } from './mask.ts';

/** What is known to be in a picture. */
export interface Seen {
  boxes: readonly Box[];
  /** Id of the model that looked, and the number of the picture that it saw: an earlier one where nothing has moved since. */
  model: string;
  frame: number;
}

export class CameraSight {
  readonly #mask: Mask;
  readonly #gate: MotionGate | null;
  #last: Seen | null = null;

  constructor({ mask, motion }: SightSettings) {
    this.#mask = new Mask(mask);
    this.#gate = motion === 'off' ? null : new MotionGate(motion);
  }

  /** Paints over what nobody may see; the first thing that is done to a picture. */
  cover(picture: Picture): void {
    this.#mask.paint(picture);
  }

  /** What holds for this picture without a look; null when it has to be looked at. */
  held(picture: Picture): Seen | null {
    const verdict = this.#gate?.judge(picture) ?? 'changed';
    return verdict === 'still' ? this.#last : null;
  }

  /** A look came to an end: with what it saw, or with nothing. */
  looked(seen: Seen | null): void {
    this.#last = seen;
    if (!seen) this.#gate?.missed();
  }
}

/** @param settings of a camera, checked; one that has none of these is looked at every time */
export function sightOf(settings: unknown): CameraSight {
  const { mask = [], motion = 'off' } = (settings ?? {}) as Partial<SightSettings>;
  return new CameraSight({ mask, motion });
}
