/**
 * A chunk: a closed span of one series, compressed, with a head that answers for it where single values are not asked
 * for. Head and body carry a sum each: what is damaged is left out and named, never read as something else.
 */
import { crc32 } from 'node:zlib';
import { FLAGS, type Flag } from '../../core/event.ts';
import { decodePoints, encodePoints } from './codec/points.ts';
import type { StoredPoint } from './rows.ts';

/** A chunk never spans more: what overlaps a time is found by looking a day back. */
export const CHUNK_SPAN_MS = 86_400_000;
/** Enough for zstd to pay, few enough to read one value quickly. */
export const CHUNK_POINTS = 512;

export interface ChunkHead {
  s: number;
  fromAt: number;
  n0: number;
  toAt: number;
  count: number;
  good: number;
  bad: number;
  /** A bit for each flag that occurs, by its place in FLAGS. */
  flags: number;
  /** Of how many numbers `sum` is. */
  numbers: number;
  /** Lowest and highest as buckets show them: windows with their extremes, true as 1; null when there is neither. */
  low: number | null;
  high: number | null;
  sum: number;
  /** 1 when low, high, sum and numbers are also those of the good and uncertain numbers alone. */
  plain: 0 | 1;
  bodyCrc: number;
  headCrc: number;
}

export interface Chunk extends ChunkHead {
  body: Uint8Array;
}

/** @param points of one series, by time, at least one, spanning less than CHUNK_SPAN_MS */
export function makeChunk(s: number, n0: number, points: readonly StoredPoint[]): Chunk {
  const body = encodePoints(points);
  const head: ChunkHead = {
    s, n0, fromAt: (points[0] as StoredPoint).at, toAt: (points.at(-1) as StoredPoint).at, count: points.length,
    good: 0, bad: 0, flags: 0, numbers: 0, low: null, high: null, sum: 0, plain: 1, bodyCrc: crc32(body), headCrc: 0,
  };
  for (const { value, quality, flags, extra } of points) {
    if (quality === 'good') head.good += 1;
    if (quality === 'bad') head.bad += 1;
    for (const flag of flags) head.flags |= 1 << FLAGS.indexOf(flag);
    if (value === null || typeof value === 'string') continue;
    const low = extra?.window?.min ?? Number(value);
    const high = extra?.window?.max ?? Number(value);
    head.low = Math.min(head.low ?? low, low);
    head.high = Math.max(head.high ?? high, high);
    if (quality === 'bad' || typeof value === 'boolean' || low !== value || high !== value) head.plain = 0;
    if (typeof value !== 'number') continue;
    head.sum += value;
    head.numbers += 1;
  }
  return { ...head, headCrc: sumOfHead(head), body };
}

export const isIntact = (head: ChunkHead): boolean => sumOfHead(head) === head.headCrc;

/** @throws when the body is not what was written */
export function pointsOf(head: ChunkHead, body: Uint8Array): StoredPoint[] {
  if (crc32(body) !== head.bodyCrc) throw new Error('its sum is wrong');
  const points = decodePoints(body);
  if (points.length !== head.count) throw new Error(`${points.length} points, ${head.count} wanted`);
  return points;
}

export const flagsOf = (head: ChunkHead): Flag[] => FLAGS.filter((_, place) => (head.flags & (1 << place)) !== 0);

const NUMBERS = new Float64Array(14);
const NUMBER_BYTES = new Uint8Array(NUMBERS.buffer);

function sumOfHead({ s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc }: ChunkHead): number {
  NUMBERS.set([s, fromAt, n0, toAt, count, good, bad, flags, numbers, low ?? Infinity, high ?? -Infinity, sum, plain, bodyCrc]);
  return crc32(NUMBER_BYTES);
}

export const HEAD_COLUMNS = 's, from_at, n0, to_at, count, good, bad, flags, numbers, low, high, sum, plain, body_crc, head_crc';
type HeadRow = [number, number, number, number, number, number, number, number, number, number | null, number | null, number, 0 | 1, number, number];

export function headOf(row: unknown): ChunkHead {
  const [s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc, headCrc] = row as HeadRow;
  return { s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc, headCrc };
}

/** For INSERT INTO chunk (HEAD_COLUMNS, body). */
export function chunkRow({ s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc, headCrc, body }: Chunk): (bigint | number | null | Uint8Array)[] {
  return [BigInt(s), BigInt(fromAt), BigInt(n0), BigInt(toAt), BigInt(count), BigInt(good), BigInt(bad), BigInt(flags), BigInt(numbers), low, high, sum, BigInt(plain), BigInt(bodyCrc), BigInt(headCrc), body];
}
