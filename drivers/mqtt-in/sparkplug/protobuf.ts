/**
 * The protobuf wire format, as far as Sparkplug needs it. Pure. A reader never reads past its end: it throws
 * MalformedProtobuf. One reader is used for a whole payload with its nested messages, as an object for each would be slow.
 */

export class MalformedProtobuf extends Error {}

const MAX_VARINT_BYTES = 10;

export class ProtobufReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get isDone(): boolean {
    return this.#at >= this.#end;
  }

  /** Field number × 8 + wire type. */
  key(): number {
    const key = this.number();
    if (key < 8) throw new MalformedProtobuf('field 0');
    return key;
  }

  /** Enters a nested message. @returns the argument for `leaveMessage` */
  enterMessage(): number {
    const outer = this.#end;
    const length = this.number();
    this.#end = this.#reach(length);
    return outer;
  }

  leaveMessage(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** An unsigned varint of up to 10 bytes; a BigInt only where a number cannot hold it. */
  integer(): number | bigint {
    const from = this.#at;
    const value = this.number();
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let wide = 0n;
    for (let at = from; at < this.#at; at += 1) wide |= BigInt((this.#bytes[at] as number) & 0x7f) << BigInt(7 * (at - from));
    return BigInt.asUintN(64, wide);
  }

  /** The same as a number, rounded above 2^53: for lengths, keys and times. */
  number(): number {
    let value = 0;
    let weight = 1;
    for (let length = 0; length < MAX_VARINT_BYTES; length += 1) {
      if (this.#at >= this.#end) throw new MalformedProtobuf('ends within a number');
      const byte = this.#bytes[this.#at] as number;
      this.#at += 1;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
      weight *= 0x80;
    }
    throw new MalformedProtobuf('a number of more than 64 bits');
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#skip(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#skip(8));
  }

  text(): string {
    const length = this.number();
    const from = this.#skip(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  skipField(wire: number): void {
    if (wire === 0) this.number();
    else if (wire === 1) this.#skip(8);
    else if (wire === 2) this.#skip(this.number());
    else if (wire === 5) this.#skip(4);
    else throw new MalformedProtobuf(`wire type ${wire}`);
  }

  #skip(length: number): number {
    const from = this.#at;
    this.#at = this.#reach(length);
    return from;
  }

  #reach(length: number): number {
    const until = this.#at + length;
    if (!(until <= this.#end)) throw new MalformedProtobuf('ends within a field');
    return until;
  }
}

/** A varint. @param value a whole number, not negative */
export function encodeVarint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
