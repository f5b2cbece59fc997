/**
 * A chunk of one series: points in their order, each exactly as it was. Times as delta of delta or as distance from a grid, values by
 * `values.ts`, quality, flags and foreign unit as runs that differ from the usual, windows as columns; zstd when it
 * shrinks.
 *
 * Layout: marker (0 plain, 1 zstd) | count, times, values, states, windows.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FLAGS, QUALITIES, type Flag, type Quality, type Value, type Window } from '../../../core/event.ts';
import type { RowExtra, StoredPoint } from '../rows.ts';
import { ByteReader, ByteWriter, MAX_WHOLE, Unreadable } from './bytes.ts';
import { readValues, writeValues } from './values.ts';

const PLAIN = 0;
const ZSTD = 1;
/** Fewer points do not shrink enough to be worth zstd's 30 µs. */
const ZSTD_FROM_POINTS = 240;
/** Far above what a chunk can hold; a bomb is refused. */
const MAX_BYTES = 64 << 20;

/** Good, no flags, the unit of the series. */
const USUAL = '0';

/** What most points of a chunk share. */
interface State {
  quality: Quality;
  flags: readonly Flag[];
  unit?: string;
}

export function encodePoints(points: readonly StoredPoint[]): Uint8Array {
  const out = new ByteWriter();
  out.byte(PLAIN);
  out.varint(points.length);
  writeTimes(out, points);
  writeValues(out, points.map(({ value }) => value));
  writeStates(out, points);
  writeWindows(out, points);
  const plain = out.done();
  if (points.length < ZSTD_FROM_POINTS) return plain;
  const packed = zstdCompressSync(plain.subarray(1), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  if (packed.length + 1 >= plain.length) return plain;
  return Buffer.concat([Uint8Array.of(ZSTD), packed]);
}

/** @throws when the bytes are not what encodePoints gave */
export function decodePoints(bytes: Uint8Array): StoredPoint[] {
  const body = bytes.subarray(1);
  if (bytes[0] !== PLAIN && bytes[0] !== ZSTD) throw new Unreadable(`marker ${bytes[0]}`);
  const input = new ByteReader(bytes[0] === ZSTD ? zstdDecompressSync(body, { maxOutputLength: MAX_BYTES }) : body);
  const count = input.count(1);
  const times = readTimes(input, count);
  const values = readValues(input, count);
  const points = times.map((time, at): StoredPoint => ({ at: time, value: values[at] as Value, quality: 'good', flags: [] }));
  readStates(input, points);
  readWindows(input, points);
  if (input.left > 0) throw new Unreadable('goes on too long');
  return points;
}

const AS_THEY_ARE = 0;
const DELTAS = 1;
const GRID = 2;

/** By whichever costs least: delta of delta, or how far each is from an even grid; odd ones (never seen in practice) as they are. */
function writeTimes(out: ByteWriter, points: readonly StoredPoint[]): void {
  if (!points.every(({ at }) => Number.isSafeInteger(at) && !Object.is(at, -0) && Math.abs(at) <= MAX_WHOLE / 8)) {
    out.byte(AS_THEY_ARE);
    for (const { at } of points) out.float(at);
    return;
  }
  const deltas = deltasOf(points);
  const [first, step] = gridOf(points);
  const distances = points.map(({ at }, place) => at - onGrid(first, step, place));
  const isGrid = costOf(distances) < costOf(deltas);
  out.byte(isGrid ? GRID : DELTAS);
  if (isGrid) {
    out.zigzag(first);
    out.float(step);
  }
  for (const number of isGrid ? distances : deltas) out.zigzag(number);
}

function deltasOf(points: readonly StoredPoint[]): number[] {
  let previous = 0;
  let previousStep = 0;
  return points.map(({ at }) => {
    const step = at - previous;
    const delta = step - previousStep;
    // The first step is from nothing and says nothing about the second.
    previousStep = previous === 0 ? 0 : step;
    previous = at;
    return delta;
  });
}

/** The grid that the first and the last point lie on. */
function gridOf(points: readonly StoredPoint[]): [first: number, step: number] {
  const first = points[0]?.at ?? 0;
  return [first, ((points.at(-1)?.at ?? 0) - first) / Math.max(1, points.length - 1)];
}

const onGrid = (first: number, step: number, place: number): number => first + Math.round(step * place);

/** In bits, about. */
const costOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + Math.log2(1 + 2 * Math.abs(number)), 0);

function readTimes(input: ByteReader, count: number): number[] {
  const mode = input.byte();
  const times: number[] = [];
  if (mode === GRID) {
    const first = input.zigzag();
    const step = input.float();
    for (let at = 0; at < count; at += 1) times.push(onGrid(first, step, at) + input.zigzag());
    return times;
  }
  let previous = 0;
  let previousStep = 0;
  for (let at = 0; at < count; at += 1) {
    if (mode !== DELTAS) {
      times.push(input.float());
      continue;
    }
    const step = previousStep + input.zigzag();
    previousStep = previous === 0 ? 0 : step;
    previous += step;
    times.push(previous);
  }
  return times;
}

function stateKey({ quality, flags, extra }: StoredPoint): string {
  if (quality === 'good' && flags.length === 0 && extra?.unit === undefined) return USUAL;
  return `${QUALITIES.indexOf(quality)}${flags.map((flag) => FLAGS.indexOf(flag)).join('.')}${extra?.unit === undefined ? '' : ` ${extra.unit}`}`;
}

function parseState(key: string): State {
  const match = /^(\d)([\d.]*)(?: ([^]*))?$/.exec(key);
  if (!match) throw new Unreadable('a state that is none');
  const [, quality, flags, unit] = match;
  return {
    quality: QUALITIES[Number(quality)] as Quality,
    flags: flags ? flags.split('.').map((place) => FLAGS[Number(place)] as Flag) : [],
    ...(unit === undefined ? {} : { unit }),
  };
}

/** The states, the usual one first; then runs of others, each with the number of usual ones before it. */
function writeStates(out: ByteWriter, points: readonly StoredPoint[]): void {
  const counts = new Map<string, number>();
  const keys = points.map(stateKey);
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const states = [...counts].toSorted(([, a], [, b]) => b - a).map(([key]) => key);
  const places = new Map(states.map((key, place) => [key, place]));
  out.text(states.length === 1 && states[0] === USUAL ? '' : JSON.stringify(states));
  if (states.length < 2) return;
  for (let at = 0; at < keys.length;) {
    const start = at;
    while (at < keys.length && keys[at] === states[0]) at += 1;
    out.varint(at - start);
    if (at === keys.length) return;
    const run = at;
    while (at < keys.length && keys[at] === keys[run]) at += 1;
    const alone = at - run === 1;
    out.varint((places.get(keys[run] as string) as number) * 2 + (alone ? 0 : 1));
    if (!alone) out.varint(at - run);
  }
}

function readStates(input: ByteReader, points: StoredPoint[]): void {
  const text = input.text();
  if (text === '') return;
  const states = (JSON.parse(text) as string[]).map(parseState);
  const paint = (from: number, to: number, place: number): void => {
    const state = states[place];
    if (!state || to > points.length) throw new Unreadable('a state that is not there');
    for (const point of points.slice(from, to)) {
      point.quality = state.quality;
      point.flags = [...state.flags];
      if (state.unit !== undefined) point.extra = { unit: state.unit };
    }
  };
  if (states.length === 1) return paint(0, points.length, 0);
  for (let at = 0; at < points.length;) {
    const usual = input.varint();
    paint(at, at + usual, 0);
    at += usual;
    if (at === points.length) return;
    const run = input.varint();
    const length = run % 2 === 0 ? 1 : input.varint();
    if (length === 0) throw new Unreadable('an empty run');
    paint(at, at + length, Math.floor(run / 2));
    at += length;
  }
}

/** Which points have a window (in runs, as booleans are), then its five columns; ends as distance from the point's time. */
function writeWindows(out: ByteWriter, points: readonly StoredPoint[]): void {
  const some = points.filter(({ extra }) => extra?.window);
  out.varint(some.length);
  if (some.length === 0) return;
  writeValues(out, points.map(({ extra }) => extra?.window !== undefined));
  const relative = some.every(({ at, extra }) => [extra?.window?.fromAt, extra?.window?.toAt].every((end) => Number.isSafeInteger(end) && Number.isSafeInteger(at)));
  out.byte(relative ? 1 : 0);
  const windows = some.map(({ at, extra }) => ({ ...(extra?.window as Window), base: relative ? at : 0 }));
  writeValues(out, windows.map(({ fromAt, base }) => fromAt - base));
  writeValues(out, windows.map(({ toAt, base }) => toAt - base));
  writeValues(out, windows.map(({ count }) => count));
  writeValues(out, windows.map(({ min }) => min ?? null));
  writeValues(out, windows.map(({ max }) => max ?? null));
}

function readWindows(input: ByteReader, points: readonly StoredPoint[]): void {
  const count = input.varint();
  if (count === 0) return;
  const has = readValues(input, points.length);
  const some = points.filter((_, at) => has[at] === true);
  if (some.length !== count) throw new Unreadable('windows and points differ in number');
  const relative = input.byte() === 1;
  const [from, to, counts, mins, maxs] = Array.from({ length: 5 }, () => readValues(input, count) as (number | null)[]) as [number[], number[], number[], (number | null)[], (number | null)[]];
  some.forEach((point, at) => {
    const base = relative ? point.at : 0;
    const [min, max] = [mins[at], maxs[at]];
    const window: Window = { fromAt: (from[at] as number) + base, toAt: (to[at] as number) + base, count: counts[at] as number, ...(min == null ? {} : { min }), ...(max == null ? {} : { max }) };
    const extra: RowExtra = { ...point.extra, window };
    point.extra = extra;
  });
}
