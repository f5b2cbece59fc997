/** A camera that shakes: everything moves at once, to and fro. */
import type { Planes } from '../../../core/driver.ts';
import { scoreAbove } from './scores.ts';
import { project, shiftBetween, type Projections, type Shift } from './shift.ts';

/** Where less than this changed, nothing can have shaken. */
const CHANGED_SHARE = 0.04;
/** Where people and cars pass, nine pictures in ten stay below; where it shakes, few do. */
const MUCH_SHARE = 0.3;
const WINDOW_MS = 4000;
/** Share of the picture's width. */
const SHIFT = 0.0023;
const SHAKING_SHARE = 0.35;
/** Of the shifts, how many went another way than the one before: a camera that turns goes on the same way. */
const TURNS_SHARE = 0.3;
/** Cosine of the angle above which it is the same way. */
const ALONG = 0.7;

interface Step {
  ptsMs: number;
  moved: boolean;
  turned: boolean;
}

export class Shaking {
  #projections: Projections | null = null;
  /** So little changed last that nothing can have shaken. */
  #isStill = false;
  #changedShare = 0;
  #shift: Shift = { x: 0, y: 0 };
  #steps: Step[] = [];

  /** So much changed last, or everything moved at once lately, that it may shake: which is seen from many pictures only. */
  get isSuspect(): boolean {
    return this.#changedShare >= MUCH_SHARE || this.#steps.some(({ moved }) => moved);
  }

  /** A picture whose neighbour is to come. @param isKnown false when those before it do not count any more */
  begin(picture: Planes & { ptsMs: number }, isKnown: boolean): void {
    if (!isKnown) this.#forget();
    this.#projections = this.#isStill ? null : project(picture);
  }

  /** The neighbour of the last picture. @param changedShare of the pixels since then; null when they cannot be compared */
  take(picture: Planes & { ptsMs: number }, changedShare: number | null): void {
    if (changedShare === null) this.#forget();
    this.#steps = this.#steps.filter((step) => step.ptsMs > picture.ptsMs - WINDOW_MS);
    this.#isStill = changedShare !== null && changedShare < CHANGED_SHARE;
    this.#changedShare = changedShare ?? 0;
    const step = this.#isStill ? { ptsMs: picture.ptsMs, moved: false, turned: false } : this.#step(picture, changedShare !== null);
    if (this.#isStill) this.#projections = null;
    if (step) this.#steps.push(step);
  }

  score(): number {
    const moved = this.#steps.filter((step) => step.moved);
    const coveredMs = (this.#steps.at(-1)?.ptsMs ?? 0) - (this.#steps[0]?.ptsMs ?? 0);
    if (coveredMs < WINDOW_MS / 2 || moved.filter((step) => step.turned).length < moved.length * TURNS_SHARE) return 0;
    return scoreAbove(moved.length / this.#steps.length, SHAKING_SHARE);
  }

  #forget(): void {
    this.#steps = [];
    this.#isStill = false;
    this.#changedShare = 0;
  }

  /** After a still picture there is nothing to compare with yet. */
  #step(picture: Planes & { ptsMs: number }, isKnown: boolean): Step | null {
    const { ptsMs, width, height } = picture;
    const before = this.#projections;
    this.#projections = project(picture);
    if (!isKnown || before?.width !== width || before.height !== height) return null;
    const shift = shiftBetween(before, this.#projections);
    const length = Math.hypot(shift.x, shift.y);
    if (length < SHIFT * width) return { ptsMs, moved: false, turned: false };
    const last = this.#shift;
    this.#shift = shift;
    return { ptsMs, moved: true, turned: shift.x * last.x + shift.y * last.y < ALONG * length * Math.hypot(last.x, last.y) };
  }
}
