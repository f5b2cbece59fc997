/**
 * A batch as it came, column by column. Most of what happens to events looks at whole columns; an event as an object is
 * made only where somebody asks for one, and then once for all who ask.
 */
import type { Draft, Event, Stream } from '../event.ts';
import { FaultError } from '../faults.ts';
import { toCells, valueAt, type Cells, type Column, type Columns } from './columns.ts';

export interface BatchName {
  /** The sender of this hop. */
  from: string;
  stream: Stream;
  epoch: number;
  /** Number of the first event; the others follow without a hole. */
  seq: number;
  /** Only in an edge's own log, where its clock was not set: the boot, and its uptime (ms) at the first event of unknown time. */
  boot?: { id: string; startMs: number };
}

type Row = Record<string, unknown>;

export class EventColumns {
  readonly name: BatchName;
  readonly count: number;
  readonly #cells: Map<string, Cells> | null;
  #rows: readonly Event[] | null;

  private constructor(name: BatchName, count: number, cells: Map<string, Cells> | null, rows: readonly Event[] | null) {
    this.name = name;
    this.count = count;
    this.#cells = cells;
    this.#rows = rows;
  }

  /** @throws CV_WIRE_SHAPE */
  static ofColumns(name: BatchName, count: number, columns: Columns): EventColumns {
    const cells = new Map<string, Cells>();
    for (const field of Object.keys(columns)) {
      if (field === '__proto__') throw new FaultError('CV_WIRE_SHAPE', { detail: `column ${field}` });
      cells.set(field, toCells(field, columns[field] as Column, count));
    }
    return new EventColumns(name, count, cells, null);
  }

  /** @param rows whole events; the number of `rows[i]` on this hop is `name.seq + i` */
  static ofRows(name: BatchName, rows: readonly Event[]): EventColumns {
    return new EventColumns(name, rows.length, null, rows);
  }

  /** The columns that came; null for a batch of rows. */
  get fields(): ReadonlyMap<string, Cells> | null {
    return this.#cells;
  }

  /** The values of a field, null where an event lacks it; null when none has it. */
  cells(field: keyof Draft): Cells | null {
    if (this.#cells) return this.#cells.get(field) ?? null;
    const each = this.events().map((event) => event[field] ?? null);
    return each.every((value) => value === null) && field !== 'value' ? null : { distinct: each, each };
  }

  /** The edge of each event: that of the hop unless it is relayed. */
  edges(): Cells {
    if (this.#cells && !this.#cells.has('edge')) return { distinct: [this.name.from], each: null };
    const each = this.events().map(({ edge }) => edge);
    return { distinct: each, each };
  }

  /** All events, in order. Shared by whoever asks: never written to. */
  events(): readonly Event[] {
    this.#rows ??= named(this.name, rowsOf(this.#cells as Map<string, Cells>, this.count));
    return this.#rows;
  }
}

/** Gives rows the names of their hop where they bring none of their own: a relayed event keeps its origin. */
export function named(name: BatchName, rows: Row[]): Event[] {
  rows.forEach((row, at) => {
    row.edge ??= name.from;
    row.stream ??= name.stream;
    row.epoch ??= name.epoch;
    row.seq ??= name.seq + at;
  });
  return rows as unknown as Event[];
}

function rowsOf(columns: ReadonlyMap<string, Cells>, count: number): Row[] {
  const rows: Row[] = Array.from({ length: count }, () => ({}));
  for (const [field, cells] of columns) {
    const keepsNull = field === 'value';
    for (let at = 0; at < count; at += 1) {
      const value = valueAt(cells, at);
      if (value !== null || keepsNull) (rows[at] as Row)[field] = value;
    }
  }
  return rows;
}
