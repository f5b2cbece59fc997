/** Groups for tests, of events that lie in a log which is only thought of. */
import type { Event } from '../../../core/event.ts';
import type { Cursor } from '../../../log/types.ts';
import { encodeBatch, readBatch } from '../../../core/wire/batch.ts';
import { EventColumns } from '../../../core/wire/event-columns.ts';
import { LogBatch } from '../log-batch.ts';

/** Events under the names that they have, as a relay sends them in rows. */
export const eventColumns = (events: readonly Event[]): EventColumns =>
  EventColumns.ofRows({ from: 'relay', stream: 'measurement', epoch: 1, seq: 1 }, events);

export const logBatch = (events: readonly Event[], first: Cursor, receivedAt: number): LogBatch =>
  new LogBatch(eventColumns(events), first, receivedAt);

/** The same as it comes from the wire. */
export const encodedLogBatch = (events: readonly Event[], first: Cursor, receivedAt: number): LogBatch =>
  new LogBatch(readBatch(encodeBatch({ from: 'relay', stream: 'measurement', epoch: 1, seq: 1 }, events)), first, receivedAt);
