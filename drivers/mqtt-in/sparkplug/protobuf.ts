/** The wire format of protobuf, as far as Sparkplug needs it. Pure. A reader never reads past its end: it throws Malformed. */

export class Malformed extends Error {}

const UTF8 = new TextDecoder();

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Field number and wire type. */
  tag(): { field: number; wire: number } {
    const tag = this.number();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new Malformed('field 0');
    return { field, wire: tag % 8 };
  }

  /** A varint of up to 10 bytes, as it stands in 64 bits. */
  varint(): bigint {
    const low = this.#short();
    if (low >= 0) return BigInt(low);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new Malformed('ends within a number');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Malformed('a number of more than 64 bits');
  }

  /** The same as a number, above 2^53 rounded: for lengths, tags, times. */
  number(): number {
    const low = this.#short();
    return low >= 0 ? low : Number(this.varint());
  }

  /** Up to 28 bits, the usual case, without BigInt; -1 and nothing read where it is longer. */
  #short(): number {
    let value = 0;
    for (let length = 0; length < 4; length += 1) {
      const byte = this.#bytes[this.#at + length];
      if (byte === undefined) throw new Malformed('ends within a number');
      value |= (byte & 0x7f) << (7 * length);
      if (byte < 0x80) {
        this.#at += length + 1;
        return value;
      }
    }
    return -1;
  }

  float(): number {
    return this.#view.getFloat32(this.#skip(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  bytes(): Uint8Array {
    const length = this.number();
    const from = this.#skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(): string {
    return UTF8.decode(this.bytes());
  }

  pass(wire: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.#skip(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#skip(4);
    else throw new Malformed(`wire type ${wire}`);
  }

  #skip(length: number): number {
    const from = this.#at;
    if (!(from + length <= this.#bytes.length)) throw new Malformed('ends within a field');
    this.#at = from + length;
    return from;
  }
}

/** A varint. @param value a whole number, not negative */
export function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
