/** The contract of whoever reads the gateway's log: store, rules, streams, sinks. */
import type { Cursor } from '../../log/types.ts';
import type { LogBatch } from './log-batch.ts';

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
  /** Most events at a time (a group more or less), where it is more or fewer than for others. */
  readonly maxEvents?: number;
  /** Opens, and says up to where everything was taken before; START for a new one, or, where it is not required, the log's tail. */
  start(): Promise<Cursor>;
  /**
   * Takes groups in log order, one call at a time, and saves `upTo` in the same transaction as what it made of them.
   * After a fault the same come again; after a crash what lies after the saved cursor.
   * There may be none (only the cursor moved on).
   */
  take(groups: readonly LogBatch[], upTo: Cursor): Promise<void>;
  /** Before the next take: these will not come. Told and counted already; called again after a fault. */
  missed?(missed: MissedEvents): Promise<void>;
  /** The gateway stops: whoever waits for somebody else gives up at once, so that its take rejects. */
  halt?(): void;
  close(): Promise<void>;
}
