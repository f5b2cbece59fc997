/** Whether a camera's pictures can be relied on: one finding at a time, on presentation time. Pure but for what it remembers. */
import { PICTURE_FINDINGS, type PictureFinding } from '../../../scene/picture-findings.ts';
import { maskedCells, type MaskedCells, type Polygon } from '../mask/privacy-mask.ts';
import type { PicturePlanes } from '../../../core/driver.ts';
import { colourCastScore, measureColour } from './colour.ts';
import type { FindingScores } from './scores.ts';
import { excessNoise, noiseDeviation, noiseScore } from './noise.ts';
import { measureExposure, exposureScores } from './exposure.ts';
import { PairSampler } from './pair-sampler.ts';
import { ShakeDetector } from './shaking.ts';
import { blurScore, isEdgeless, measureSharpness } from './sharpness.ts';
import { SIGNATURE_COLUMNS, blankScore, SIGNATURE_ROWS, sceneSignature } from './scene-signature.ts';
import { isSimilarSample, FrozenDetector } from './frozen.ts';
import { SceneBaseline } from './scene-baseline.ts';

export interface VideoDiagnosisOptions {
  /** Nothing is judged by what a mask has painted over. */
  mask?: readonly Polygon[];
  /** Presentation time between two full looks. */
  everyMs: number;
  /** Score from which a finding counts; null: never. What is absent: 0.5. */
  thresholds: Partial<Record<PictureFinding, number | null>>;
}

/** What is to be said of the pictures now. */
export interface VideoQuality {
  /** null: nothing is wrong. */
  finding: PictureFinding | null;
  /** Of the finding, else the highest there is. */
  score: number;
  threshold: number;
}

const THRESHOLD = 0.5;
/** A finding that does not show at once fades, so that one look does not undo it. */
const FADE = 0.5;
/** While pictures look like the last one in which nothing was wrong, they are judged anew this often: luma alone is compared, and few pixels. */
const ALIKE_MOST_MS = 4000;

export class VideoDiagnosis {
  readonly #options: VideoDiagnosisOptions;
  readonly #hidden: MaskedCells;
  readonly #still = new FrozenDetector();
  readonly #shaking = new ShakeDetector();
  readonly #usual = new SceneBaseline();
  readonly #pairs = new PairSampler();
  /** How long each has been showing, ms, up to its `onMs`. */
  readonly #shown = new Map<PictureFinding, number>();
  #soundMs = 0;
  #lookedMs: number | null = null;
  /** The last look that went over the whole picture and found nothing. */
  #sound: { sample: Uint8Array; ptsMs: number; scores: FindingScores } | null = null;
  #follow = () => {};
  #current: PictureFinding | null = null;
  #known = false;

  constructor(options: VideoDiagnosisOptions) {
    this.#options = options;
    this.#hidden = maskedCells(options.mask ?? [], SIGNATURE_COLUMNS, SIGNATURE_ROWS);
  }

  /** The next picture. @returns the verdict when it is the first or another one, else null */
  check(picture: PicturePlanes & { ptsMs: number }): VideoQuality | null {
    this.#compare(picture);
    const { everyMs } = this.#options;
    const sinceMs = this.#lookedMs === null ? everyMs : picture.ptsMs - this.#lookedMs;
    // A clock that jumped back begins anew.
    if (sinceMs >= 0 && sinceMs < everyMs) return null;
    this.#lookedMs = picture.ptsMs;
    const scores = this.#known && this.#current === null ? this.#scoreAgain(picture) : this.#score(picture);
    return this.#judge(scores, sinceMs < 0 ? everyMs : Math.min(sinceMs, 2 * everyMs));
  }

  /** No picture came for longer than the stream may be silent. */
  streamStalled(): VideoQuality | null {
    this.#shown.clear();
    this.#soundMs = 0;
    return this.#say(this.threshold('stalled') === null ? this.#current : 'stalled', { stalled: 1 });
  }

  /** Its source is over, as a clip that was played once: that is no break. */
  streamEnded(): VideoQuality | null {
    this.#shown.clear();
    this.#soundMs = 0;
    return this.#say(this.threshold('ended') === null ? this.#current : 'ended', { ended: 1 });
  }

  #compare(picture: PicturePlanes & { ptsMs: number }): void {
    const turn = this.#pairs.roleOf(picture.ptsMs, this.#shaking.isSuspect);
    if (turn === 'first') this.#shaking.begin(picture, this.#still.begin(picture));
    else if (turn === 'second') this.#shaking.take(picture, this.#still.take(picture));
  }

  threshold(finding: PictureFinding): number | null {
    const { thresholds } = this.#options;
    return thresholds[finding] === undefined ? THRESHOLD : thresholds[finding];
  }

  /** What takes time to show is asked anew; what a picture shows by itself is as it was while it looks the same. */
  #scoreAgain(picture: PicturePlanes & { ptsMs: number }): FindingScores {
    const sample = this.#still.sampleOf(picture);
    const sinceMs = picture.ptsMs - (this.#sound?.ptsMs ?? -Infinity);
    if (this.#sound && sinceMs >= 0 && sinceMs < ALIKE_MOST_MS && isSimilarSample(sample, this.#sound.sample)) {
      this.#follow();
      return { ...this.#sound.scores, frozen: this.#still.score(), shaking: this.#shaking.score() };
    }
    const scores = this.#score(picture);
    this.#sound = this.#first(scores) === null ? { sample, ptsMs: picture.ptsMs, scores } : null;
    return scores;
  }

  #score(picture: PicturePlanes): FindingScores {
    const seen = measureColour(picture, this.#hidden.share);
    const noise = noiseDeviation(picture);
    const extra = excessNoise(noise);
    const cells = sceneSignature(picture, this.#hidden.cells, extra);
    const edges = measureSharpness(picture, extra);
    const isCover = isEdgeless(edges) && this.#usual.isCover(cells);
    const { isUsual, ...scene } = this.#usual.scores(cells, this.#current === 'wrong-scene');
    const shaking = this.#shaking.score();
    const scores: FindingScores = {
      'ended': 0,
      'stalled': 0,
      ...exposureScores(measureExposure(picture, this.#hidden.share), blankScore(cells)),
      'frozen': this.#still.score(),
      'shaking': shaking,
      'noisy': noiseScore(noise),
      'colour-cast': colourCastScore(seen, isUsual ? this.#usual.colour : null),
      'blurred': isCover ? 0 : blurScore(edges),
      ...scene,
      'occluded': isCover ? 1 : scene.occluded,
      // Between two shakes it is still the same camera.
      'wrong-scene': shaking > THRESHOLD / 2 || this.#shown.get('shaking') ? 0 : scene['wrong-scene'],
    };
    this.#follow = () => this.#usual.update(cells, seen);
    if (this.#first(scores) === null) this.#follow();
    return scores;
  }

  #first(scores: FindingScores): PictureFinding | null {
    return PICTURE_FINDINGS.find(({ id }) => scores[id] >= (this.threshold(id) ?? Infinity))?.id ?? null;
  }

  #judge(scores: FindingScores, passedMs: number): VideoQuality | null {
    const first = this.#first(scores);
    for (const { id, onMs } of PICTURE_FINDINGS) {
      const shown = this.#shown.get(id) ?? 0;
      this.#shown.set(id, id === first ? Math.min(onMs, shown + passedMs) : Math.max(0, shown - passedMs * FADE));
    }
    this.#soundMs = first === null ? this.#soundMs + passedMs : 0;
    const current = PICTURE_FINDINGS.find(({ id }) => id === this.#current);
    const arisen =
      first !== null && (this.#shown.get(first) ?? 0) >= (PICTURE_FINDINGS.find(({ id }) => id === first)?.onMs ?? 0) ? first : null;
    if (arisen) return this.#say(arisen, scores);
    if (first === null && this.#soundMs >= (current?.offMs ?? 0)) return this.#say(null, scores);
    // Pictures came again: whatever it is, it is not that.
    return this.#current === 'stalled' || this.#current === 'ended' ? this.#say(null, scores) : null;
  }

  #say(finding: PictureFinding | null, scores: Partial<FindingScores>): VideoQuality | null {
    if (this.#known && finding === this.#current) return null;
    this.#known = true;
    this.#current = finding;
    const score = finding ? (scores[finding] ?? 1) : Math.max(0, ...Object.values(scores));
    return { finding, score: Math.round(score * 1000) / 1000, threshold: (finding && this.threshold(finding)) ?? THRESHOLD };
  }
}
