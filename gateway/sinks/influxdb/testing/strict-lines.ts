/**
 * A reader of line protocol that takes nothing but what the public specification allows, and of that only what all
 * readers agree on (no backslash in a name that escapes nothing, no line break within a text). Shares no code with the writer.
 *
 * @see https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
 */
export type FieldType = 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';

export interface Field {
  type: FieldType;
  value: number | bigint | boolean | string;
}

export interface Point {
  measurement: string;
  tags: Record<string, string>;
  fields: Record<string, Field>;
  ns: bigint | null;
}

export class BadLine extends Error {}

const FLOAT = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?\d+i$/;
const UNSIGNED = /^\d+u$/;
const TRUE = new Set(['t', 'T', 'true', 'True', 'TRUE']);
const FALSE = new Set(['f', 'F', 'false', 'False', 'FALSE']);
const MAX_TEXT_BYTES = 64 << 10;
const MAX_INT64 = 2n ** 63n - 1n;

/** @throws BadLine with the column where it stops being line protocol */
export function parseLine(line: string): Point {
  const reader = new Reader(line);
  const measurement = reader.name(', ', ',= ');
  if (measurement === '') reader.fail('no measurement');
  if (/^[_#]/.test(measurement)) reader.fail('a measurement may not begin with _ or #');
  const tags: Record<string, string> = {};
  while (reader.skip(',')) {
    const key = reader.name('=, ', ',= ');
    reader.want('=');
    const value = reader.name(', ', ',= ', '=');
    if (key === '' || value === '') reader.fail('an empty tag');
    if (Object.hasOwn(tags, key)) reader.fail(`tag ${key} twice`);
    tags[key] = value;
  }
  reader.want(' ');
  const fields: Record<string, Field> = {};
  do {
    const key = reader.name('=, ', ',= ');
    if (key === '') reader.fail('a field without a name');
    if (Object.hasOwn(fields, key)) reader.fail(`field ${key} twice`);
    reader.want('=');
    fields[key] = reader.field();
  } while (reader.skip(','));
  const ns = reader.skip(' ') ? reader.time() : null;
  if (!reader.ended) reader.fail('more than a line');
  return { measurement, tags, fields, ns };
}

class Reader {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
    if (/[\n\r\0]/.test(line)) this.fail('a control character');
  }

  get ended(): boolean {
    return this.#at >= this.#line.length;
  }

  fail(what: string): never {
    throw new BadLine(`${what} at column ${this.#at + 1}`);
  }

  skip(sign: string): boolean {
    if (this.#line[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  want(sign: string): void {
    if (!this.skip(sign)) this.fail(`"${sign}" missing`);
  }

  /** Up to one of `ends`; a backslash must escape one of `escapes`; `forbidden` may not stand there bare. */
  name(ends: string, escapes: string, forbidden = ''): string {
    let text = '';
    for (; !this.ended && !ends.includes(this.#line[this.#at] as string); this.#at += 1) {
      const sign = this.#line[this.#at] as string;
      if (forbidden.includes(sign)) this.fail(`a bare "${sign}"`);
      if (sign !== '\\') {
        text += sign;
        continue;
      }
      this.#at += 1;
      if (this.ended || !escapes.includes(this.#line[this.#at] as string)) this.fail('a backslash that escapes nothing');
      text += this.#line[this.#at] as string;
    }
    return text;
  }

  field(): Field {
    if (this.skip('"')) return { type: 'string', value: this.#quoted() };
    const word = this.#word();
    if (TRUE.has(word) || FALSE.has(word)) return { type: 'boolean', value: TRUE.has(word) };
    if (INTEGER.test(word)) return { type: 'integer', value: this.#int64(word.slice(0, -1)) };
    if (UNSIGNED.test(word)) return { type: 'unsigned', value: BigInt(word.slice(0, -1)) };
    if (FLOAT.test(word) && Number.isFinite(Number(word))) return { type: 'float', value: Number(word) };
    return this.fail(`"${word}" is no value`);
  }

  time(): bigint {
    const word = this.#word();
    if (!/^-?\d+$/.test(word)) this.fail(`"${word}" is no time`);
    return this.#int64(word);
  }

  #word(): string {
    const from = this.#at;
    while (!this.ended && !', '.includes(this.#line[this.#at] as string)) this.#at += 1;
    return this.#line.slice(from, this.#at);
  }

  #int64(word: string): bigint {
    const value = BigInt(word);
    if (value > MAX_INT64 || value < -MAX_INT64 - 1n) this.fail(`${word} is out of range`);
    return value;
  }

  #quoted(): string {
    let text = '';
    for (; !this.ended && this.#line[this.#at] !== '"'; this.#at += 1) {
      if (this.#line[this.#at] === '\\') {
        this.#at += 1;
        if (this.ended || !'"\\'.includes(this.#line[this.#at] as string)) this.fail('a backslash that escapes nothing');
      }
      text += this.#line[this.#at] as string;
    }
    this.want('"');
    if (Buffer.byteLength(text) > MAX_TEXT_BYTES) this.fail('a text of more than 64 KB');
    return text;
  }
}
