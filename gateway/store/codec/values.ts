/** A column of values of any type: runs of equal type, then what each type needs. */
import type { Value } from '../../../core/event.ts';
import { type ByteReader, type ByteWriter, Unreadable } from './bytes.ts';
import { readNumbers, writeNumbers } from './numbers.ts';

const TYPES = ['number', 'boolean', 'string', 'null'] as const;
type Type = (typeof TYPES)[number];

const typeOf = (value: Value): Type => (value === null ? 'null' : (typeof value as Type));

export function writeValues(out: ByteWriter, values: readonly Value[]): void {
  const runs: { type: Type; length: number }[] = [];
  for (const value of values) {
    const type = typeOf(value);
    const last = runs.at(-1);
    if (last?.type === type) last.length += 1;
    else runs.push({ type, length: 1 });
  }
  out.varint(runs.length);
  for (const { type, length } of runs) out.varint(length * TYPES.length + TYPES.indexOf(type));
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length > 0) writeNumbers(out, numbers);
  writeBooleans(out, values.filter((value) => typeof value === 'boolean'));
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length > 0) writeTexts(out, texts);
}

/** @returns a typed array when all are numbers */
export function readValues(input: ByteReader, count: number): Float64Array | Value[] {
  const runs = Array.from({ length: input.count(1) }, () => {
    const run = input.varint();
    return { type: TYPES[run % TYPES.length] as Type, length: Math.floor(run / TYPES.length) };
  });
  const of = (type: Type): number => runs.reduce((sum, run) => sum + (run.type === type ? run.length : 0), 0);
  if (runs.reduce((sum, { length }) => sum + length, 0) !== count) throw new Unreadable('values and times differ in number');
  const numbers = of('number') > 0 ? readNumbers(input, of('number')) : new Float64Array(0);
  if (numbers.length === count) return numbers;
  const columns = {
    number: numbers,
    boolean: readBooleans(input, of('boolean')),
    string: of('string') > 0 ? readTexts(input, of('string')) : [],
  };
  const taken = { number: 0, boolean: 0, string: 0 };
  return runs.flatMap(({ type, length }): Value[] => {
    if (type === 'null') return Array.from({ length }, () => null);
    taken[type] += length;
    return Array.from(columns[type].slice(taken[type] - length, taken[type]) as Iterable<Value>);
  });
}

/** Lengths of runs, the first being false. */
function writeBooleans(out: ByteWriter, booleans: readonly boolean[]): void {
  let current = false;
  let length = 0;
  for (const value of booleans) {
    if (value !== current) {
      out.varint(length);
      current = value;
      length = 0;
    }
    length += 1;
  }
  if (booleans.length > 0) out.varint(length);
}

function readBooleans(input: ByteReader, count: number): boolean[] {
  const booleans: boolean[] = [];
  for (let current = false; booleans.length < count; current = !current) {
    const length = input.varint();
    if (booleans.length + length > count) throw new Unreadable('more booleans than announced');
    for (let at = 0; at < length; at += 1) booleans.push(current);
  }
  return booleans;
}

/** Distinct texts as JSON (half a surrogate pair stays what it is), then which. */
function writeTexts(out: ByteWriter, texts: readonly string[]): void {
  const places = new Map<string, number>();
  for (const text of texts) if (!places.has(text)) places.set(text, places.size);
  out.text(JSON.stringify([...places.keys()]));
  for (const text of texts) out.varint(places.get(text) as number);
}

function readTexts(input: ByteReader, count: number): string[] {
  const distinct = JSON.parse(input.text()) as string[];
  return Array.from({ length: count }, () => {
    const text = distinct[input.varint()];
    if (text === undefined) throw new Unreadable('an unknown text');
    return text;
  });
}
