/**
 * Events as columns: what makes a batch small. A column is an array, `{ all: v }` for a constant, `{ of, at }` for
 * repeated texts, or `{ delta }` for times. In every column but `value`, null means that the event lacks the field.
 */
import { EVENT_FIELDS, EVENT_SCHEMA } from '../event.ts';
import { FaultError } from '../faults.ts';

export type Column = unknown[] | { all: unknown } | { of: unknown[]; at: number[] } | { delta: number[] };
export type Columns = Record<string, Column>;

/** Whole numbers that mostly grow: times, and the numbers of events. */
const DELTA_FIELDS = new Set(EVENT_FIELDS.filter((field) => EVENT_SCHEMA.properties[field].type === 'integer') as string[]);
/** Above this many different texts a dictionary no longer pays. */
const MAX_DICTIONARY = 64;

/** @param varies whether the rows may differ in the field of that place among `names`; where not, the first one speaks for all */
export function toColumns(rows: readonly object[], names: readonly string[], varies: (place: number) => boolean = () => true): Columns {
  const columns: Columns = {};
  const all = rows as readonly Record<string, unknown>[];
  for (const [place, name] of names.entries()) {
    const first = all[0]?.[name];
    // An object that all share is written out for each.
    const column = varies(place) || (typeof first === 'object' && first !== null) ? toColumn(name, all) : { all: first };
    if (column && !('all' in column && column.all === undefined)) columns[name] = column;
  }
  return columns;
}

function toColumn(name: string, rows: readonly Record<string, unknown>[]): Column | null {
  const values = rows.map((row) => row[name]);
  const first = values[0];
  let constant = typeof first !== 'object' || first === null;
  let present = false;
  let texts = true;
  for (const value of values) {
    if (value !== undefined) present = true;
    if (value !== first) constant = false;
    if (typeof value !== 'string') texts = false;
  }
  if (!present) return null;
  if (constant) return { all: first };
  if (texts) return toDictionary(values as string[]);
  if (DELTA_FIELDS.has(name) && values.every(Number.isSafeInteger)) return toDelta(values as number[]);
  return values.map((value) => value ?? null);
}

function toDelta(values: readonly number[]): Column {
  let last = 0;
  const delta = values.map((value) => {
    const step = value - last;
    last = value;
    return step;
  });
  return { delta };
}

function toDictionary(texts: string[]): Column {
  const index = new Map<string, number>();
  const at: number[] = [];
  for (const text of texts) {
    let place = index.get(text);
    if (place === undefined) {
      place = index.size;
      if (place >= MAX_DICTIONARY) return texts;
      index.set(text, place);
    }
    at.push(place);
  }
  return { of: [...index.keys()], at };
}

/** A column as it is read: null in any but `value` means that the event lacks the field. */
export interface Cells {
  /** Every value that occurs, at least once: what holds for these holds for all. */
  readonly distinct: readonly unknown[];
  /** By place; null when all have `distinct[0]`. */
  readonly each: readonly unknown[] | null;
}

/** null where there is no such column. */
export const valueAt = (cells: Cells | null, at: number): unknown => (cells ? (cells.each ? cells.each[at] : cells.distinct[0]) : null);

/** @throws CV_WIRE_SHAPE when it is no column of so many values */
export function toCells(name: string, column: Column, count: number): Cells {
  if (Array.isArray(column)) {
    sameLength(name, column.length, count);
    return { distinct: column, each: column };
  }
  if (typeof column !== 'object' || column === null) throw shape(`column ${name} is no column`);
  // Of two forms at once either could be meant.
  if (Object.keys(column).length !== ('of' in column ? 2 : 1)) throw shape(`column ${name} is of an unknown form`);
  if ('all' in column) return { distinct: [column.all], each: null };
  if ('of' in column) return { distinct: column.of, each: spelled(name, column, count) };
  if ('delta' in column) {
    const each = summed(name, column.delta, count);
    return { distinct: each, each };
  }
  throw shape(`column ${name} is of an unknown form`);
}

function spelled(name: string, { of, at }: { of: unknown[]; at: number[] }, count: number): unknown[] {
  if (!Array.isArray(of) || !Array.isArray(at)) throw shape(`column ${name}: of and at are arrays`);
  sameLength(name, at.length, count);
  return at.map((place) => {
    if (!Number.isInteger(place) || place < 0 || place >= of.length) throw shape(`column ${name}: at ${String(place)} of ${of.length}`);
    return of[place];
  });
}

function summed(name: string, delta: number[], count: number): number[] {
  if (!Array.isArray(delta)) throw shape(`column ${name}: delta is an array`);
  sameLength(name, delta.length, count);
  let sum = 0;
  return delta.map((step) => {
    if (typeof step !== 'number') throw shape(`column ${name}: a delta is a number`);
    sum += step;
    return sum;
  });
}

function sameLength(name: string, got: number, want: number): void {
  if (got !== want) throw shape(`column ${name} has ${got} of ${want} values`);
}

const shape = (detail: string) => new FaultError('CV_WIRE_SHAPE', { detail });
