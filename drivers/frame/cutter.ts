/**
 * Frames out of a stream, as the description frames them. What was cut depends on the bytes alone, never on how they
 * arrive. A frame is one when its length, its terminator and its checksum are right; whatever else stands there is passed
 * over byte by byte, so a broken frame hides none behind it.
 */
import { checksumOf } from './checksum.ts';
import type { Protocol } from './protocol-types.ts';

/** `bytes`: the frame with byte stuffing taken out; `raw`: as it came. Or what was no frame; `short`: begun and never whole. */
export type Cut = { is: 'frame'; bytes: Buffer; raw: Buffer } | { is: 'checksum' | 'short' | 'noise'; bytes: Buffer };

/** A peer that speaks another protocol without end is told of in pieces. */
const NOISE_BYTES = 1024;
/** In a row, within which a good one is looked for. */
const MOST_BROKEN = 32;
const SHOWN_BYTES = 24;

type At = { is: 'more' } | { is: 'none' } | { is: 'checksum'; length: number } | { is: 'frame'; bytes: Buffer; length: number };

export class FrameCutter {
  readonly #protocol: Protocol;
  #held: Buffer = Buffer.alloc(0);
  #noise: Buffer[] = [];
  #noiseBytes = 0;
  #broken = 0;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** Bytes that came, in order. */
  feed(bytes: Uint8Array): Cut[] {
    const held = this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const cuts: Cut[] = [];
    let at = 0;
    let passedFrom = 0;
    while (at < held.length) {
      const found = frameAt(held.subarray(at), this.#protocol);
      if (found.is === 'more') break;
      if (found.is === 'none') {
        at += 1;
        continue;
      }
      this.#pass(held.subarray(passedFrom, at), cuts);
      this.#toldNoise(cuts);
      cuts.push(found.is === 'frame' ? { is: 'frame', bytes: found.bytes, raw: held.subarray(at, at + found.length) } : { is: 'checksum', bytes: held.subarray(at, at + found.length) });
      this.#broken = found.is === 'frame' ? 0 : this.#broken + 1;
      // Only the head of a broken one is passed over: it may hide the next. Where nothing else comes, each byte is
      // looked at once, or a peer that sends heads without end would have each counted over all that follows.
      at += found.is === 'frame' || this.#broken > MOST_BROKEN ? found.length : Math.max(1, this.#protocol.header.length);
      passedFrom = at;
    }
    this.#pass(held.subarray(passedFrom, at), cuts);
    this.#held = held.subarray(at);
    return cuts;
  }

  /** Nothing more comes: what was begun is cut short. */
  end(): Cut[] {
    const cuts: Cut[] = [];
    this.#toldNoise(cuts);
    if (this.#held.length > 0) cuts.push({ is: 'short', bytes: this.#held });
    this.reset();
    return cuts;
  }

  /** What was begun is given up: the next byte begins anew. */
  reset(): void {
    this.#held = Buffer.alloc(0);
  }

  #pass(bytes: Buffer, cuts: Cut[]): void {
    const { idle } = this.#protocol;
    const kept = idle.length === 0 ? bytes : bytes.filter((byte) => !idle.includes(byte));
    if (kept.length === 0) return;
    this.#noise.push(Buffer.from(kept));
    this.#noiseBytes += kept.length;
    if (this.#noiseBytes < NOISE_BYTES) return;
    let all = Buffer.concat(this.#noise);
    for (; all.length >= NOISE_BYTES; all = all.subarray(NOISE_BYTES)) cuts.push({ is: 'noise', bytes: all.subarray(0, NOISE_BYTES) });
    this.#noise = all.length > 0 ? [all] : [];
    this.#noiseBytes = all.length;
  }

  #toldNoise(cuts: Cut[]): void {
    if (this.#noiseBytes === 0) return;
    const noise = Buffer.concat(this.#noise);
    // What is left of a broken frame ends with its terminator; alone it is nothing to speak of.
    if (!noise.equals(this.#protocol.terminator)) cuts.push({ is: 'noise', bytes: noise });
    this.#noise = [];
    this.#noiseBytes = 0;
  }
}

/** What is told of a frame that never became whole. */
export function shortOf(bytes: Buffer): { detail: string; detailZh: string } {
  const hex = bytes.toString('hex', 0, SHOWN_BYTES);
  return { detail: `a frame cut short after ${bytes.length} bytes: ${hex}`, detailZh: `帧不完整，只有 ${bytes.length} 字节：${hex}` };
}

/** What stands at the head of `held`, of which there is at least a byte. */
export function frameAt(held: Buffer, protocol: Protocol): At {
  const { header } = protocol;
  for (let at = 0; at < header.length; at += 1) {
    if (at >= held.length) return { is: 'more' };
    if (held[at] !== header[at]) return { is: 'none' };
  }
  if (protocol.length || protocol.fixed !== null) return counted(held, protocol);
  return terminated(held, protocol);
}

function counted(held: Buffer, protocol: Protocol): At {
  const { terminator, maxBytes } = protocol;
  const total = protocol.fixed ?? lengthAt(held, protocol);
  if (total === 'more') return { is: 'more' };
  if (total > maxBytes || total < leastBytes(protocol)) return { is: 'none' };
  if (held.length < total) return { is: 'more' };
  const frame = held.subarray(0, total);
  if (terminator.length > 0 && !endsWith(frame, terminator)) return { is: 'none' };
  // Without a header every byte might begin a frame: a checksum that is wrong then says nothing.
  if (!isRight(frame, protocol)) return protocol.header.length > 0 ? { is: 'checksum', length: total } : { is: 'none' };
  return { is: 'frame', bytes: frame, length: total };
}

/** NaN where there is no number, which is no length. */
function lengthAt(held: Buffer, { length, header }: Protocol): number | 'more' {
  if (!length) return NaN;
  const { at, size, type, order, mask, times, plus } = length;
  if (held.length < Math.max(at + size, header.length)) return 'more';
  let value: number;
  if (type === 'digits') value = numberOf(held.toString('latin1', at, at + size), /^\d+$/, 10);
  else if (type === 'hex-digits') value = numberOf(held.toString('latin1', at, at + size), /^[0-9A-Fa-f]+$/, 16);
  else if (type === 'bcd') value = numberOf(held.toString('hex', at, at + size), /^\d+$/, 10);
  else value = order === 'big' ? held.readUIntBE(at, size) : held.readUIntLE(at, size);
  if (Number.isNaN(value)) return Infinity;
  return (mask === null ? value : (value & mask) >>> 0) * times + plus;
}

function numberOf(text: string, form: RegExp, base: number): number {
  return form.test(text) ? Number.parseInt(text, base) : NaN;
}

function leastBytes({ header, trailerBytes, length }: Protocol): number {
  return Math.max(1, header.length + trailerBytes, length ? length.at + length.size : 0);
}

function terminated(held: Buffer, protocol: Protocol): At {
  const { header, terminator, maxBytes } = protocol;
  const within = held.subarray(0, maxBytes);
  const end = within.indexOf(terminator, header.length);
  const next = header.length > 0 && !protocol.escape ? within.indexOf(header, header.length) : -1;
  // Another header before the end: what began here was cut off. Text lines may hold their header's byte, so only long ones.
  const isCutOff = header.length > 1 && next > 0 && (end < 0 || next < end);
  if (isCutOff) return { is: 'none' };
  if (end < 0) return held.length >= maxBytes ? { is: 'none' } : { is: 'more' };
  const length = end + terminator.length;
  // Where one byte opens and closes, two in a row are a close and an open.
  if (length > maxBytes || (end === header.length && protocol.escape)) return { is: 'none' };
  const frame = protocol.escape ? unstuffed(held.subarray(0, length), protocol) : held.subarray(0, length);
  if (!frame || frame.length < leastBytes(protocol)) return { is: 'none' };
  if (!isRight(frame, protocol)) return header.length > 0 ? { is: 'checksum', length } : { is: 'none' };
  return { is: 'frame', bytes: frame, length };
}

/** @returns null where an escape stands that means nothing, and no checksum is there to judge */
export function unstuffed(raw: Buffer, { escape, header, terminator, checksum }: Protocol): Buffer | null {
  if (!escape) return raw;
  const frame = Buffer.alloc(raw.length);
  let length = raw.copy(frame, 0, 0, header.length);
  const end = raw.length - terminator.length;
  for (let at = header.length; at < end; at += 1) {
    const byte = raw[at] as number;
    if (!escape.some(({ first }) => first === byte)) frame[length++] = byte;
    else {
      const pair = at + 1 < end ? escape.find(({ first, second }) => first === byte && second === raw[at + 1]) : undefined;
      // Some forget to stuff the escape itself; where a checksum stands to say so, it is taken as it is.
      if (!pair && !checksum) return null;
      frame[length++] = pair ? pair.meant : byte;
      if (pair) at += 1;
    }
  }
  length += raw.copy(frame, length, end);
  return frame.subarray(0, length);
}

/** Whether the check value is that of the frame; where there is none, it is. */
export function isRight(frame: Uint8Array, { checksum, header }: Protocol): boolean {
  if (!checksum) return true;
  const { type, from, size, order, isText } = checksum;
  const at = frame.length + checksum.at;
  const to = checksum.to < 0 ? frame.length + checksum.to : checksum.to;
  if (at < header.length || to < from || to > frame.length) return false;
  const value = checksumOf(type, frame, from, to);
  if (isText) return Buffer.from(frame.subarray(at, at + size)).toString('latin1').toUpperCase() === value.toString(16).toUpperCase().padStart(size, '0');
  let said = 0;
  for (let place = 0; place < size; place += 1) said = said * 256 + (frame[at + (order === 'big' ? place : size - 1 - place)] as number);
  return said === value;
}

function endsWith(frame: Uint8Array, tail: Uint8Array): boolean {
  return tail.every((byte, place) => frame[frame.length - tail.length + place] === byte);
}
