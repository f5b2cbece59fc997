/**
 * What edge and gateway need of the durable log (DESIGN 5). One engine stands behind both: a chain of SQLite files in a
 * worker, one row a group, the row being the wire batch.
 */
import type { Draft, Stream } from '../core/event.ts';
import type { BootClock } from './boot.ts';

/** A place in a log: everything up to and including `seq` of `epoch` lies behind it. { epoch: 0, seq: 0 } is the start. */
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
  /** On a gateway: who sent it under which numbers, and when it came. */
  origin?: GroupOrigin;
}

export interface GroupOrigin {
  sender: string;
  stream: Stream;
  epoch: number;
  /** The sender's number of the first event of the batch, and how many numbers the batch spanned. */
  seq: number;
  span: number;
  receivedAt: number;
}

export interface ReadLimit {
  maxGroups: number;
  maxBytes: number;
}

/** Numbers that are settled: all ≤ upTo, and the ranges above it (sorted, apart by at least one number). */
export interface SettledMark {
  upTo: number;
  have: [from: number, to: number][];
}

export type FullPolicy = 'drop-oldest' | 'drop-newest';

export interface LogSize {
  /** Events that are not settled (edge), or all that can be read (gateway). */
  events: number;
  /** Files and write-ahead log on disk. */
  bytes: number;
}

export interface CommittedGroup {
  stream: Stream;
  epoch: number;
  firstSeq: number;
  drafts: readonly Draft[];
  /** The row as it lies in the log; absent where the clock was not set, since it is then read with other times. */
  payload?: Uint8Array;
  /** ms from the closing of the group to its commit. */
  durationMs: number;
}

/** An edge's log: four streams side by side, one lock, one epoch an opening. */
export interface EdgeLog {
  readonly edge: string;
  readonly epoch: number;
  /**
   * Takes drafts of any streams. Resolves when each is on disk or counted as lost under the full-policy (a gap record
   * then says so); the order of calls is the order of numbers within a stream.
   * @throws CV_LOG_CLOSED, CV_LOG_FAILED (after which nothing of this call is on disk)
   */
  append(drafts: readonly Draft[]): Promise<void>;
  /** Groups whose last event lies after the cursor, in (epoch, seq) order; [] at the head. */
  read(stream: Stream, after: Cursor, limit: ReadLimit): Promise<StoredGroup[]>;
  /** Ranges of numbers that are on disk and not settled, older epochs first. */
  unsettled(stream: Stream): { epoch: number; from: number; to: number }[];
  /** What the gateway has acknowledged; durable with the next commit at the latest, frees files. */
  settle(stream: Stream, epoch: number, mark: SettledMark): Promise<void>;
  /** Sets one event aside (refused three times): kept in the quarantine file, a gap record is appended, the number settled. */
  setAside(stream: Stream, epoch: number, seq: number, code: string): Promise<void>;
  size(stream: Stream): LogSize;
  /** Called after each commit with what became durable; returns the way to stop listening. */
  onCommitted(listener: (kept: CommittedGroup) => void): () => void;
  /** Commits what is waiting, then closes; twice is fine. */
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
  /** Given up when the disk is full; 0 for none, by default a sixty-fourth of `maxBytes`, at most 4 MB. */
  ballastBytes?: number;
  /** On a machine whose clock may not be set: begun with what the log remembers before anything is written. */
  clock?: BootClock;
  /** What becomes of an event of unknown time when its time is known; called as it is read. */
  onTimeKnown?: (draft: Draft) => Draft;
}

/** A batch that the gateway has checked and takes in. `payload` is what is stored: as it came, or re-encoded without what was refused. */
export interface AcceptedGroup {
  origin: GroupOrigin;
  count: number;
  payload: Uint8Array;
}

/** A gateway's log: one ordered stream of all that it accepted, and the marks of every sender. */
export interface GatewayLog {
  readonly epoch: number;
  /**
   * Appends groups and marks their senders' numbers as settled, all in one transaction (several calls share a commit).
   * `settled` marks numbers that bring no event: refused ones, and holes that a gap record covers.
   * @returns where each group starts, after fsync
   */
  accept(groups: readonly AcceptedGroup[], settled?: readonly SettledRange[]): Promise<Cursor[]>;
  mark(sender: string, stream: Stream, epoch: number): SettledMark;
  read(after: Cursor, limit: ReadLimit): Promise<StoredGroup[]>;
  /** Last event on disk; START when empty. */
  head(): Cursor;
  /** The oldest place that can be read from; a cursor before it is answered 410. */
  tail(): Cursor;
  /** How many events after one place and up to another were let go; `upTo` lies at or before the tail. */
  countTrimmed(after: Cursor, upTo: Cursor): number;
  /** A consumer says how far it is; required ones are never trimmed past. */
  setConsumer(consumer: string, cursor: Cursor, required: boolean): void;
  /** There is no such consumer any more. */
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
  /** What all required consumers have passed is kept this long for followers of `events`. */
  keepMs: number;
  maxFileBytes?: number;
  ballastBytes?: number;
}

/** Orders places in a log. */
export function compareCursors(a: Cursor, b: Cursor): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

/** The opaque written form, `<epoch>-<seq>`. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}-${cursor.seq}`;
}

export function parseCursor(text: string): Cursor | null {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text);
  return match ? { epoch: Number(match[1]), seq: Number(match[2]) } : null;
}
