/** The contract of whoever reads the gateway's log: store, rules, streams, sinks. */
import type { Event } from '../../core/event.ts';
import type { Cursor } from '../../core/log/types.ts';

/** An event as it lies in the gateway's log. Shared between consumers: never written to. */
export interface FedEvent {
  readonly event: Event;
  /** Place of this very event in the gateway's log. */
  readonly cursor: Cursor;
  /** ms UTC when its batch reached the gateway. */
  readonly receivedAt: number;
}

/** Events that the log let go of before an optional consumer took them. */
export interface MissedEvents {
  /** The last one that was taken, and the first that comes next. */
  readonly from: Cursor;
  readonly to: Cursor;
  readonly count: number;
  /** When the one at `to` reached the gateway, ms UTC. */
  readonly toAt: number;
}

export interface Consumer {
  /** Names the cursor; also the label of its lag. */
  readonly name: string;
  /** Required ones are waited for: the log never trims past them. Others are overrun when the log is full. */
  readonly required: boolean;
  /** Opens, and says up to where everything was taken before; START for a new one, or, where it is not required, the log's tail. */
  start(): Promise<Cursor>;
  /**
   * Takes events in log order, one call at a time, and saves `upTo` in the same transaction as what it made of them.
   * After a fault the same events come again; after a crash those after the saved cursor.
   * `batch` may be empty (only the cursor moved on).
   */
  take(batch: readonly FedEvent[], upTo: Cursor): Promise<void>;
  /** Before the next take: these will not come. Told and counted already; called again after a fault. */
  missed?(missed: MissedEvents): Promise<void>;
  /** The gateway stops: whoever waits for somebody else gives up at once, so that its take rejects. */
  halt?(): void;
  close(): Promise<void>;
}
