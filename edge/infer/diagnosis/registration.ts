/**
 * Where a picture lies against another of the same camera. All of it is slid over the other, and its parts judge: what
 * passes by, or is not there any more, is a part or two that fits nowhere and has no say. Pure.
 */
import type { LocalContrast, Thumbnail } from './thumbnail.ts';

const ACROSS = 4;
const DOWN = 3;
/** Fine pixels that it is looked for, each way; twice a coarse one. */
const SEARCH = 12;
/** Of the small pixels every second is compared, each way. */
const APART = 2;
/** Mean height of a part below which it shows too little. */
const TEXTURE = 4;
/** What does not fit, as a share of a part's height. Above this it has nothing to do with it (1.4, where neither knows of the other). */
const UNRELATED = 1;
/** A part that fits as well as that is there. */
const THERE = 0.9;
/** Where so many are there the picture need not be looked for elsewhere. */
const THERE_SHARE = 0.4;
/** Above this share of what could be amiss it may have rolled. */
const ROUGH = 0.5;
/** By so much better a part fits the place that it prefers: along an edge all places are alike. */
const PREFERS = 0.06;
/** Fewer parts than this say nothing. */
const FEW_PARTS = 3;
/** It moved when so many of all parts prefer the new place, and few, set against these, the old one: what stands still is no shake. */
const FOR_SHARE = 0.45;
const AGAINST_SHARE = 0.35;

/** Pixels, right and down. */
export interface PixelOffset {
  x: number;
  y: number;
}

/** How a picture fits at one place. */
interface Match {
  place: PixelOffset;
  /** What does not fit, a part, as a share of its height; at most `UNRELATED`. */
  misfits: readonly number[];
  total: number;
  /** Of all parts: the most that a total can be. */
  height: number;
}

/** Of the left and of the right half: where a picture rolls, they go different ways. */
export type HalfOffsets = readonly [left: PixelOffset, right: PixelOffset];

/** A picture that others are compared with. */
export class ReferencePicture {
  readonly #small: Thumbnail;
  readonly #fine: TemplateMatcher;
  #coarse: TemplateMatcher | null = null;
  #sides: readonly [TemplateMatcher, TemplateMatcher] | null = null;

  constructor(small: Thumbnail) {
    this.#small = small;
    this.#fine = new TemplateMatcher(small.fine, SEARCH);
  }

  /** @param before where the last picture lay, in pixels of the picture @returns null where it cannot be told */
  locate(now: Thumbnail, before: HalfOffsets): HalfOffsets | null {
    const { fine, scale } = now;
    if (fine.width !== this.#small.fine.width || fine.height !== this.#small.fine.height) return null;
    const [left, right] = before;
    const start = this.#fine.fit(fine, this.#fine.nearest(scaled({ x: left.x + right.x, y: left.y + right.y }, 1 / (2 * scale))));
    const found = this.#fittest(now, start);
    const isSure = isSame(found, start) ? thereOf(found) >= THERE_SHARE * found.misfits.length : isPreferred(found, start);
    const whole = isSure && found.between && thereOf(found) >= FEW_PARTS ? both(scaled(found.between, scale)) : null;
    if (whole && found.total < ROUGH * found.height) return whole;
    this.#sides ??= [
      new TemplateMatcher(this.#small.fine, SEARCH, 0, ACROSS / 2),
      new TemplateMatcher(this.#small.fine, SEARCH, ACROSS / 2, ACROSS),
    ];
    const [onLeft, onRight] = this.#sides.map((side, at) => {
      const from = side.fit(fine, side.nearest(scaled(before[at] as PixelOffset, 1 / scale)));
      const down = side.descend(fine, side.fit(fine, found.place));
      return down.between && isPreferred(down, from) ? scaled(down.between, scale) : null;
    });
    if (onLeft && onRight) return [onLeft, onRight];
    return whole ?? (thereOf(start) >= FEW_PARTS ? before : null);
  }

  /** By the way downhill from `start`; where that leads away, or to little that fits, from where it fits best of all as well. */
  #fittest(now: Thumbnail, start: Match): Match & { between: PixelOffset | null } {
    const near = this.#fine.descend(now.fine, start);
    if (isSame(near, start) && thereOf(near) >= THERE_SHARE * near.misfits.length) return near;
    const { x, y } = (this.#coarse ??= new TemplateMatcher(this.#small.coarse, SEARCH / 2)).least(now.coarse);
    const far = this.#fine.descend(now.fine, this.#fine.fit(now.fine, { x: 2 * x, y: 2 * y }));
    return far.total < near.total ? far : near;
  }
}

function both(place: PixelOffset): HalfOffsets {
  return [place, place];
}

function scaled({ x, y }: PixelOffset, by: number): PixelOffset {
  return { x: x * by, y: y * by };
}

function isSame({ place }: Match, other: Match): boolean {
  return place.x === other.place.x && place.y === other.place.y;
}

function thereOf({ misfits }: Match): number {
  return misfits.filter((misfit) => misfit < THERE).length;
}

function isPreferred(here: Match, there: Match): boolean {
  const gains = here.misfits.map((misfit, part) => (there.misfits[part] as number) - misfit);
  const fors = gains.filter((gain) => gain > PREFERS).length;
  const againsts = gains.filter((gain) => gain < -PREFERS).length;
  return fors >= Math.max(FEW_PARTS, FOR_SHARE * gains.length) && againsts <= AGAINST_SHARE * fors;
}

interface MatchTile {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** Sum of how far its pixels are from what lies around them. */
  height: number;
}

/** A picture's parts, as far from its edges as others are slid over it. */
class TemplateMatcher {
  readonly #key: LocalContrast;
  readonly #search: number;
  readonly #parts: readonly MatchTile[];

  constructor(key: LocalContrast, search: number, fromColumn = 0, toColumn = ACROSS) {
    this.#key = key;
    this.#search = search;
    const within = (at: number, length: number) => Math.max(search, Math.min(length - search, Math.floor(at)));
    const columns = toColumn - fromColumn;
    this.#parts = Array.from({ length: columns * DOWN }, (_, at): MatchTile => {
      const column = fromColumn + (at % columns);
      const row = Math.floor(at / columns);
      const [left, right] = [within((column * key.width) / ACROSS, key.width), within(((column + 1) * key.width) / ACROSS, key.width)];
      const [top, bottom] = [within((row * key.height) / DOWN, key.height), within(((row + 1) * key.height) / DOWN, key.height)];
      return { left, top, right, bottom, height: heightOf(key, left, top, right, bottom) };
    }).filter(({ left, top, right, bottom, height }) => height > (TEXTURE * (right - left) * (bottom - top)) / (APART ** 2));
  }

  nearest({ x, y }: PixelOffset): PixelOffset {
    const within = (at: number) => Math.max(-this.#search, Math.min(this.#search, Math.round(at)));
    return { x: within(x), y: within(y) };
  }

  fit(now: LocalContrast, place: PixelOffset): Match {
    const misfits = this.#parts.map((part) => gap(this.#key, now, part, place) / part.height);
    return {
      place,
      misfits,
      total: misfits.reduce((sum, misfit, part) => sum + misfit * (this.#parts[part] as MatchTile).height, 0),
      height: this.#parts.reduce((sum, part) => sum + part.height, 0),
    };
  }

  /** To the place where it fits best, a step at a time; and where between the places that is. */
  descend(now: LocalContrast, from: Match): Match & { between: PixelOffset | null } {
    for (let best = from; ;) {
      const {
        place: { x, y },
        total,
      } = best;
      const around = [
        { x: x - 1, y },
        { x: x + 1, y },
        { x, y: y - 1 },
        { x, y: y + 1 },
      ].map((place) => (this.#isWithin(place) ? this.fit(now, place) : null));
      const next = around.reduce((least: Match, one) => (one && one.total < least.total ? one : least), best);
      if (next === best) {
        const [left, right, up, down] = around as [Match, Match, Match, Match];
        return {
          ...best,
          between: around.includes(null) ? null : { x: x + dip(left.total, total, right.total), y: y + dip(up.total, total, down.total) },
        };
      }
      best = next;
    }
  }

  /** Where it fits best of all. */
  least(now: LocalContrast): PixelOffset {
    let best: PixelOffset = { x: 0, y: 0 };
    let least = Infinity;
    for (let y = -this.#search; y <= this.#search; y += 1) {
      for (let x = -this.#search; x <= this.#search; x += 1) {
        let total = 0;
        for (let at = 0; at < this.#parts.length && total < least; at += 1)
          total += gap(this.#key, now, this.#parts[at] as MatchTile, { x, y });
        if (total < least) [best, least] = [{ x, y }, total];
      }
    }
    return best;
  }

  #isWithin({ x, y }: PixelOffset): boolean {
    return Math.max(Math.abs(x), Math.abs(y)) <= this.#search;
  }
}

/** Where between three places the least is, from the middle one. */
function dip(before: number, middle: number, after: number): number {
  return before + after > 2 * middle ? (before - after) / (2 * (before + after - 2 * middle)) : 0;
}

function heightOf({ width, values }: LocalContrast, left: number, top: number, right: number, bottom: number): number {
  let sum = 0;
  for (let y = top; y < bottom; y += APART)
    for (let at = y * width + left, end = y * width + right; at < end; at += APART) sum += Math.abs(values[at] as number);
  return sum;
}

/** Sum of what does not fit, up to what is unrelated. */
function gap(
  { width, values: before }: LocalContrast,
  { values: after }: LocalContrast,
  { left, top, right, bottom, height }: MatchTile,
  { x, y: down }: PixelOffset,
): number {
  const most = UNRELATED * height;
  let sum = 0;
  for (let y = top; y < bottom && sum < most; y += APART) {
    for (let at = y * width + left, end = y * width + right, to = at + down * width + x; at < end; at += APART, to += APART) {
      const off = (before[at] as number) - (after[to] as number);
      sum += off < 0 ? -off : off;
    }
  }
  return Math.min(most, sum);
}
