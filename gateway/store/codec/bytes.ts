/** Growing and reading bytes: whole numbers as varints, seven bits a byte, small ones first. */

/** Whole numbers up to this magnitude survive zigzag and varints exactly. */
export const MAX_WHOLE = 2 ** 52;

/** What does not fit what was announced: damage, since a chunk's sum was right when it was written. */
export class Unreadable extends Error {}

export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** @param value a whole number, 0 ≤ value ≤ 2^53 */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    // Bit operations are for 32 bits; above that, plain division.
    for (; rest >= 0x8000_0000; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    for (; rest >= 128; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
  }

  /** @param value a whole number of magnitude ≤ MAX_WHOLE */
  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : value * -2 - 1);
  }

  float(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    const utf8 = Buffer.from(value, 'utf8');
    this.varint(utf8.length);
    this.bytes(utf8);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new Unreadable('ends too early');
    this.#at += 1;
    return value;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      if (scale > 2 ** 49) throw new Unreadable('a number is too long');
      byte = this.byte();
      value += (byte & 127) * scale;
    }
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : (value + 1) / -2;
  }

  /** Many at once, most of them short. */
  zigzags(count: number): Float64Array {
    const numbers = new Float64Array(count);
    const bytes = this.#bytes;
    for (let at = 0; at < count; at += 1) {
      const byte = bytes[this.#at] as number;
      if (byte < 128) {
        this.#at += 1;
        numbers[at] = (byte & 1) === 0 ? byte >> 1 : -((byte + 1) >> 1);
      } else {
        // Longer, or past the end.
        numbers[at] = this.zigzag();
      }
    }
    return numbers;
  }

  float(): number {
    const bytes = this.bytes(8);
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new Unreadable('ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return Buffer.from(this.bytes(this.varint())).toString('utf8');
  }

  /** A count of things that take at least `bytesEach` each: never more than can follow. */
  count(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.left) throw new Unreadable('announces more than follows');
    return count;
  }
}
