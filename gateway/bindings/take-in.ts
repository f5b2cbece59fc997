/** Held events as batches that the log takes: each keeps its own number, and comes in once, however often it is handed over. */
import type { Event } from '../../core/event.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { EventColumns, type BatchName } from '../../core/wire/event-columns.ts';
import type { OfferedBatch } from '../intake/batch-keeper.ts';

const MAX_EVENTS = 500;

/**
 * Their sender's numbers are settled already, so they go into the log under a sender of their own, numbered in this
 * hand-over: what a crash hands over again is known there.
 *
 * @param id of the hand-over
 */
export function releasedBatches(id: number, events: readonly Event[], receivedAt: number): OfferedBatch[] {
  const from = `held:${id}`;
  return [...Map.groupBy(events, ({ stream }) => stream)].flatMap(([stream, own]) => {
    const sorted = own.toSorted((a, b) => a.epoch - b.epoch || a.seq - b.seq);
    return Array.from({ length: Math.ceil(sorted.length / MAX_EVENTS) }, (_, at): OfferedBatch => {
      const part = sorted.slice(at * MAX_EVENTS, (at + 1) * MAX_EVENTS);
      const name: BatchName = { from, stream, epoch: id, seq: at * MAX_EVENTS + 1 };
      return {
        checked: { batch: EventColumns.ofRows(name, part), refused: [], gapRanges: [] },
        payload: encodeBatch(name, part),
        receivedAt,
      };
    });
  });
}
