/**
 * The packet of HJ 212: `##`, four digits of length, the data part, four hex digits of check value, CR LF
 * (HJ 212-2017, 6.3). Cutting packets out of a stream, and making them.
 *
 * Where a packet ends is found from its data, not from its length alone: loggers exist that count wrong but end right.
 * A packet is one when the check value after `&&` is that of its data, whatever its length says; the result depends on
 * the bytes alone, never on how they arrive.
 */
import { crcOf, keyOfBegin, keyOfEnd, nextSum } from './crc.ts';

const HASH = 0x23;
const AMPERSAND = 0x26;
const CR = 0x0d;
const LF = 0x0a;
export const HEAD_BYTES = 6;
const CRC_BYTES = 4;
/** What four digits can say, though the standard stops at 1,024. */
const MAX_DATA_BYTES = 9999;
/** A peer that speaks another protocol without end is told of in pieces. */
const NOISE_BYTES = 1024;

/** Something that stood in the stream. `bytes` is the whole packet from `##` to its check value, or what was no packet. */
export type Cut =
  | { is: 'packet'; bytes: Buffer; lengthIsRight: boolean }
  /** crc: framed like a packet with a wrong check value; short: begun and never whole; noise: anything else. */
  | { is: 'crc' | 'short' | 'noise'; bytes: Buffer };

export class PacketCutter {
  #held: Buffer = Buffer.alloc(0);
  readonly #places = new Places();
  /** What was passed over since the last packet. */
  #noise: Buffer = Buffer.alloc(0);
  /** So much of what is held was told as part of a broken packet; only a whole one is still looked for in it. */
  #toldTo = 0;

  /** Bytes that came, in order. */
  feed(bytes: Uint8Array): Cut[] {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#places.look(this.#held);
    const cuts: Cut[] = [];
    for (let start = this.#skipToHead(cuts); start; start = this.#skipToHead(cuts)) {
      const found = endOf(this.#held, this.#places);
      if (found === 'unknown') break;
      this.#cutOff(found, cuts);
    }
    return cuts;
  }

  /** Nothing more comes: what was begun is cut short, and hides no whole packet behind it. */
  end(): Cut[] {
    const cuts: Cut[] = [];
    while (this.#skipToHead(cuts)) {
      const found = endOf(this.#held, this.#places);
      if (found === 'unknown') {
        const end = withoutLineEnd(this.#held, nextHead(this.#held, this.#held.length));
        this.#broken(isFramed(this.#held, end) ? 'crc' : 'short', end, cuts);
      } else this.#cutOff(found, cuts);
    }
    this.#toldNoise(cuts);
    // Less than a head: "##" alone has begun as well.
    if (this.#held.length > this.#toldTo) cuts.push({ is: 'short', bytes: this.#held.subarray(this.#toldTo) });
    this.#drop(this.#held.length);
    return cuts;
  }

  #cutOff(found: Exclude<Ending, 'unknown'>, cuts: Cut[]): void {
    if (!found.isPacket) return this.#broken(found.isCutShort ? 'short' : 'crc', found.end, cuts);
    cuts.push({ is: 'packet', bytes: this.#held.subarray(0, found.end), lengthIsRight: found.lengthIsRight });
    this.#drop(found.end);
  }

  /** It may hide the head of the next: only its own is passed over. A head within it that leads to no packet is a part of it. */
  #broken(is: 'crc' | 'short', end: number, cuts: Cut[]): void {
    if (this.#toldTo === 0) {
      cuts.push({ is, bytes: this.#held.subarray(0, end) });
      this.#toldTo = end;
    }
    this.#pass(2, cuts);
  }

  #drop(count: number): void {
    this.#held = this.#held.subarray(count);
    this.#toldTo = Math.max(0, this.#toldTo - count);
    this.#places.drop(count);
  }

  /** Passes over what is no head. @returns whether a whole head stands at the start of what is held */
  #skipToHead(cuts: Cut[]): boolean {
    for (;;) {
      let at = 0;
      while (at < this.#held.length && !mayBeHead(this.#held, at)) at += 1;
      this.#pass(at, cuts);
      if (this.#held.length < HEAD_BYTES) return false;
      if (isHead(this.#held, 0)) {
        this.#toldNoise(cuts);
        return true;
      }
      this.#pass(1, cuts);
    }
  }

  #pass(count: number, cuts: Cut[]): void {
    let passed = this.#held.subarray(Math.min(count, this.#toldTo), count);
    this.#drop(count);
    // Line ends belong to the packet before, in whatever order they come.
    if (this.#noise.length === 0) passed = passed.subarray(passed.findIndex((byte) => byte !== CR && byte !== LF) >>> 0);
    if (passed.length === 0) return;
    this.#noise = Buffer.concat([this.#noise, passed]);
    for (; this.#noise.length >= NOISE_BYTES; this.#noise = this.#noise.subarray(NOISE_BYTES)) cuts.push({ is: 'noise', bytes: this.#noise.subarray(0, NOISE_BYTES) });
  }

  #toldNoise(cuts: Cut[]): void {
    if (this.#noise.length === 0) return;
    cuts.push({ is: 'noise', bytes: this.#noise });
    this.#noise = Buffer.alloc(0);
  }
}

type Ending = 'unknown' | { end: number; isPacket: true; lengthIsRight: boolean } | { end: number; isPacket: false; isCutShort: boolean };

/** Where the packet at the start ends: at the first place whose check value is right, or nowhere. */
function endOf(held: Buffer, places: Places): Ending {
  const declared = HEAD_BYTES + lengthAt(held, 0) + CRC_BYTES;
  // Framed as its length says, it is what it says, right or wrong; else its end is looked for up to the next head.
  const limit = Math.min(places.nextPacket() ?? Infinity, isFramed(held, declared) ? declared : Math.max(declared, LONGEST_BYTES) + GRACE_BYTES);
  const end = places.firstEnd();
  if (end !== null && end <= limit) return { end, isPacket: true, lengthIsRight: end === declared };
  if (held.length >= declared && declared <= limit && places.isRight(held, declared)) return { end: declared, isPacket: true, lengthIsRight: true };
  if (held.length < limit) return 'unknown';
  if (declared <= limit && isFramed(held, declared)) return { end: declared, isPacket: false, isCutShort: false };
  const over = withoutLineEnd(held, nextHead(held, limit));
  return isFramed(held, over) ? { end: over, isPacket: false, isCutShort: false } : { end: Math.min(over, declared), isPacket: false, isCutShort: true };
}

/**
 * Where packets may begin and end in what is held. Each byte is looked at once, when it came: a peer that sends heads and
 * ends without end costs no more than another. Places are counted from the first byte of the stream.
 */
class Places {
  /** Of the first byte that is held. */
  #start = 0;
  /** `nextSum` before each byte that is held, and after the last. */
  #sums = new Uint8Array(1);
  /** How far ends and heads were looked for. */
  #lookedTo = 0;
  /** By key: where a packet may end, behind its check value. */
  readonly #ends: Queue[] = Array.from({ length: 256 }, () => new Queue());
  /** Heads at the begin of a line. */
  readonly #heads = new Queue();

  /** @param held all of it, of which the first part was looked at before */
  look(held: Buffer): void {
    const before = this.#sums.length - 1;
    const sums = new Uint8Array(held.length + 1);
    sums.set(this.#sums);
    for (let at = before; at < held.length; at += 1) sums[at + 1] = nextSum(sums[at] as number, this.#start + at, held[at] as number);
    this.#sums = sums;
    // A place is known with the six bytes from it on.
    let at = this.#lookedTo - this.#start;
    for (; at + HEAD_BYTES <= held.length; at += 1) {
      if (at > 0 && isHead(held, at) && (held[at - 1] === LF || held[at - 1] === CR)) this.#heads.push(this.#start + at, this.#start);
      if (held[at] !== AMPERSAND || held[at + 1] !== AMPERSAND) continue;
      const key = this.#keyOfEnd(held, at + 2);
      if (key !== null) this.#ends[key]?.push(this.#start + at + HEAD_BYTES, this.#start);
    }
    this.#lookedTo = this.#start + at;
  }

  drop(count: number): void {
    this.#start += count;
    this.#lookedTo = Math.max(this.#lookedTo, this.#start);
    this.#sums = this.#sums.subarray(count);
  }

  /** The first end of a packet that begins here; null where none came yet. */
  firstEnd(): number | null {
    return this.#within(this.#ends[this.#begin()]?.first(this.#start + 2 * HEAD_BYTES));
  }

  /** Where a line ends and another packet begins: what stands before is over. */
  nextPacket(): number | null {
    return this.#within(this.#heads.first(this.#start + HEAD_BYTES));
  }

  /** Whether the four digits before `end` are the check value of what stands between the head and them. */
  isRight(held: Uint8Array, end: number): boolean {
    if (end === HEAD_BYTES + CRC_BYTES) return isRight(held, end); // without a byte there is no step to turn back
    return this.#keyOfEnd(held, end - CRC_BYTES) === this.#begin();
  }

  #begin(): number {
    return keyOfBegin(this.#sums[HEAD_BYTES] as number, this.#start + HEAD_BYTES);
  }

  #keyOfEnd(held: Uint8Array, at: number): number | null {
    const crc = crcAt(held, at);
    return crc === null ? null : keyOfEnd(this.#sums[at] as number, this.#start + at, crc);
  }

  #within(place: number | null | undefined): number | null {
    return place === null || place === undefined ? null : place - this.#start;
  }
}

/** Growing numbers, of which those that are passed are let go. */
class Queue {
  #places: number[] = [];
  #from = 0;

  /** @param least before which nothing is asked for any more */
  push(place: number, least: number): void {
    this.first(least);
    this.#places.push(place);
  }

  /** The first that is not before `least`, which never becomes less. */
  first(least: number): number | null {
    while (this.#from < this.#places.length && (this.#places[this.#from] as number) < least) this.#from += 1;
    if (this.#from * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#from);
      this.#from = 0;
    }
    return this.#places[this.#from] ?? null;
  }
}

/** Some count the head or the check value in, some leave the `&&` out. */
const GRACE_BYTES = 16;
/** Of a packet by the standard. */
const LONGEST_BYTES = HEAD_BYTES + 1024 + CRC_BYTES;

/** Whether `&&` and four hex digits stand before `end`. */
function isFramed(held: Uint8Array, end: number): boolean {
  return end <= held.length && held[end - 6] === AMPERSAND && held[end - 5] === AMPERSAND && crcAt(held, end - CRC_BYTES) !== null;
}

/** Whether the four digits before `end` are the check value of what stands between the head and them. */
function isRight(held: Uint8Array, end: number): boolean {
  const crc = crcAt(held, end - CRC_BYTES);
  return crc !== null && crc === crcOf(held, HEAD_BYTES, end - CRC_BYTES);
}

function crcAt(held: Uint8Array, at: number): number | null {
  let crc = 0;
  for (let place = at; place < at + CRC_BYTES; place += 1) {
    const digit = hexDigit(held[place]);
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

/** Whether a head stands there, as far as bytes have come. */
function mayBeHead(held: Uint8Array, at: number): boolean {
  for (let place = 0; place < HEAD_BYTES && at + place < held.length; place += 1) {
    const byte = held[at + place];
    if (place < 2 ? byte !== HASH : !isDigit(byte)) return false;
  }
  return true;
}

function isHead(held: Uint8Array, at: number): boolean {
  return held.length >= at + HEAD_BYTES && mayBeHead(held, at);
}

/** Where the next one begins behind the head at the start, whole before `end`; `end` where none does. */
function nextHead(held: Buffer, end: number): number {
  const part = held.subarray(0, end);
  for (let at = part.indexOf('##', 2); at >= 0; at = part.indexOf('##', at + 1)) if (isHead(part, at)) return at;
  return end;
}

/** The end without the line end before it. */
function withoutLineEnd(bytes: Uint8Array, end: number): number {
  let last = end;
  while (bytes[last - 1] === CR || bytes[last - 1] === LF) last -= 1;
  return last;
}

function lengthAt(held: Uint8Array, at: number): number {
  let length = 0;
  for (let place = at + 2; place < at + HEAD_BYTES; place += 1) length = length * 10 + (held[place] as number) - 0x30;
  return Math.min(length, MAX_DATA_BYTES);
}

/** The data part of a whole packet, or null where it is none or its check value is wrong. */
export function dataOf(packet: Uint8Array): Uint8Array | null {
  if (packet.length < HEAD_BYTES + CRC_BYTES || !isHead(packet, 0) || !isRight(packet, packet.length)) return null;
  return packet.subarray(HEAD_BYTES, packet.length - CRC_BYTES);
}

/** A packet as it goes out, with its line end. @param data ASCII */
export function packetOf(data: string): Buffer {
  const bytes = Buffer.from(data, 'latin1');
  return Buffer.concat([
    Buffer.from(`##${String(bytes.length).padStart(4, '0')}`, 'latin1'), bytes,
    Buffer.from(`${crcOf(bytes).toString(16).toUpperCase().padStart(4, '0')}\r\n`, 'latin1'),
  ]);
}
