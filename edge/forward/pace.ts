/**
 * How much is sent before an answer comes, in what pieces, and how long the answer may take: grown by acks, cut by
 * time-outs. Pure. For links that lose big packets, repeated time-outs make the batches themselves smaller.
 */
const FIRST_TIMEOUT_MS = 5_000;
const MIN_TIMEOUT_MS = 2_000;
/** Also bounds how long a gateway that came back behind an external broker waits for the next try. */
const MAX_TIMEOUT_MS = 30_000;
const FIRST_BATCHES = 8;
const MAX_BATCHES = 64;
const MIN_BATCH_BYTES = 1_024;
/** From this many time-outs without an ack between them, batches shrink. */
const SHRINK_AFTER = 3;

export interface Pace {
  timeoutMs: number;
  /** Batches that may be unanswered. */
  maxBatches: number;
  /** Largest batch; Infinity: groups go as they lie in the log. */
  maxBatchBytes: number;
  /** Time-outs since the last ack. */
  timeouts: number;
  /** Smoothed ms from sending to ack, and its deviation; null before the first. */
  roundTrip: { meanMs: number; deviationMs: number } | null;
}

export const FIRST_PACE: Pace = { timeoutMs: FIRST_TIMEOUT_MS, maxBatches: FIRST_BATCHES, maxBatchBytes: Infinity, timeouts: 0, roundTrip: null };

export function afterAck(pace: Pace, tookMs: number): Pace {
  const before = pace.roundTrip ?? { meanMs: tookMs, deviationMs: tookMs / 2 };
  const roundTrip = { meanMs: before.meanMs + (tookMs - before.meanMs) / 8, deviationMs: before.deviationMs + (Math.abs(tookMs - before.meanMs) - before.deviationMs) / 4 };
  const maxBatchBytes = pace.maxBatchBytes * 2;
  return {
    timeoutMs: Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, 2 * roundTrip.meanMs + 4 * roundTrip.deviationMs)),
    maxBatches: Math.min(MAX_BATCHES, pace.maxBatches + 1),
    // A megabyte is above any group of the log: from there on nothing is cut.
    maxBatchBytes: maxBatchBytes > 1 << 20 ? Infinity : maxBatchBytes,
    timeouts: 0,
    roundTrip,
  };
}

/** @param bytes size of the batch that was not answered */
export function afterTimeout(pace: Pace, bytes: number): Pace {
  const timeouts = pace.timeouts + 1;
  const shrink = timeouts % SHRINK_AFTER === 0;
  return {
    ...pace,
    timeouts,
    timeoutMs: Math.min(MAX_TIMEOUT_MS, pace.timeoutMs * 2),
    maxBatches: Math.max(1, Math.floor(pace.maxBatches / 2)),
    maxBatchBytes: shrink ? Math.max(MIN_BATCH_BYTES, Math.floor(Math.min(pace.maxBatchBytes, bytes) / 2)) : pace.maxBatchBytes,
  };
}
