/** Groups for tests, of events that lie in a log which is only thought of. */
import type { Event } from '../../../core/event.ts';
import type { Cursor } from '../../../log/types.ts';
import { encodeBatch, readBatch } from '../../../core/wire/batch.ts';
import { EventColumns } from '../../../core/wire/event-columns.ts';
import { FedGroup } from '../fed.ts';

/** Events under the names that they have, as a relay sends them in rows. */
export const columnsOf = (events: readonly Event[]): EventColumns => EventColumns.ofRows({ from: 'relay', stream: 'measurement', epoch: 1, seq: 1 }, events);

export const groupOf = (events: readonly Event[], first: Cursor, receivedAt: number): FedGroup => new FedGroup(columnsOf(events), first, receivedAt);

/** The same as it comes from the wire. */
export const wiredGroupOf = (events: readonly Event[], first: Cursor, receivedAt: number): FedGroup =>
  new FedGroup(readBatch(encodeBatch({ from: 'relay', stream: 'measurement', epoch: 1, seq: 1 }, events)), first, receivedAt);
