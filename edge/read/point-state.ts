/** What the host remembers of a point. */
import type { PointValue } from '../../core/driver.ts';
import type { PointSetup } from '../config/setup.ts';

export class PointState {
  /** Beside the setup, which ten thousand points have in no cache. */
  readonly id: string;
  unit: string;
  setup: PointSetup;
  /** Monotonic: when it was last given, confirmed or found bad. */
  refreshedMs: number;
  isStale = false;
  /** The point that was given after it the last time. */
  nextPoint: PointState | null = null;
  #isSaid = false;
  /**
   * A number of which nothing more was said. Written over in its place: whatever is made for each value and
   * held until the next makes work for the collector.
   */
  #number = Number.NaN;
  #whole: PointValue | null = null;

  constructor(setup: PointSetup, nowMs: number) {
    this.id = setup.id;
    this.unit = setup.unit;
    this.setup = setup;
    this.refreshedMs = nowMs;
  }

  update(setup: PointSetup): void {
    this.setup = setup;
    this.unit = setup.unit;
  }

  /** What it last said of now, but for the device's own time; null before the first. */
  get last(): Omit<PointValue, 'deviceAt'> | null {
    return this.#whole ?? (this.#isSaid ? { point: this.setup.id, value: this.#number } : null);
  }

  get isBad(): boolean {
    return this.#whole?.quality === 'bad';
  }

  /** Said of now. */
  accept(said: PointValue, nowMs: number): void {
    this.refreshedMs = nowMs;
    this.isStale = false;
    this.#isSaid = true;
    if (typeof said.value === 'number' && isBare(said)) {
      this.#number = said.value;
      if (this.#whole) this.#whole = null;
      return;
    }
    this.#whole = said.deviceAt === undefined ? said : withoutTime(said);
  }

  /** A picture came, whose values nobody tells here: what was said while there was none holds no longer. */
  pictureReceived(nowMs: number): void {
    this.refreshedMs = nowMs;
    this.isStale = false;
    this.#isSaid = false;
    this.#whole = null;
  }
}

function withoutTime(said: PointValue): PointValue {
  const kept = { ...said };
  delete kept.deviceAt;
  return kept;
}

const isBare = ({ unit, quality, flags, fault, origin, position, evidence, window }: PointValue): boolean =>
  unit === undefined &&
  quality === undefined &&
  flags === undefined &&
  fault === undefined &&
  origin === undefined &&
  position === undefined &&
  evidence === undefined &&
  window === undefined;
