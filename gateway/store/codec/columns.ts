/** A chunk read back, as columns: what a week is drawn from needs no object a point. */
import { zstdDecompressSync } from 'node:zlib';
import type { Quality, Value, Window } from '../../../core/event.ts';
import type { StoredPoint } from '../rows.ts';
import { ByteReader, Unreadable } from './bytes.ts';
import { DELTAS, GRID, onGrid, parseLayoutState, PLAIN, USUAL, ZSTD, type LayoutState } from './layout.ts';
import { readValues } from './values.ts';

/** Far above what a chunk can hold; a bomb is refused. */
const MAX_BYTES = 64 << 20;
const USUAL_ONLY: readonly LayoutState[] = [parseLayoutState(USUAL)];

export class ChunkColumns {
  readonly count: number;
  /** Of a chunk: growing. */
  readonly times: Float64Array;
  /** A typed array when all are numbers. */
  readonly values: Float64Array | Value[];
  readonly states: readonly LayoutState[];
  /** By place, a place in `states`; null when all points are in the first one. */
  readonly stateOf: Uint32Array | null;
  /** By place; null when no point has one. */
  readonly windows: (Window | undefined)[] | null;

  /** @throws when the bytes are not what encodePoints gave */
  constructor(bytes: Uint8Array) {
    const body = bytes.subarray(1);
    if (bytes[0] !== PLAIN && bytes[0] !== ZSTD) throw new Unreadable(`marker ${bytes[0]}`);
    const input = new ByteReader(bytes[0] === ZSTD ? zstdDecompressSync(body, { maxOutputLength: MAX_BYTES }) : body);
    this.count = input.count(1);
    this.times = readTimes(input, this.count);
    this.values = readValues(input, this.count);
    [this.states, this.stateOf] = readStates(input, this.count);
    this.windows = readWindows(input, this.times);
    if (input.left > 0) throw new Unreadable('goes on too long');
  }

  quality(place: number): Quality {
    return this.#state(place).quality;
  }

  point(place: number): StoredPoint {
    const { quality, flags, unit } = this.#state(place);
    const window = this.windows?.[place];
    return {
      at: this.times[place] as number, value: this.values[place] as Value, quality, flags: [...flags],
      ...(unit === undefined && !window ? {} : { extra: { ...(unit === undefined ? {} : { unit }), ...(window ? { window } : {}) } }),
    };
  }

  points(): StoredPoint[] {
    return Array.from(this.times, (_, place) => this.point(place));
  }

  /** The first place whose time is `at` or later. */
  placeOf(at: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #state(place: number): LayoutState {
    return this.states[this.stateOf ? (this.stateOf[place] as number) : 0] as LayoutState;
  }
}

function readTimes(input: ByteReader, count: number): Float64Array {
  const mode = input.byte();
  if (mode === GRID) {
    const first = input.zigzag();
    const step = input.float();
    const times = input.zigzags(count);
    for (let at = 0; at < count; at += 1) times[at] = onGrid(first, step, at) + (times[at] as number);
    return times;
  }
  if (mode !== DELTAS) return Float64Array.from({ length: count }, () => input.float());
  const times = input.zigzags(count);
  let previous = 0;
  let previousStep = 0;
  for (let at = 0; at < count; at += 1) {
    const step = previousStep + (times[at] as number);
    // The first step is from nothing and says nothing about the second.
    previousStep = previous === 0 ? 0 : step;
    previous += step;
    times[at] = previous;
  }
  return times;
}

function readStates(input: ByteReader, count: number): [states: readonly LayoutState[], stateOf: Uint32Array | null] {
  const text = input.text();
  if (text === '') return [USUAL_ONLY, null];
  const states = (JSON.parse(text) as string[]).map(parseLayoutState);
  if (states.length === 0 && count > 0) throw new Unreadable('no state');
  if (states.length < 2) return [states, null];
  const stateOf = new Uint32Array(count);
  for (let at = 0; at < count;) {
    at += input.varint();
    if (at > count) throw new Unreadable('more points than announced');
    if (at === count) break;
    const run = input.varint();
    const length = run % 2 === 0 ? 1 : input.varint();
    const place = Math.floor(run / 2);
    if (length === 0 || at + length > count || place >= states.length) throw new Unreadable('a state that is not there');
    stateOf.fill(place, at, at + length);
    at += length;
  }
  return [states, stateOf];
}

function readWindows(input: ByteReader, times: Float64Array): (Window | undefined)[] | null {
  const count = input.varint();
  if (count === 0) return null;
  const has = readValues(input, times.length);
  const places = Array.from(times.keys()).filter((place) => has[place] === true);
  if (places.length !== count) throw new Unreadable('windows and points differ in number');
  const relative = input.byte() === 1;
  const [from, to, counts, mins, maxs] = Array.from({ length: 5 }, () => readValues(input, count) as (number | null)[]) as [
    number[],
    number[],
    number[],
    (number | null)[],
    (number | null)[],
  ];
  const windows = Array.from<Window | undefined>({ length: times.length });
  for (const [at, place] of places.entries()) {
    const base = relative ? (times[place] as number) : 0;
    const [min, max] = [mins[at], maxs[at]];
    windows[place] = {
      fromAt: (from[at] as number) + base,
      toAt: (to[at] as number) + base,
      count: counts[at] as number,
      ...(min == null ? {} : { min }),
      ...(max == null ? {} : { max }),
    };
  }
  return windows;
}
