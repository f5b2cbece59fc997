/**
 * Whether a camera's pictures can be relied on, as samples of its point `video`: by the pictures, and by their absence.
 * Each is told when it becomes another, so a sound camera says it once.
 */
import { GOOD_PICTURE } from '../../../scene/picture-findings.ts';
import type { Sample } from '../../../core/sample.ts';
import type { Clock } from '../../../core/world.ts';
import type { PictureItem } from '../../item.ts';
import type { Diagnosis, Verdict } from './diagnosis.ts';

/** What one camera's sight has of it. */
export interface Watched {
  readonly diagnosis: Diagnosis | null;
  /** Longest time without a picture, ms. */
  readonly silenceMs: number;
}

export class PictureWatch {
  readonly #clock: Clock;
  readonly #latest = new Map<string, { item: PictureItem; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next picture of a camera. @returns what is to be said of it, if anything new */
  take(item: PictureItem, { diagnosis }: Watched): Sample | null {
    if (!diagnosis || !item.points.video) return null;
    this.#latest.set(item.device, { item, atMs: this.#clock.monotonicMs() });
    const verdict = diagnosis.look(item.picture);
    return verdict && sampleOf(item, verdict, item.at, item.observedAt);
  }

  /** Its source is over: nothing is awaited any more. @returns what is to be said instead of `last`, which is of its point `video` */
  end(last: Sample, { diagnosis }: Watched): Sample | null {
    const latest = this.#latest.get(last.device);
    this.#latest.delete(last.device);
    const verdict = latest && diagnosis?.end();
    return verdict ? sampleOf(latest.item, verdict, last.at, last.observedAt) : null;
  }

  /** Cameras whose pictures stay away, as of now. Those that are played without loss have a time of their own. */
  overdue(watchedOf: (device: string) => Watched | undefined): Sample[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#latest].flatMap(([device, { item, atMs }]): Sample[] => {
      const watched = watchedOf(device);
      if (!watched?.diagnosis) {
        this.#latest.delete(device);
        return [];
      }
      if (item.picture.hold || nowMs - atMs < watched.silenceMs) return [];
      const verdict = watched.diagnosis.stall();
      return verdict ? [sampleOf(item, verdict, this.#clock.nowMs(), this.#clock.nowMs())] : [];
    });
  }
}

function sampleOf({ device, picture, clock = 'edge', points }: PictureItem, { finding, score, threshold }: Verdict, at: number, observedAt: number): Sample {
  return {
    device, point: 'video', value: finding ?? GOOD_PICTURE, unit: points.video?.unit ?? '', at, clock, observedAt, quality: 'good', flags: [], origin: 'live',
    evidence: [{ kind: 'picture', frame: picture.index, score, threshold }],
  };
}
