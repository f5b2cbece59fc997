/**
 * A block: fresh points of any series as columns, which is how they come, travel between threads and lie on disk. Numbers
 * lie in typed arrays; what few points have (flags, texts, windows) stands beside them. A sum over all of it tells when
 * a block is not what was written.
 */
import { crc32 } from 'node:zlib';
import { QUALITIES, type Flag, type Quality, type Value } from '../../core/event.ts';
import type { RowExtra, StoredPoint } from './rows.ts';

export interface PointColumns {
  ids: Int32Array;
  times: Float64Array;
  /** Where a value is no number, `details` has it. */
  values: Float64Array;
  /** The place of the quality in QUALITIES, and NO_NUMBER on top of it. */
  codes: Uint8Array;
  /** By place, growing. */
  details: PointDetails[];
}

interface PointDetails {
  place: number;
  /** Absent for numbers. */
  value?: Value;
  flags?: Flag[];
  extra?: RowExtra;
}

const NO_NUMBER = 4;
const QUALITY_BITS = 3;
/** Numbers with a lower code count in windows: those that are not bad. */
export const BAD_CODE = 2;

const HEADER_BYTES = 16;
const ROW_BYTES = 21;

/** Gathers points, at most so many, in memory that other threads are given to read and not to copy. */
export class PointsBuilder {
  readonly #columns: PointColumns;
  count = 0;

  constructor(most: number) {
    this.#columns = room(most, new SharedArrayBuffer(most * ROW_BYTES));
  }

  number(id: number, at: number, value: number, code: number): void {
    const { ids, times, values, codes } = this.#columns;
    ids[this.count] = id;
    times[this.count] = at;
    // −0 is 0, on the wire as in SQLite.
    values[this.count] = value + 0;
    codes[this.count] = code;
    this.count += 1;
  }

  point(id: number, { at, value, quality, flags, extra }: StoredPoint): void {
    const isNumber = typeof value === 'number';
    if (!isNumber || flags.length > 0 || extra) {
      this.#columns.details.push({
        place: this.count,
        ...(isNumber ? {} : { value }),
        ...(flags.length > 0 ? { flags } : {}),
        ...(extra ? { extra } : {}),
      });
    }
    this.number(id, at, isNumber ? value : 0, QUALITIES.indexOf(quality) | (isNumber ? 0 : NO_NUMBER));
  }

  /** Nothing is added after this. */
  done(): PointColumns {
    const { ids, times, values, codes, details } = this.#columns;
    const { count } = this;
    return {
      ids: ids.subarray(0, count),
      times: times.subarray(0, count),
      values: values.subarray(0, count),
      codes: codes.subarray(0, count),
      details,
    };
  }
}

function room(count: number, memory: ArrayBufferLike = new ArrayBuffer(count * ROW_BYTES)): PointColumns {
  return {
    times: new Float64Array(memory, 0, count),
    values: new Float64Array(memory, count * 8, count),
    ids: new Int32Array(memory, count * 16, count),
    codes: new Uint8Array(memory, count * 20, count),
    details: [],
  };
}

/** Gives the points of a block by their place; asked for in growing order it looks nothing up twice. */
export function pointReader(columns: PointColumns): (place: number) => StoredPoint {
  const detailsByPlace = columns.details.length > 0 ? new Map(columns.details.map((one) => [one.place, one])) : null;
  return (place) => {
    const code = columns.codes[place] as number;
    const more = detailsByPlace?.get(place);
    const point: StoredPoint = {
      at: columns.times[place] as number,
      value: code & NO_NUMBER ? (more?.value ?? null) : (columns.values[place] as number),
      quality: QUALITIES[code & QUALITY_BITS] as Quality,
      flags: more?.flags ?? [],
    };
    if (more?.extra) point.extra = more.extra;
    return point;
  };
}

/** Points at some places, in that order. */
export function pickPoints(columns: PointColumns, places: readonly number[] | Uint32Array): PointColumns {
  const picked = room(places.length);
  const detailsByPlace = columns.details.length > 0 ? new Map(columns.details.map((one) => [one.place, one])) : null;
  for (let to = 0; to < places.length; to += 1) {
    const from = places[to] as number;
    picked.ids[to] = columns.ids[from] as number;
    picked.times[to] = columns.times[from] as number;
    picked.values[to] = columns.values[from] as number;
    picked.codes[to] = columns.codes[from] as number;
    const more = detailsByPlace?.get(from);
    if (more) picked.details.push({ ...more, place: to });
  }
  return picked;
}

/** One after the other. */
export function join(parts: readonly PointColumns[]): PointColumns {
  const joined = room(parts.reduce((sum, { ids }) => sum + ids.length, 0));
  let at = 0;
  for (const { ids, times, values, codes, details } of parts) {
    joined.ids.set(ids, at);
    joined.times.set(times, at);
    joined.values.set(values, at);
    joined.codes.set(codes, at);
    for (const one of details) joined.details.push({ ...one, place: one.place + at });
    at += ids.length;
  }
  return joined;
}

/** All places, by series and within one by time; those of equal times as they came. */
export function placesInOrder({ ids, times }: PointColumns): Uint32Array {
  const [lowest, highest] = ends(ids);
  const starts = new Uint32Array(Math.max(0, highest - lowest) + 2);
  for (const id of ids) starts[id - lowest + 1] = (starts[id - lowest + 1] as number) + 1;
  for (let at = 1; at < starts.length; at += 1) starts[at] = (starts[at] as number) + (starts[at - 1] as number);
  const free = starts.slice();
  const places = new Uint32Array(ids.length);
  for (let place = 0; place < ids.length; place += 1) {
    const slot = (ids[place] as number) - lowest;
    places[free[slot] as number] = place;
    free[slot] = (free[slot] as number) + 1;
  }
  const byTime = (a: number, b: number): number => (times[a] as number) - (times[b] as number) || a - b;
  for (let slot = 0; slot + 1 < starts.length; slot += 1) {
    const ofOne = places.subarray(starts[slot], starts[slot + 1]);
    // They mostly came in the order of their times.
    if (!ofOne.every((place, at) => at === 0 || (times[place] as number) >= (times[ofOne[at - 1] as number] as number))) ofOne.sort(byTime);
  }
  return places;
}

export function ends(column: Float64Array | Int32Array): [lowest: number, highest: number] {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let at = 0; at < column.length; at += 1) {
    const value = column[at] as number;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}

/** times, values, ids, codes and the details as JSON, behind a header of sum, count and length of the latter. */
export function encodeBlock({ ids, times, values, codes, details }: PointColumns): Uint8Array {
  const count = ids.length;
  const text = Buffer.from(details.length > 0 ? JSON.stringify(details) : '');
  const body = new Uint8Array(HEADER_BYTES + count * ROW_BYTES + text.length);
  body.set(bytesOf(times), HEADER_BYTES);
  body.set(bytesOf(values), HEADER_BYTES + count * 8);
  body.set(bytesOf(ids), HEADER_BYTES + count * 16);
  body.set(codes, HEADER_BYTES + count * 20);
  body.set(text, HEADER_BYTES + count * ROW_BYTES);
  const header = new Uint32Array(body.buffer, 0, 4);
  header[1] = count;
  header[2] = text.length;
  header[0] = crc32(body.subarray(4));
  return body;
}

/** @throws when the bytes are not what was written */
export function decodeBlock(bytes: Uint8Array): PointColumns {
  // Columns begin at multiples of eight of their own buffer.
  const body = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  if (body.length < HEADER_BYTES) throw new Error(`${body.length} bytes`);
  const [sum = 0, count = 0, textBytes = 0] = new Uint32Array(body.buffer, body.byteOffset, 4);
  if (crc32(body.subarray(4)) !== sum || body.length !== HEADER_BYTES + count * ROW_BYTES + textBytes) throw new Error('its sum is wrong');
  const at = body.byteOffset + HEADER_BYTES;
  const text = Buffer.from(body.buffer, at + count * ROW_BYTES, textBytes).toString('utf8');
  return {
    times: new Float64Array(body.buffer, at, count),
    values: new Float64Array(body.buffer, at + count * 8, count),
    ids: new Int32Array(body.buffer, at + count * 16, count),
    codes: new Uint8Array(body.buffer, at + count * 20, count),
    details: textBytes > 0 ? (JSON.parse(text) as PointDetails[]) : [],
  };
}

const bytesOf = (column: Float64Array | Int32Array): Uint8Array => new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
