/**
 * The durable log as edge and gateway use it (DESIGN 5). Both share one storage engine: chains of SQLite files in a
 * worker, one row per group, the row being the wire batch.
 */
import type { Draft, Stream } from '../core/event.ts';
import type { BootClock } from './boot.ts';

/** A position in a log, after `seq` of `epoch`. { epoch: 0, seq: 0 } is the start. */
export interface Cursor {
  epoch: number;
  seq: number;
}

export const LOG_START: Cursor = { epoch: 0, seq: 0 };

/** One row: `count` events from `seq` on, encoded as a wire batch. */
export interface StoredGroup {
  epoch: number;
  seq: number;
  count: number;
  payload: Uint8Array;
  /** On a gateway: sender, its numbers, and time of arrival. */
  origin?: GroupOrigin;
}

export interface GroupOrigin {
  sender: string;
  stream: Stream;
  epoch: number;
  /** The sender's number of the first event, and how many numbers the batch spanned. */
  seq: number;
  span: number;
  receivedAt: number;
}

export interface ReadLimit {
  maxGroups: number;
  maxBytes: number;
}

/** Settled numbers: all ≤ upTo, and the ranges above it (sorted, disjoint). */
export interface SettledMark {
  upTo: number;
  have: [from: number, to: number][];
}

export type FullPolicy = 'drop-oldest' | 'drop-newest';

export interface LogSize {
  /** Unsettled events (edge), or all readable ones (gateway). */
  events: number;
  /** Files and write-ahead log on disk. */
  bytes: number;
}

export interface CommittedGroup {
  stream: Stream;
  epoch: number;
  firstSeq: number;
  drafts: readonly Draft[];
  /** The row as stored; absent with an unset clock, since it is then read with corrected times. */
  payload?: Uint8Array;
  /** ms from the closing of the group to its commit. */
  durationMs: number;
}

/** An edge's log: four streams, one lock, one epoch per opening. */
export interface EdgeLog {
  readonly edge: string;
  readonly epoch: number;
  /**
   * Appends drafts of any streams. Resolves when each is on disk or recorded as lost under the full policy. Numbers within
   * a stream follow the order of calls.
   * @throws CV_LOG_CLOSED, CV_LOG_FAILED (nothing of the call is on disk)
   */
  append(drafts: readonly Draft[]): Promise<void>;
  /** Groups whose last event is after the cursor, in (epoch, seq) order; [] at the head. */
  read(stream: Stream, after: Cursor, limit: ReadLimit): Promise<StoredGroup[]>;
  /** Unsettled ranges on disk, older epochs first. */
  unsettled(stream: Stream): { epoch: number; from: number; to: number }[];
  /** Records an acknowledgement; durable with the next commit at the latest, frees files. */
  settle(stream: Stream, epoch: number, mark: SettledMark): Promise<void>;
  /** Quarantines one event (refused three times): written to the quarantine file, replaced by a gap record, settled. */
  setAside(stream: Stream, epoch: number, seq: number, code: string): Promise<void>;
  size(stream: Stream): LogSize;
  /** Called after each commit; returns an unsubscribe function. */
  onCommitted(listener: (kept: CommittedGroup) => void): () => void;
  /** Commits the queue, then closes. Idempotent. */
  close(): Promise<void>;
}

export interface EdgeLogOptions {
  dir: string;
  edge: string;
  centre: string;
  maxBytes: number;
  /** Defaults: measurement and diagnostic drop-oldest, state drop-oldest, warning drop-newest. */
  policies?: Partial<Record<Stream, FullPolicy>>;
  /** Smaller files for tests; by default a sixteenth of `maxBytes` or of the disk, at most 64 MB. */
  maxFileBytes?: number;
  /** Deleted when the disk is full; 0 for none, by default a sixty-fourth of `maxBytes`, at most 4 MB. */
  ballastBytes?: number;
  /** For machines whose clock may not be set: started from the boot history before anything is written. */
  clock?: BootClock;
  /** Applied on reading to an unsynced event whose time is known now. */
  onTimeKnown?: (draft: Draft) => Draft;
}

/** A batch accepted by the gateway. `payload` is stored as received, or re-encoded without refused events. */
export interface AcceptedGroup {
  origin: GroupOrigin;
  count: number;
  payload: Uint8Array;
}

/** A gateway's log: one ordered stream of accepted groups, and the marks of every sender. */
export interface GatewayLog {
  readonly epoch: number;
  /**
   * Appends groups and settles their senders' numbers in one transaction (calls share a commit). `settled` is for numbers
   * without an event: refused ones, and ranges covered by a gap record.
   * @returns the start of each group, after fsync
   */
  accept(groups: readonly AcceptedGroup[], settled?: readonly SettledRange[]): Promise<Cursor[]>;
  mark(sender: string, stream: Stream, epoch: number): SettledMark;
  read(after: Cursor, limit: ReadLimit): Promise<StoredGroup[]>;
  /** Last event on disk; START when empty. */
  head(): Cursor;
  /** The oldest readable position; a cursor before it is answered with 410. */
  tail(): Cursor;
  /** Count of removed events in (after, upTo]; `upTo` is at or before the tail. */
  countTrimmed(after: Cursor, upTo: Cursor): number;
  /** Sets a consumer's cursor; files are never trimmed past a required one. */
  setConsumer(consumer: string, cursor: Cursor, required: boolean): void;
  removeConsumer(consumer: string): void;
  size(): LogSize;
  onAppended(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface SettledRange {
  sender: string;
  stream: Stream;
  epoch: number;
  from: number;
  to: number;
}

export interface GatewayLogOptions {
  dir: string;
  gateway: string;
  maxBytes: number;
  /** Retention after all required consumers have passed, for followers of `events`. */
  keepMs: number;
  maxFileBytes?: number;
  ballastBytes?: number;
}

/** Orders cursors. */
export function compareCursors(a: Cursor, b: Cursor): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

/** The text form, `<epoch>-<seq>`. Opaque to clients. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}-${cursor.seq}`;
}

export function parseCursor(text: string): Cursor | null {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text);
  return match ? { epoch: Number(match[1]), seq: Number(match[2]) } : null;
}
