/**
 * Values of one point put together by aligned windows of event time. Pure. Each value is in exactly one event: in a part
 * of its window, or by itself. By themselves go the first one, each that crosses a limit, and each with which something
 * else changed; they end the part before them, so all values of a part lie on the same side of every limit and have one
 * quality. A value of another window than the open one ends it too, late or not: parts of a window have the same bounds.
 */
import { MAX_NUMBER, type Draft } from '../../core/event.ts';
import { withoutArithmeticNoise } from '../qualify/number.ts';
import { crossesLimit, isOtherState } from './change.ts';

export const WINDOW_VALUES = ['mean', 'last', 'max', 'min', 'sum'] as const;
/** What the value of a window's event is. */
export type WindowValue = (typeof WINDOW_VALUES)[number];

export interface PointWindowSetup {
  lengthMs: number;
  value: WindowValue;
}

interface WindowPart {
  fromAt: number;
  newest: Draft;
  count: number;
  min: number;
  max: number;
  sum: number;
}

/** Windows of an hour or a day begin with those of China's clocks. */
const ZONE_MS = 8 * 3_600_000;
/** A value may be a moment on its way from the device when its window ends. */
const GRACE_MS = 1000;

export const windowStart = (at: number, lengthMs: number): number => Math.floor((at + ZONE_MS) / lengthMs) * lengthMs - ZONE_MS;

export class PointWindow {
  readonly #windowing: PointWindowSetup;
  readonly #limits: readonly number[];
  #last: Draft | null = null;
  #part: WindowPart | null = null;

  /** @param limits in the unit of the drafts */
  constructor(windowing: PointWindowSetup, limits: readonly number[]) {
    this.#windowing = windowing;
    this.#limits = limits;
  }

  get isOpen(): boolean {
    return this.#part !== null;
  }

  /** Takes a live value. @returns what goes up now, in order */
  take(draft: Draft): Draft[] {
    const last = this.#last;
    this.#last = draft;
    if (!last || isOtherState(last, draft) || isOtherWord(last, draft) || crossesLimit(this.#limits, last, draft))
      return [...this.flush(), draft];
    const fromAt = windowStart(draft.occurredAt, this.#windowing.lengthMs);
    const fits = this.#part !== null && this.#part.fromAt === fromAt && Math.abs(this.#part.sum + numberOf(draft)) <= MAX_NUMBER;
    const ended = fits ? [] : this.flush();
    this.#add(fromAt, draft);
    return ended;
  }

  /** The window, once its time is over by the clock that its values go by. `nowMs` is the edge's, and so is their `observedAt`. */
  due(nowMs: number): Draft[] {
    const part = this.#part;
    if (!part) return [];
    const behindMs = part.newest.observedAt - part.newest.occurredAt;
    return nowMs >= part.fromAt + this.#windowing.lengthMs + behindMs + GRACE_MS ? this.flush() : [];
  }

  /** What is in hand, though its window may go on: its other part will have the same bounds. */
  flush(): Draft[] {
    const part = this.#part;
    this.#part = null;
    return part ? [this.#eventOf(part)] : [];
  }

  #add(fromAt: number, draft: Draft): void {
    const value = numberOf(draft);
    const part = this.#part ??= { fromAt, newest: draft, count: 0, min: value, max: value, sum: 0 };
    part.count += 1;
    part.sum += value;
    part.min = Math.min(part.min, value);
    part.max = Math.max(part.max, value);
    if (draft.occurredAt >= part.newest.occurredAt) part.newest = draft;
  }

  #eventOf(part: WindowPart): Draft {
    const { fromAt, newest, count, min, max } = part;
    const bounds = { fromAt, toAt: fromAt + this.#windowing.lengthMs, count };
    return typeof newest.value === 'number'
      ? { ...newest, value: this.#valueOf(part, newest.value), window: { ...bounds, min, max } }
      : { ...newest, window: bounds };
  }

  #valueOf({ count, min, max, sum }: WindowPart, last: number): number {
    const { value } = this.#windowing;
    if (value === 'last') return last;
    if (value === 'max') return max;
    if (value === 'min') return min;
    if (value === 'sum') return withoutArithmeticNoise(sum);
    return Math.min(max, Math.max(min, withoutArithmeticNoise(sum / count)));
  }
}

/** Texts, booleans and missing values have no middle: those of a part are all the same. */
const isOtherWord = (last: Draft, draft: Draft): boolean =>
  typeof last.value === 'number' && typeof draft.value === 'number' ? false : last.value !== draft.value;
const numberOf = ({ value }: Draft): number => (typeof value === 'number' ? value : 0);
