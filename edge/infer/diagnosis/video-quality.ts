/**
 * Whether a camera's pictures can be relied on, as samples of its point `video`: by the pictures, and by their absence.
 * A sample is given when the finding changes, so a sound camera gives one.
 */
import { GOOD_PICTURE } from '../../../scene/picture-findings.ts';
import type { Sample } from '../../../core/sample.ts';
import { everyMs, type Clock, type Timer } from '../../../core/world.ts';
import type { PictureItem } from '../../item.ts';
import type { InferCameras } from '../camera.ts';
import type { VideoQuality } from './diagnosis.ts';

/** How often it is looked for cameras that have gone silent. */
const WATCH_EVERY_MS = 1000;

export class VideoQualityStation {
  readonly #cameras: InferCameras;
  readonly #clock: Clock;
  readonly #latest = new Map<string, { item: PictureItem; atMs: number }>();
  #watching: Timer | null = null;

  constructor(cameras: InferCameras, clock: Clock) {
    this.#cameras = cameras;
    this.#clock = clock;
  }

  /** The next picture of a camera. @returns what is to be said of it, if anything new */
  check(item: PictureItem): Sample | null {
    const diagnosis = this.#cameras.get(item.device)?.pipeline.diagnosis;
    if (!diagnosis || !item.points.video) return null;
    this.#latest.set(item.device, { item, atMs: this.#clock.monotonicMs() });
    const quality = diagnosis.check(item.picture);
    return quality && sampleOf(item, quality, item.at, item.observedAt);
  }

  /** Looks each second for cameras whose pictures stay away, from the first call on. */
  watch(emit: (samples: readonly Sample[]) => void): void {
    this.#watching ??= everyMs(this.#clock, WATCH_EVERY_MS, () => emit(this.#stalled()));
  }

  close(): void {
    this.#watching?.cancel();
  }

  /** A clip that is over says so in place of the last value of `video`, which nobody knows; no picture is awaited any more. */
  ended(sample: Sample): Sample {
    const camera = sample.isLast && sample.point === 'video' ? this.#cameras.get(sample.device) : undefined;
    if (!camera) return sample;
    const latest = this.#latest.get(sample.device);
    this.#latest.delete(sample.device);
    const quality = latest && camera.pipeline.diagnosis?.streamEnded();
    return quality ? sampleOf(latest.item, quality, sample.at, sample.observedAt) : sample;
  }

  /** Those that are played without loss have a time of their own, and are never late. */
  #stalled(): Sample[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#latest].flatMap(([device, { item, atMs }]): Sample[] => {
      const pipeline = this.#cameras.get(device)?.pipeline;
      if (!pipeline?.diagnosis) {
        this.#latest.delete(device);
        return [];
      }
      if (item.picture.hold || nowMs - atMs < pipeline.silenceMs) return [];
      const quality = pipeline.diagnosis.streamStalled();
      return quality ? [sampleOf(item, quality, this.#clock.nowMs(), this.#clock.nowMs())] : [];
    });
  }
}

function sampleOf({ device, picture, clock = 'edge', points }: PictureItem, { finding, score, threshold }: VideoQuality, at: number, observedAt: number): Sample {
  return {
    device, point: 'video', value: finding ?? GOOD_PICTURE, unit: points.video?.unit ?? '', at, clock, observedAt, quality: 'good', flags: [], origin: 'live',
    evidence: [{ kind: 'picture', frame: picture.index, score, threshold }],
  };
}
