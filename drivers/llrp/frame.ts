/** What a link hands to `decode`: a message of the reader, or the presence derived from its reads. */
import type { ReaderClock } from './reader-clock.ts';
import type { TagSighting } from './presence.ts';

export type LlrpFrame = LlrpMessageFrame | LlrpPresenceFrame;

export interface LlrpMessageFrame {
  is: 'message';
  /** With its header. */
  bytes: Uint8Array;
  /** ms UTC when it came. */
  observedAt: number;
  clock: ReaderClock;
  /** Points that reads go to; null: everything is shown, under a name of its own. */
  plan: LlrpPointMap | null;
  /** Places of reads in the report that say nothing new. */
  repetitions: ReadonlySet<number>;
  /** Antennas that were known to be off when it came. */
  antennasDown: number;
}

export interface LlrpPresenceFrame {
  is: 'presence';
  /** What happened, for which point. */
  happened: readonly { point: string; what: 'arrived' | 'left' | 'passed'; seen: TagSighting; dwellMs?: number }[];
  /** How many are there now, by point. */
  present: readonly { point: string; count: number }[];
}

/** Points by what they are read from. */
export interface LlrpPointMap {
  reads: readonly { id: string; antennas: readonly number[]; prefix: string }[];
  inputs: readonly { id: string; input: number }[];
  antennasDown: readonly string[];
}
