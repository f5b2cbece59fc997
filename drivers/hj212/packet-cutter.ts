/**
 * The packet of HJ 212: `##`, four digits of length, the data part, four hex digits of check value, CR LF
 * (HJ 212-2017, 6.3). Cuts packets out of a stream, and encodes them.
 *
 * The end of a packet is found from its data, not from its length alone: some loggers count wrong but end right. A packet
 * is valid when the check value after `&&` is that of its data, whatever its length; the result depends on the bytes
 * alone, never on how they are split.
 */
import { hj212Crc, crcKeyOfStart, crcKeyOfEnd, nextCrcSum } from './crc.ts';

const HASH = 0x23;
const AMPERSAND = 0x26;
const CR = 0x0d;
const LF = 0x0a;
export const PACKET_HEAD_BYTES = 6;
const CRC_BYTES = 4;
/** The most that four digits can express, though the standard ends at 1,024. */
const MAX_DATA_BYTES = 9999;
/** Noise without end is reported in pieces of this size. */
const NOISE_BYTES = 1024;

/** A segment of the stream. `bytes` is the whole packet from `##` to its check value, or what is not a packet. */
export type Hj212Segment =
  | { is: 'packet'; bytes: Buffer; lengthIsRight: boolean }
  /** crc: framed like a packet with a wrong check value; short: a packet that is not complete; noise: anything else. */
  | { is: 'crc' | 'short' | 'noise'; bytes: Buffer };

export class Hj212PacketCutter {
  #held: Buffer = Buffer.alloc(0);
  readonly #boundaries = new PacketBoundaries();
  /** Bytes skipped since the last packet. */
  #noise: Buffer = Buffer.alloc(0);
  /** Buffered bytes already reported as a broken packet; only a valid one is still searched in them. */
  #reportedTo = 0;

  /** The next bytes of the stream. */
  feed(bytes: Uint8Array): Hj212Segment[] {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#boundaries.update(this.#held);
    const cuts: Hj212Segment[] = [];
    for (let start = this.#skipToHead(cuts); start; start = this.#skipToHead(cuts)) {
      const found = endOf(this.#held, this.#boundaries);
      if (found === 'unknown') break;
      this.#cutOff(found, cuts);
    }
    return cuts;
  }

  /** The stream ended: an unfinished packet is reported, and a valid one behind it is still found. */
  end(): Hj212Segment[] {
    const cuts: Hj212Segment[] = [];
    while (this.#skipToHead(cuts)) {
      const found = endOf(this.#held, this.#boundaries);
      if (found === 'unknown') {
        const end = withoutLineEnd(this.#held, nextHead(this.#held, this.#held.length));
        this.#addBroken(isFramed(this.#held, end) ? 'crc' : 'short', end, cuts);
      } else this.#cutOff(found, cuts);
    }
    this.#flushNoise(cuts);
    // Less than a head: "##" alone is an unfinished packet too.
    if (this.#held.length > this.#reportedTo) cuts.push({ is: 'short', bytes: this.#held.subarray(this.#reportedTo) });
    this.#drop(this.#held.length);
    return cuts;
  }

  #cutOff(found: Exclude<Ending, 'unknown'>, cuts: Hj212Segment[]): void {
    if (!found.isPacket) return this.#addBroken(found.isCutShort ? 'short' : 'crc', found.end, cuts);
    cuts.push({ is: 'packet', bytes: this.#held.subarray(0, found.end), lengthIsRight: found.lengthIsRight });
    this.#drop(found.end);
  }

  /** Skips only its own head, as the next packet may begin inside it. A head inside that leads to no packet is part of it. */
  #addBroken(is: 'crc' | 'short', end: number, cuts: Hj212Segment[]): void {
    if (this.#reportedTo === 0) {
      cuts.push({ is, bytes: this.#held.subarray(0, end) });
      this.#reportedTo = end;
    }
    this.#skip(2, cuts);
  }

  #drop(count: number): void {
    this.#held = this.#held.subarray(count);
    this.#reportedTo = Math.max(0, this.#reportedTo - count);
    this.#boundaries.drop(count);
  }

  /** Skips to the next head. @returns whether a complete head is at the start of the buffer */
  #skipToHead(cuts: Hj212Segment[]): boolean {
    for (;;) {
      let at = 0;
      while (at < this.#held.length && !mayBeHead(this.#held, at)) at += 1;
      this.#skip(at, cuts);
      if (this.#held.length < PACKET_HEAD_BYTES) return false;
      if (isHead(this.#held, 0)) {
        this.#flushNoise(cuts);
        return true;
      }
      this.#skip(1, cuts);
    }
  }

  #skip(count: number, cuts: Hj212Segment[]): void {
    let skipped = this.#held.subarray(Math.min(count, this.#reportedTo), count);
    this.#drop(count);
    // Line ends, in either order, belong to the packet before.
    if (this.#noise.length === 0) skipped = skipped.subarray(skipped.findIndex((byte) => byte !== CR && byte !== LF) >>> 0);
    if (skipped.length === 0) return;
    this.#noise = Buffer.concat([this.#noise, skipped]);
    for (; this.#noise.length >= NOISE_BYTES; this.#noise = this.#noise.subarray(NOISE_BYTES))
      cuts.push({ is: 'noise', bytes: this.#noise.subarray(0, NOISE_BYTES) });
  }

  #flushNoise(cuts: Hj212Segment[]): void {
    if (this.#noise.length === 0) return;
    cuts.push({ is: 'noise', bytes: this.#noise });
    this.#noise = Buffer.alloc(0);
  }
}

type Ending = 'unknown' | { end: number; isPacket: true; lengthIsRight: boolean } | { end: number; isPacket: false; isCutShort: boolean };

/** The end of the packet at the start: the first position with a valid check value. */
function endOf(held: Buffer, boundaries: PacketBoundaries): Ending {
  const declared = PACKET_HEAD_BYTES + lengthAt(held, 0) + CRC_BYTES;
  // Framed at its declared length, that length counts, valid or not; else its end is searched up to the next head.
  const limit = Math.min(
    boundaries.nextPacket() ?? Infinity,
    isFramed(held, declared) ? declared : Math.max(declared, LONGEST_BYTES) + GRACE_BYTES,
  );
  const end = boundaries.firstEnd();
  if (end !== null && end <= limit) return { end, isPacket: true, lengthIsRight: end === declared };
  if (held.length >= declared && declared <= limit && boundaries.hasValidCrc(held, declared))
    return { end: declared, isPacket: true, lengthIsRight: true };
  if (held.length < limit) return 'unknown';
  if (declared <= limit && isFramed(held, declared)) return { end: declared, isPacket: false, isCutShort: false };
  const over = withoutLineEnd(held, nextHead(held, limit));
  return isFramed(held, over)
    ? { end: over, isPacket: false, isCutShort: false }
    : { end: Math.min(over, declared), isPacket: false, isCutShort: true };
}

/**
 * Possible starts and ends of packets in the buffer. Each byte is examined once, on arrival, so that a peer that sends
 * endless heads and ends costs no more than another. Positions count from the first byte of the stream.
 */
class PacketBoundaries {
  /** Position of the first buffered byte. */
  #start = 0;
  /** `nextCrcSum` before each buffered byte, and after the last. */
  #sums = new Uint8Array(1);
  /** Up to where ends and heads were searched. */
  #searchedTo = 0;
  /** By key: possible ends of packets, behind their check value. */
  readonly #ends: OffsetQueue[] = Array.from({ length: 256 }, () => new OffsetQueue());
  /** Heads at the start of a line. */
  readonly #heads = new OffsetQueue();

  /** @param held the whole buffer, of which the first part was examined before */
  update(held: Buffer): void {
    const before = this.#sums.length - 1;
    const sums = new Uint8Array(held.length + 1);
    sums.set(this.#sums);
    for (let at = before; at < held.length; at += 1) sums[at + 1] = nextCrcSum(sums[at] as number, this.#start + at, held[at] as number);
    this.#sums = sums;
    // A position can be judged with the six bytes from it on.
    let at = this.#searchedTo - this.#start;
    for (; at + PACKET_HEAD_BYTES <= held.length; at += 1) {
      if (at > 0 && isHead(held, at) && (held[at - 1] === LF || held[at - 1] === CR)) this.#heads.push(this.#start + at, this.#start);
      if (held[at] !== AMPERSAND || held[at + 1] !== AMPERSAND) continue;
      const key = this.#endKey(held, at + 2);
      if (key !== null) this.#ends[key]?.push(this.#start + at + PACKET_HEAD_BYTES, this.#start);
    }
    this.#searchedTo = this.#start + at;
  }

  drop(count: number): void {
    this.#start += count;
    this.#searchedTo = Math.max(this.#searchedTo, this.#start);
    this.#sums = this.#sums.subarray(count);
  }

  /** The first end of a packet that begins here; null while there is none. */
  firstEnd(): number | null {
    return this.#toBufferOffset(this.#ends[this.#startKey()]?.first(this.#start + 2 * PACKET_HEAD_BYTES));
  }

  /** A head after a line end: what is before it has ended. */
  nextPacket(): number | null {
    return this.#toBufferOffset(this.#heads.first(this.#start + PACKET_HEAD_BYTES));
  }

  /** Whether the four digits before `end` are the check value of the data between the head and them. */
  hasValidCrc(held: Uint8Array, end: number): boolean {
    if (end === PACKET_HEAD_BYTES + CRC_BYTES) return hasValidCrc(held, end); // without data there is no step to reverse
    return this.#endKey(held, end - CRC_BYTES) === this.#startKey();
  }

  #startKey(): number {
    return crcKeyOfStart(this.#sums[PACKET_HEAD_BYTES] as number, this.#start + PACKET_HEAD_BYTES);
  }

  #endKey(held: Uint8Array, at: number): number | null {
    const crc = crcAt(held, at);
    return crc === null ? null : crcKeyOfEnd(this.#sums[at] as number, this.#start + at, crc);
  }

  #toBufferOffset(position: number | null | undefined): number | null {
    return position === null || position === undefined ? null : position - this.#start;
  }
}

/** A queue of increasing offsets that drops those that were passed. */
class OffsetQueue {
  #offsets: number[] = [];
  #from = 0;

  /** @param min offsets below it are dropped */
  push(offset: number, min: number): void {
    this.first(min);
    this.#offsets.push(offset);
  }

  /** The first offset that is at least `min`, which never decreases. */
  first(min: number): number | null {
    while (this.#from < this.#offsets.length && (this.#offsets[this.#from] as number) < min) this.#from += 1;
    if (this.#from * 2 > this.#offsets.length) {
      this.#offsets = this.#offsets.slice(this.#from);
      this.#from = 0;
    }
    return this.#offsets[this.#from] ?? null;
  }
}

/** Some loggers count the head or the check value, some leave out the `&&`. */
const GRACE_BYTES = 16;
/** The longest packet of the standard. */
const LONGEST_BYTES = PACKET_HEAD_BYTES + 1024 + CRC_BYTES;

/** Whether `&&` and four hex digits are before `end`. */
function isFramed(held: Uint8Array, end: number): boolean {
  return end <= held.length && held[end - 6] === AMPERSAND && held[end - 5] === AMPERSAND && crcAt(held, end - CRC_BYTES) !== null;
}

/** Whether the four digits before `end` are the check value of what stands between the head and them. */
function hasValidCrc(held: Uint8Array, end: number): boolean {
  const crc = crcAt(held, end - CRC_BYTES);
  return crc !== null && crc === hj212Crc(held, PACKET_HEAD_BYTES, end - CRC_BYTES);
}

function crcAt(held: Uint8Array, at: number): number | null {
  let crc = 0;
  for (let index = at; index < at + CRC_BYTES; index += 1) {
    const digit = hexDigit(held[index]);
    if (digit === null) return null;
    crc = crc * 16 + digit;
  }
  return crc;
}

function hexDigit(byte = 0): number | null {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : null;
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Whether the bytes received so far may be a head. */
function mayBeHead(held: Uint8Array, at: number): boolean {
  for (let index = 0; index < PACKET_HEAD_BYTES && at + index < held.length; index += 1) {
    const byte = held[at + index];
    if (index < 2 ? byte !== HASH : !isDigit(byte)) return false;
  }
  return true;
}

function isHead(held: Uint8Array, at: number): boolean {
  return held.length >= at + PACKET_HEAD_BYTES && mayBeHead(held, at);
}

/** The next complete head behind the one at the start and before `end`; `end` when there is none. */
function nextHead(held: Buffer, end: number): number {
  const part = held.subarray(0, end);
  for (let at = part.indexOf('##', 2); at >= 0; at = part.indexOf('##', at + 1)) if (isHead(part, at)) return at;
  return end;
}

/** `end` without the line end before it. */
function withoutLineEnd(bytes: Uint8Array, end: number): number {
  let last = end;
  while (bytes[last - 1] === CR || bytes[last - 1] === LF) last -= 1;
  return last;
}

function lengthAt(held: Uint8Array, at: number): number {
  let length = 0;
  for (let index = at + 2; index < at + PACKET_HEAD_BYTES; index += 1) length = length * 10 + (held[index] as number) - 0x30;
  return Math.min(length, MAX_DATA_BYTES);
}

/** The data part of a packet; null when it is not a packet or its check value is wrong. */
export function packetData(packet: Uint8Array): Uint8Array | null {
  if (packet.length < PACKET_HEAD_BYTES + CRC_BYTES || !isHead(packet, 0) || !hasValidCrc(packet, packet.length)) return null;
  return packet.subarray(PACKET_HEAD_BYTES, packet.length - CRC_BYTES);
}

/** @param data ASCII @returns the packet with its line end */
export function encodeHj212Packet(data: string): Buffer {
  const bytes = Buffer.from(data, 'latin1');
  return Buffer.concat([
    Buffer.from(`##${String(bytes.length).padStart(4, '0')}`, 'latin1'), bytes,
    Buffer.from(`${hj212Crc(bytes).toString(16).toUpperCase().padStart(4, '0')}\r\n`, 'latin1'),
  ]);
}
