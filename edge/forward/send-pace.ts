/**
 * How much may be unanswered, in what pieces, and how long an answer may take: grown while answers come quickly, cut
 * when they come slowly or not at all. Pure. So a live value never waits behind seconds of backlog in the socket of a
 * slow link, and on links that lose big packets the batches themselves become smaller.
 */
const FIRST_TIMEOUT_MS = 5_000;
const MIN_TIMEOUT_MS = 2_000;
/** Also bounds how long a gateway that came back behind an external broker waits for the next try. */
const MAX_TIMEOUT_MS = 30_000;
/** As in TCP: few at first, one more for each answer doubles them every round trip. */
const FIRST_BATCHES = 2;
const MAX_BATCHES = 64;
const MIN_BATCH_BYTES = 1_024;
/** Above any group of the log: from there on nothing is cut. */
const UNCUT_BYTES = 1 << 20;
const QUICK_MS = 1_000;
const SLOW_MS = 2_000;
/** From this many time-outs without an ack between them, batches shrink. */
const SHRINK_AFTER = 3;

export interface SendPace {
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

export const INITIAL_PACE: SendPace = {
  timeoutMs: FIRST_TIMEOUT_MS,
  maxBatches: FIRST_BATCHES,
  maxBatchBytes: Infinity,
  timeouts: 0,
  roundTrip: null,
};

/** @param isRepeat it had been sent before: which of the two was answered is not known, so its time says nothing */
export function paceAfterAck(pace: SendPace, tookMs: number, bytes: number, isRepeat = false): SendPace {
  if (isRepeat) return { ...pace, timeouts: 0 };
  const before = pace.roundTrip ?? { meanMs: tookMs, deviationMs: tookMs / 2 };
  const roundTrip = {
    meanMs: before.meanMs + (tookMs - before.meanMs) / 8,
    deviationMs: before.deviationMs + (Math.abs(tookMs - before.meanMs) - before.deviationMs) / 4,
  };
  return {
    timeoutMs: Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, 2 * roundTrip.meanMs + 4 * roundTrip.deviationMs)),
    timeouts: 0,
    roundTrip,
    ...sized(pace, tookMs, bytes),
  };
}

function sized({ maxBatches, maxBatchBytes }: SendPace, tookMs: number, bytes: number): Pick<SendPace, 'maxBatches' | 'maxBatchBytes'> {
  if (tookMs < QUICK_MS)
    return {
      maxBatches: Math.min(MAX_BATCHES, maxBatches + 1),
      maxBatchBytes: maxBatchBytes * 2 > UNCUT_BYTES ? Infinity : maxBatchBytes * 2,
    };
  if (tookMs <= SLOW_MS) return { maxBatches, maxBatchBytes };
  return maxBatches > 1 ? { maxBatches: maxBatches - 1, maxBatchBytes } : { maxBatches, maxBatchBytes: halved(maxBatchBytes, bytes) };
}

/** Nothing was answered in time. @param bytes size of the largest batch that was not answered */
export function paceAfterTimeout(pace: SendPace, bytes: number): SendPace {
  const timeouts = pace.timeouts + 1;
  return {
    ...paceAfterLoss(pace),
    timeouts,
    timeoutMs: Math.min(MAX_TIMEOUT_MS, pace.timeoutMs * 2),
    maxBatchBytes: timeouts % SHRINK_AFTER === 0 ? halved(pace.maxBatchBytes, bytes) : pace.maxBatchBytes,
  };
}

/** Others were answered, one was not. */
export function paceAfterLoss(pace: SendPace): SendPace {
  return { ...pace, maxBatches: Math.max(1, Math.floor(pace.maxBatches / 2)) };
}

const halved = (maxBatchBytes: number, bytes: number) => Math.max(MIN_BATCH_BYTES, Math.floor(Math.min(maxBatchBytes, bytes) / 2));
