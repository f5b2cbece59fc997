/** A camera that shakes: the whole picture moves, to and fro. */
import type { PicturePlanes } from '../../../core/driver.ts';
import { ReferencePicture, type PixelOffset, type HalfOffsets } from './registration.ts';
import { scoreAbove } from './scores.ts';
import { Thumbnail } from './thumbnail.ts';

/** Where less than this changed, nothing can have shaken. */
const CHANGED_SHARE = 0.04;
const WINDOW_MS = 5000;
/** Shares of the picture's width: a shift is longer than this, and than a mast in the wind sways meanwhile, a second. */
const SHIFT = 0.002;
const SWAY = 0.003;
const SHAKING_SHARE = 0.35;
/**
 * A camera that turns goes on the same way: of the shifts, how many went another way than the one before; or, where it sways
 * slowly, how many at least, and how far it got, as a share of the way it went.
 */
const TURNS_SHARE = 0.3;
const FEW_TURNS = 2;
const AWAY_SHARE = 0.4;
/** Cosine of the angle above which it is the same way. */
const ALONG = 0.7;
/** How many pictures must have been found again at least, and of all that were compared. */
const FEW_STEPS = 3;
const FOUND_SHARE = 0.4;
/** So many pictures in a row that lie nowhere: what they are compared with has gone. */
const LOST = 2;

interface ShakeStep {
  ptsMs: number;
  /** `lost`: it could not be told; `rest`: none to speak of; else a shift, the same way as the last one or another. */
  kind: 'lost' | 'rest' | 'on' | 'turned';
  shift?: PixelOffset;
}

const HOME: PixelOffset = { x: 0, y: 0 };
const HOMES: HalfOffsets = [HOME, HOME];

export class ShakeDetector {
  /** What pictures are compared with: the last one, but while it shakes the one from before, whose place is the usual one. */
  #key: ReferencePicture | null = null;
  /** So little changed last that nothing can have shaken. */
  #isStill = false;
  /** Where the last picture that was found lay, and when that was. */
  #place = HOMES;
  #placeMs = 0;
  #lost = 0;
  #shift: PixelOffset = HOME;
  #steps: ShakeStep[] = [];

  /** Everything moved at once lately, so that it may shake: which is seen from many pictures only. */
  get isSuspect(): boolean {
    return this.#steps.some(isShift);
  }

  /** A picture whose neighbour is to come. @param isKnown false when those before it do not count any more */
  begin(picture: PicturePlanes & { ptsMs: number }, isKnown: boolean): void {
    if (!isKnown) this.#forget();
    if (this.#isStill) this.#key = null;
    else this.#compareWith(new Thumbnail(picture), picture);
  }

  /** The neighbour of the last picture. @param changedShare of the pixels since then; null when they cannot be compared */
  take(picture: PicturePlanes & { ptsMs: number }, changedShare: number | null): void {
    const { ptsMs, width } = picture;
    if (changedShare === null) this.#forget();
    this.#steps = this.#steps.filter((step) => step.ptsMs > ptsMs - WINDOW_MS);
    this.#isStill = changedShare !== null && changedShare < CHANGED_SHARE && !this.isSuspect;
    if (this.#isStill) {
      this.#steps.push({ ptsMs, kind: 'rest' });
      this.#key = null;
      return;
    }
    const small = new Thumbnail(picture);
    if (!this.#key) {
      this.#compareWith(small, picture);
      return;
    }
    const place = this.#key.locate(small, this.#place);
    this.#lost = place ? 0 : this.#lost + 1;
    this.#steps.push({ ptsMs, ...(place ? this.#step(place, ptsMs, width) : { kind: 'lost' }) });
    if (place) [this.#place, this.#placeMs] = [place, ptsMs];
    if (!this.isSuspect || this.#lost >= LOST) this.#compareWith(small, picture);
  }

  score(): number {
    const steps = this.#steps;
    const found = steps.filter(({ kind }) => kind !== 'lost').length;
    const shifts = steps.filter(isShift);
    const coveredMs = (steps.at(-1)?.ptsMs ?? 0) - (steps[0]?.ptsMs ?? 0);
    if (coveredMs < WINDOW_MS / 2 || found < Math.max(FEW_STEPS, FOUND_SHARE * steps.length)) return 0;
    return isToAndFro(shifts) ? scoreAbove(shifts.length / found, SHAKING_SHARE) : 0;
  }

  #forget(): void {
    this.#steps = [];
    this.#key = null;
    this.#isStill = false;
  }

  #compareWith(small: Thumbnail, { ptsMs }: { ptsMs: number }): void {
    this.#key = new ReferencePicture(small);
    this.#place = HOMES;
    this.#placeMs = ptsMs;
    this.#lost = 0;
  }

  #step(place: HalfOffsets, ptsMs: number, width: number): Pick<ShakeStep, 'kind' | 'shift'> {
    const [shift, other] = place.map(({ x, y }, side) => ({
      x: x - (this.#place[side] as PixelOffset).x,
      y: y - (this.#place[side] as PixelOffset).y,
    })) as [PixelOffset, PixelOffset];
    const length = Math.hypot(shift.x, shift.y);
    if (Math.min(length, Math.hypot(other.x, other.y)) < width * (SHIFT + (SWAY * (ptsMs - this.#placeMs)) / 1000)) return { kind: 'rest' };
    const last = this.#shift;
    this.#shift = shift;
    return { kind: shift.x * last.x + shift.y * last.y < ALONG * length * Math.hypot(last.x, last.y) ? 'turned' : 'on', shift };
  }
}

function isShift({ kind }: ShakeStep): boolean {
  return kind === 'on' || kind === 'turned';
}

function isToAndFro(shifts: readonly ShakeStep[]): boolean {
  const turns = shifts.filter(({ kind }) => kind === 'turned').length;
  if (turns >= TURNS_SHARE * shifts.length) return true;
  let [x, y, way] = [0, 0, 0];
  for (const { shift = HOME } of shifts) [x, y, way] = [x + shift.x, y + shift.y, way + Math.hypot(shift.x, shift.y)];
  return turns >= FEW_TURNS && Math.hypot(x, y) < AWAY_SHARE * way;
}
