/**
 * A chunk: a closed span of one series, compressed, with a head that answers for it where single values are not asked
 * for. Head and body carry a sum each: what is damaged is left out and named, never read as something else.
 */
import { crc32 } from 'node:zlib';
import { FLAGS, type Flag } from '../../core/event.ts';
import { ChunkColumns } from './codec/columns.ts';
import { encodePoints } from './codec/points.ts';
import type { StoredPoint } from './rows.ts';

/** A chunk never spans more: what overlaps a time is found by looking a day back. */
export const CHUNK_SPAN_MS = 86_400_000;
/**
 * Bytes of a body: with its head, two fill a page of 4 KB. Whatever is a little too large for its share of a page wastes
 * most of another one; here that would be a quarter of the file.
 */
const BODY_BYTES = 1944;
/** Above this a single value takes too long to read. */
const MAX_POINTS = 2048;
/** A body that is so full takes no more at its end. */
const FULL_SHARE = 0.85;

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
function makeChunk(s: number, n0: number, points: readonly StoredPoint[]): Chunk {
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

export const hasRoom = (bodyBytes: number): boolean => bodyBytes < BODY_BYTES * FULL_SHARE;

/**
 * Cuts points of one series into chunks by bytes and by time.
 *
 * @param n0 how many points of the first one's time lie in chunks before it
 * @param atEnd of the series: full ones; elsewhere, where more may come late, with room left
 */
export function makeChunks(s: number, n0: number, points: readonly StoredPoint[], atEnd: boolean): Chunk[] {
  const chunks: Chunk[] = [];
  let mostBytes = BODY_BYTES;
  let nth = n0;
  for (let from = 0; from < points.length;) {
    const chunk = firstChunk(s, nth, points, from, mostBytes);
    if (!atEnd && from === 0 && chunk.count < points.length) {
      // More than one: rather two that are half full than a full one and crumbs.
      mostBytes = BODY_BYTES * 0.6;
      chunks.push(firstChunk(s, nth, points, from, mostBytes));
    } else {
      chunks.push(chunk);
    }
    const made = chunks.at(-1) as Chunk;
    from += made.count;
    nth = nthOfTime(points, from, n0);
  }
  return chunks;
}

/** Of how many equal times before it a point is, those before the first included. */
function nthOfTime(points: readonly StoredPoint[], place: number, n0: number): number {
  const at = points[place]?.at;
  let first = place;
  while (first > 0 && points[first - 1]?.at === at) first -= 1;
  return place - first + (first === 0 ? n0 : 0);
}

/** As many points as fit, found by trying: how well they shrink is known only then. */
function firstChunk(s: number, n0: number, points: readonly StoredPoint[], from: number, mostBytes: number): Chunk {
  const startsAt = (points[from] as StoredPoint).at;
  let most = Math.min(points.length - from, MAX_POINTS);
  if ((points[from + most - 1] as StoredPoint).at - startsAt >= CHUNK_SPAN_MS)
    most = points.slice(from, from + most).findIndex(({ at }) => at - startsAt >= CHUNK_SPAN_MS);
  let best: Chunk | null = null;
  let count = most;
  while (best === null || count > best.count) {
    const chunk = makeChunk(s, n0, points.slice(from, from + count));
    const share = chunk.body.length / mostBytes;
    if (share <= 1 || count === 1) {
      best = chunk;
      if (share > 0.98) break;
    } else {
      most = count - 1;
    }
    count = Math.max(1, Math.min(most, Math.floor((count * 0.993) / share)));
  }
  return best;
}

export const isIntact = (head: ChunkHead): boolean => sumOfHead(head) === head.headCrc;

/** @throws when the body is not what was written */
export function chunkColumns(head: ChunkHead, body: Uint8Array): ChunkColumns {
  if (crc32(body) !== head.bodyCrc) throw new Error('its sum is wrong');
  const columns = new ChunkColumns(body);
  if (columns.count !== head.count) throw new Error(`${columns.count} points, ${head.count} wanted`);
  return columns;
}

export const flagsOf = (head: ChunkHead): Flag[] => FLAGS.filter((_, place) => (head.flags & (1 << place)) !== 0);

const NUMBERS = new Float64Array(14);
const NUMBER_BYTES = new Uint8Array(NUMBERS.buffer);

function sumOfHead({ s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc }: ChunkHead): number {
  // SQLite gives −0 back as 0.
  NUMBERS.set([
    s,
    fromAt,
    n0,
    toAt,
    count,
    good,
    bad,
    flags,
    numbers,
    (low ?? Infinity) + 0,
    (high ?? -Infinity) + 0,
    sum + 0,
    plain,
    bodyCrc,
  ]);
  return crc32(NUMBER_BYTES);
}

export const HEAD_COLUMNS = 's, from_at, n0, to_at, count, good, bad, flags, numbers, low, high, sum, plain, body_crc, head_crc';
type HeadRow = [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number | null,
  number | null,
  number,
  0 | 1,
  number,
  number,
];

export function headOf(row: unknown): ChunkHead {
  const [s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc, headCrc] = row as HeadRow;
  return { s, fromAt, n0, toAt, count, good, bad, flags, numbers, low, high, sum, plain, bodyCrc, headCrc };
}

/** For INSERT INTO chunk (HEAD_COLUMNS, body). */
export function chunkRow({
  s,
  fromAt,
  n0,
  toAt,
  count,
  good,
  bad,
  flags,
  numbers,
  low,
  high,
  sum,
  plain,
  bodyCrc,
  headCrc,
  body,
}: Chunk): (bigint | number | null | Uint8Array)[] {
  return [
    BigInt(s),
    BigInt(fromAt),
    BigInt(n0),
    BigInt(toAt),
    BigInt(count),
    BigInt(good),
    BigInt(bad),
    BigInt(flags),
    BigInt(numbers),
    low,
    high,
    sum,
    BigInt(plain),
    BigInt(bodyCrc),
    BigInt(headCrc),
    body,
  ];
}
