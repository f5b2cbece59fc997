/**
 * Cuts frames out of a stream by the framing of a description. The result depends on the bytes alone, never on how they
 * are split. A frame is valid when its length, terminator and checksum are right; anything else is skipped byte by byte,
 * so that a broken frame hides none behind it.
 */
import { checksumOf } from './checksum.ts';
import type { FrameProtocol } from './protocol.ts';

/** `bytes`: the frame without byte stuffing; `raw`: as received. Or bytes that are not a frame; `short`: an incomplete one. */
export type FrameSegment = { is: 'frame'; bytes: Buffer; raw: Buffer } | { is: 'checksum' | 'short' | 'noise'; bytes: Buffer };

/** Noise without end is reported in pieces of this size. */
const NOISE_BYTES = 1024;
/** Broken frames in a row inside which a valid one is searched. */
const MAX_BROKEN = 32;
const SHOWN_BYTES = 24;

type FrameMatch = { is: 'more' } | { is: 'none' } | { is: 'checksum'; length: number } | { is: 'frame'; bytes: Buffer; length: number };

export class FrameCutter {
  readonly #protocol: FrameProtocol;
  #held: Buffer = Buffer.alloc(0);
  #noise: Buffer[] = [];
  #noiseBytes = 0;
  #broken = 0;

  constructor(protocol: FrameProtocol) {
    this.#protocol = protocol;
  }

  /** The next bytes of the stream. */
  feed(bytes: Uint8Array): FrameSegment[] {
    const held = this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const segments: FrameSegment[] = [];
    let at = 0;
    let skippedFrom = 0;
    while (at < held.length) {
      const found = findFrame(held.subarray(at), this.#protocol);
      if (found.is === 'more') break;
      if (found.is === 'none') {
        at += 1;
        continue;
      }
      this.#skip(held.subarray(skippedFrom, at), segments);
      this.#flushNoise(segments);
      segments.push(
        found.is === 'frame'
          ? { is: 'frame', bytes: found.bytes, raw: held.subarray(at, at + found.length) }
          : { is: 'checksum', bytes: held.subarray(at, at + found.length) },
      );
      this.#broken = found.is === 'frame' ? 0 : this.#broken + 1;
      // Only the head of a broken frame is skipped, as it may hide the next one. After many broken frames in a row the
      // whole frame is skipped, so that endless heads cost no more than other bytes.
      at += found.is === 'frame' || this.#broken > MAX_BROKEN ? found.length : Math.max(1, this.#protocol.header.length);
      skippedFrom = at;
    }
    this.#skip(held.subarray(skippedFrom, at), segments);
    this.#held = held.subarray(at);
    return segments;
  }

  /** The stream ended: an unfinished frame is reported. */
  end(): FrameSegment[] {
    const segments: FrameSegment[] = [];
    this.#flushNoise(segments);
    if (this.#held.length > 0) segments.push({ is: 'short', bytes: this.#held });
    this.reset();
    return segments;
  }

  /** Discards an unfinished frame. */
  reset(): void {
    this.#held = Buffer.alloc(0);
  }

  #skip(bytes: Buffer, segments: FrameSegment[]): void {
    const { idle } = this.#protocol;
    const kept = idle.length === 0 ? bytes : bytes.filter((byte) => !idle.includes(byte));
    if (kept.length === 0) return;
    this.#noise.push(Buffer.from(kept));
    this.#noiseBytes += kept.length;
    if (this.#noiseBytes < NOISE_BYTES) return;
    let all = Buffer.concat(this.#noise);
    for (; all.length >= NOISE_BYTES; all = all.subarray(NOISE_BYTES)) segments.push({ is: 'noise', bytes: all.subarray(0, NOISE_BYTES) });
    this.#noise = all.length > 0 ? [all] : [];
    this.#noiseBytes = all.length;
  }

  #flushNoise(segments: FrameSegment[]): void {
    if (this.#noiseBytes === 0) return;
    const noise = Buffer.concat(this.#noise);
    // The terminator left over from a broken frame is not worth reporting.
    if (!noise.equals(this.#protocol.terminator)) segments.push({ is: 'noise', bytes: noise });
    this.#noise = [];
    this.#noiseBytes = 0;
  }
}

/** Describes an incomplete frame, for faults. */
export function truncatedFrameDetail(bytes: Buffer): { detail: string; detailZh: string } {
  const hex = bytes.toString('hex', 0, SHOWN_BYTES);
  return { detail: `a frame cut short after ${bytes.length} bytes: ${hex}`, detailZh: `帧不完整，只有 ${bytes.length} 字节：${hex}` };
}

/** Whether a frame begins at the start of `held`, which has at least one byte. */
export function findFrame(held: Buffer, protocol: FrameProtocol): FrameMatch {
  const { header } = protocol;
  for (let at = 0; at < header.length; at += 1) {
    if (at >= held.length) return { is: 'more' };
    if (held[at] !== header[at]) return { is: 'none' };
  }
  if (protocol.length || protocol.fixed !== null) return findBySize(held, protocol);
  return findByTerminator(held, protocol);
}

function findBySize(held: Buffer, protocol: FrameProtocol): FrameMatch {
  const { terminator, maxBytes } = protocol;
  const total = protocol.fixed ?? lengthAt(held, protocol);
  if (total === 'more') return { is: 'more' };
  if (total > maxBytes || total < minFrameBytes(protocol)) return { is: 'none' };
  if (held.length < total) return { is: 'more' };
  const frame = held.subarray(0, total);
  if (terminator.length > 0 && !endsWith(frame, terminator)) return { is: 'none' };
  // Without a header every byte might begin a frame: a wrong checksum is no error then.
  if (!hasValidChecksum(frame, protocol)) return protocol.header.length > 0 ? { is: 'checksum', length: total } : { is: 'none' };
  return { is: 'frame', bytes: frame, length: total };
}

/** NaN or Infinity where there is no valid length. */
function lengthAt(held: Buffer, { length, header }: FrameProtocol): number | 'more' {
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

function minFrameBytes({ header, trailerBytes, length }: FrameProtocol): number {
  return Math.max(1, header.length + trailerBytes, length ? length.at + length.size : 0);
}

function findByTerminator(held: Buffer, protocol: FrameProtocol): FrameMatch {
  const { header, terminator, maxBytes } = protocol;
  const within = held.subarray(0, maxBytes);
  const end = within.indexOf(terminator, header.length);
  const next = header.length > 0 && !protocol.escape ? within.indexOf(header, header.length) : -1;
  // Another header before the end: this frame was cut off. Text may contain a one-byte header, so only longer ones count.
  const isCutOff = header.length > 1 && next > 0 && (end < 0 || next < end);
  if (isCutOff) return { is: 'none' };
  if (end < 0) return held.length >= maxBytes ? { is: 'none' } : { is: 'more' };
  const length = end + terminator.length;
  // Where header and terminator are the same byte, two in a row are the end of one frame and the start of the next.
  if (length > maxBytes || (end === header.length && protocol.escape)) return { is: 'none' };
  const frame = protocol.escape ? unstuff(held.subarray(0, length), protocol) : held.subarray(0, length);
  if (!frame || frame.length < minFrameBytes(protocol)) return { is: 'none' };
  if (!hasValidChecksum(frame, protocol)) return header.length > 0 ? { is: 'checksum', length } : { is: 'none' };
  return { is: 'frame', bytes: frame, length };
}

/** @returns null for an invalid escape sequence when there is no checksum to decide */
export function unstuff(raw: Buffer, { escape, header, terminator, checksum }: FrameProtocol): Buffer | null {
  if (!escape) return raw;
  const frame = Buffer.alloc(raw.length);
  let length = raw.copy(frame, 0, 0, header.length);
  const end = raw.length - terminator.length;
  for (let at = header.length; at < end; at += 1) {
    const byte = raw[at] as number;
    if (!escape.some(({ first }) => first === byte)) frame[length++] = byte;
    else {
      const pair = at + 1 < end ? escape.find(({ first, second }) => first === byte && second === raw[at + 1]) : undefined;
      // Some devices do not stuff the escape byte itself; with a checksum to decide, it is accepted.
      if (!pair && !checksum) return null;
      frame[length++] = pair ? pair.meant : byte;
      if (pair) at += 1;
    }
  }
  length += raw.copy(frame, length, end);
  return frame.subarray(0, length);
}

/** Whether the checksum is right; true where the protocol has none. */
export function hasValidChecksum(frame: Uint8Array, { checksum, header }: FrameProtocol): boolean {
  if (!checksum) return true;
  const { type, from, size, order, isText } = checksum;
  const at = frame.length + checksum.at;
  const to = checksum.to < 0 ? frame.length + checksum.to : checksum.to;
  if (at < header.length || to < from || to > frame.length) return false;
  const value = checksumOf(type, frame, from, to);
  if (isText)
    return (
      Buffer.from(frame.subarray(at, at + size))
        .toString('latin1')
        .toUpperCase() === value.toString(16).toUpperCase().padStart(size, '0')
    );
  let actual = 0;
  for (let index = 0; index < size; index += 1)
    actual = actual * 256 + (frame[at + (order === 'big' ? index : size - 1 - index)] as number);
  return actual === value;
}

function endsWith(frame: Uint8Array, tail: Uint8Array): boolean {
  return tail.every((byte, index) => frame[frame.length - tail.length + index] === byte);
}
