/**
 * Writes the points of a chunk, in their order, each exactly as it was. Times as delta of delta or as distance from a
 * grid, values by `values.ts`, quality, flags and foreign unit as runs that differ from the usual, windows as columns;
 * zstd when it shrinks.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import type { Window } from '../../../core/event.ts';
import type { StoredPoint } from '../rows.ts';
import { ByteWriter, MAX_WHOLE } from './bytes.ts';
import { RAW_TIMES, DELTAS, GRID, onGrid, PLAIN, stateKey, USUAL, ZSTD } from './layout.ts';
import { writeValues } from './values.ts';

/** Fewer points do not shrink enough to be worth zstd's 30 µs. */
const ZSTD_FROM_POINTS = 240;

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

/** By whichever costs least: delta of delta, or how far each is from an even grid; odd ones (never seen in practice) as they are. */
function writeTimes(out: ByteWriter, points: readonly StoredPoint[]): void {
  if (!points.every(({ at }) => Number.isSafeInteger(at) && !Object.is(at, -0) && Math.abs(at) <= MAX_WHOLE / 8)) {
    out.byte(RAW_TIMES);
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

/** In bits, about. */
const costOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + Math.log2(1 + 2 * Math.abs(number)), 0);

/** The states, the usual one first; then runs of others, each with the number of usual ones before it. */
function writeStates(out: ByteWriter, points: readonly StoredPoint[]): void {
  const counts = new Map<string, number>();
  const keys = points.map(({ quality, flags, extra }) =>
    stateKey(extra?.unit === undefined ? { quality, flags } : { quality, flags, unit: extra.unit }),
  );
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

/** Which points have a window (in runs, as booleans are), then its five columns; ends as distance from the point's time. */
function writeWindows(out: ByteWriter, points: readonly StoredPoint[]): void {
  const some = points.filter(({ extra }) => extra?.window);
  out.varint(some.length);
  if (some.length === 0) return;
  writeValues(
    out,
    points.map(({ extra }) => extra?.window !== undefined),
  );
  const relative = some.every(({ at, extra }) =>
    [extra?.window?.fromAt, extra?.window?.toAt].every((end) => Number.isSafeInteger(end) && Number.isSafeInteger(at)),
  );
  out.byte(relative ? 1 : 0);
  const windows = some.map(({ at, extra }) => ({ ...(extra?.window as Window), base: relative ? at : 0 }));
  writeValues(out, windows.map(({ fromAt, base }) => fromAt - base));
  writeValues(out, windows.map(({ toAt, base }) => toAt - base));
  writeValues(out, windows.map(({ count }) => count));
  writeValues(out, windows.map(({ min }) => min ?? null));
  writeValues(out, windows.map(({ max }) => max ?? null));
}
