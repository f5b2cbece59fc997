/** What a link hands to `decode`: a message of the reader, or the presence derived from its reads. */
import type { ReaderClock } from './reader-clock.ts';
import type { TagSighting } from './presence.ts';

export type LlrpFrame = LlrpMessageFrame | LlrpPresenceFrame;

export interface LlrpMessageFrame {
  is: 'message';
  /** With its header. */
  bytes: Uint8Array;
  /** ms UTC when it was received. */
  observedAt: number;
  clock: ReaderClock;
  /** Points by source; null without configured points: every value is shown, under a name of its own. */
  plan: LlrpPointMap | null;
  /** Indices of reads in the report that are repetitions. */
  repetitions: ReadonlySet<number>;
  /** Number of antennas known to be disconnected when it was received. */
  antennasDown: number;
}

export interface LlrpPresenceFrame {
  is: 'presence';
  /** Presence events, each with its point. */
  happened: readonly { point: string; what: 'arrived' | 'left' | 'passed'; seen: TagSighting; dwellMs?: number }[];
  /** Number of tags present, by point. */
  present: readonly { point: string; count: number }[];
}

/** Points by their source in the reader's messages. */
export interface LlrpPointMap {
  reads: readonly { id: string; antennas: readonly number[]; prefix: string }[];
  inputs: readonly { id: string; input: number }[];
  antennasDown: readonly string[];
}
