/**
 * Events as columns: what makes a batch small. A column is an array, `{ all: v }` for a constant, `{ of, at }` for
 * repeated texts, or `{ delta }` for times. In every column but `value`, null means that the event lacks the field.
 */
import { FaultError } from '../faults.ts';

export type Column = unknown[] | { all: unknown } | { of: unknown[]; at: number[] } | { delta: number[] };
export type Columns = Record<string, Column>;

const DELTA = new Set(['occurredAt', 'observedAt', 'deviceAt', 'seq', 'epoch']);
/** Above this many different texts a dictionary no longer pays. */
const MAX_DICTIONARY = 64;

export function toColumns(rows: readonly object[], names: readonly string[]): Columns {
  const columns: Columns = {};
  for (const name of names) {
    const column = toColumn(name, rows as readonly Record<string, unknown>[]);
    if (column) columns[name] = column;
  }
  return columns;
}

function toColumn(name: string, rows: readonly Record<string, unknown>[]): Column | null {
  const first = rows[0]?.[name];
  let constant = typeof first !== 'object' || first === null;
  let present = false;
  let integers = true;
  let texts = true;
  for (const row of rows) {
    const value = row[name];
    if (value !== undefined) present = true;
    if (value !== first) constant = false;
    if (typeof value !== 'string') texts = false;
    if (!Number.isSafeInteger(value)) integers = false;
  }
  if (!present) return null;
  if (constant) return { all: first };
  if (integers && DELTA.has(name)) return toDelta(name, rows);
  if (texts) return toDictionary(rows.map((row) => row[name] as string));
  return rows.map((row) => row[name] ?? null);
}

function toDelta(name: string, rows: readonly Record<string, unknown>[]): Column {
  let last = 0;
  const delta = rows.map((row) => {
    const value = row[name] as number;
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

/** Writes the columns into `rows`, which has `count` fresh objects. @throws CV_WIRE_SHAPE */
export function fillRows(rows: Record<string, unknown>[], columns: Columns): void {
  for (const [name, column] of Object.entries(columns)) {
    if (name === '__proto__') throw shape(`column ${name}`);
    fillColumn(rows, name, column);
  }
}

function fillColumn(rows: Record<string, unknown>[], name: string, column: Column): void {
  const keepNull = name === 'value';
  const put = (at: number, value: unknown) => {
    if (value !== null || keepNull) (rows[at] as Record<string, unknown>)[name] = value;
  };
  if (Array.isArray(column)) {
    sameLength(name, column.length, rows.length);
    column.forEach((value, at) => put(at, value));
  } else if (typeof column !== 'object' || column === null) {
    throw shape(`column ${name} is no column`);
  } else if ('all' in column) {
    for (let at = 0; at < rows.length; at += 1) put(at, column.all);
  } else if ('of' in column) {
    if (!Array.isArray(column.of) || !Array.isArray(column.at)) throw shape(`column ${name}: of and at are arrays`);
    sameLength(name, column.at.length, rows.length);
    column.at.forEach((place, at) => {
      if (!Number.isInteger(place) || place < 0 || place >= column.of.length) throw shape(`column ${name}: at ${String(place)} of ${column.of.length}`);
      put(at, column.of[place]);
    });
  } else if ('delta' in column) {
    if (!Array.isArray(column.delta)) throw shape(`column ${name}: delta is an array`);
    sameLength(name, column.delta.length, rows.length);
    let sum = 0;
    column.delta.forEach((step, at) => {
      if (typeof step !== 'number') throw shape(`column ${name}: a delta is a number`);
      sum += step;
      put(at, sum);
    });
  } else {
    throw shape(`column ${name} is of an unknown form`);
  }
}

function sameLength(name: string, got: number, want: number): void {
  if (got !== want) throw shape(`column ${name} has ${got} of ${want} values`);
}

const shape = (detail: string) => new FaultError('CV_WIRE_SHAPE', { detail });
