/**
 * What consumers are handed: groups of the log, as columns. Whoever needs events as objects asks a group for them; they
 * are made once for all who ask.
 */
import type { Event } from '../../core/event.ts';
import { compareCursors, type Cursor } from '../../log/types.ts';
import { EventColumns } from '../../core/wire/event-columns.ts';

/** An event as it lies in the gateway's log. Shared between consumers: never written to. */
export interface LoggedEvent {
  readonly event: Event;
  /** Place of this very event in the gateway's log. */
  readonly cursor: Cursor;
  /** ms UTC when its batch reached the gateway. */
  readonly receivedAt: number;
}

export class LogBatch {
  readonly columns: EventColumns;
  /** Place of its first event in the gateway's log; the others follow. */
  readonly first: Cursor;
  /** ms UTC when it reached the gateway. */
  readonly receivedAt: number;
  #events: readonly LoggedEvent[] | null = null;

  constructor(columns: EventColumns, first: Cursor, receivedAt: number) {
    this.columns = columns;
    this.first = first;
    this.receivedAt = receivedAt;
  }

  get last(): Cursor {
    return { epoch: this.first.epoch, seq: this.first.seq + this.columns.count - 1 };
  }

  events(): readonly LoggedEvent[] {
    const { first: { epoch, seq }, receivedAt } = this;
    this.#events ??= this.columns.events().map((event, at) => ({ event, cursor: { epoch, seq: seq + at }, receivedAt }));
    return this.#events;
  }

  /** What of it lies after a place: itself, a part, or null. */
  after(cursor: Cursor): LogBatch | null {
    const { first, columns, receivedAt } = this;
    if (compareCursors(cursor, first) < 0) return this;
    if (compareCursors(cursor, this.last) >= 0) return null;
    const skipped = cursor.seq - first.seq + 1;
    const name = { ...columns.name, seq: columns.name.seq + skipped };
    return new LogBatch(
      EventColumns.ofRows(name, columns.events().slice(skipped)),
      { epoch: first.epoch, seq: cursor.seq + 1 },
      receivedAt,
    );
  }
}

/** What of these lies after a place. */
export const batchesAfter = (groups: readonly LogBatch[], cursor: Cursor): LogBatch[] =>
  groups.flatMap((group) => group.after(cursor) ?? []);

export const loggedEvents = (groups: readonly LogBatch[]): LoggedEvent[] => groups.flatMap((group) => group.events());
