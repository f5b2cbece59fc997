/** What has been sent and not yet answered: bounded in batches and bytes, in memory as on the link. Pure. */
import { createHash } from 'node:crypto';
import type { Stream } from '../../core/event.ts';
import type { SeqRanges } from '../../log/ranges.ts';
import type { Lane } from '../../core/wire/topics.ts';
import { paceAfterAck, paceAfterLoss, paceAfterTimeout, INITIAL_PACE, type SendPace } from './send-pace.ts';
import { isRangeSettled, rangesOverlap, type StreamSeqRange } from './seq-range.ts';

export interface InFlightBatch {
  run: StreamSeqRange;
  lane: Lane;
  payload: Uint8Array;
  sentAtMs: number;
}

interface TrackedBatch extends InFlightBatch {
  /** Sent before and not answered. */
  isRepeat: boolean;
  /** Batches sent after it that were answered before it. */
  overtaken: number;
}

const MAX_BYTES = 2 << 20;
/** The rest is kept free for live batches, which then never wait for the backlog's answers. */
const LATE_PART = 0.7;
/** Answers come nearly in order: overtaken so often, a batch is taken for lost before its time. */
const LOST_WHEN_OVERTAKEN = 3;
const MAX_REMEMBERED = 256;

/** Times are monotonic ms. */
export class SendWindow {
  /** In the order of sending. */
  #inFlight: TrackedBatch[] = [];
  #unanswered: StreamSeqRange[] = [];
  #pace: SendPace = INITIAL_PACE;
  #progressAtMs = -Infinity;

  get pace(): SendPace {
    return this.#pace;
  }

  get runs(): StreamSeqRange[] {
    return this.#inFlight.map((sent) => sent.run);
  }

  has(lane: Lane): boolean {
    return this.#inFlight.some((sent) => sent.lane === lane);
  }

  /** One batch of each lane may always be under way, however big and however slow the link. */
  hasRoom(lane: Lane): boolean {
    const part = lane === 'late' ? LATE_PART : 1;
    const counted = lane === 'late' ? this.#inFlight.filter((sent) => sent.lane === 'late') : this.#inFlight;
    if (!counted.some((sent) => sent.lane === lane)) return true;
    const bytes = counted.reduce((sum, sent) => sum + sent.payload.length, 0);
    return counted.length < Math.max(1, Math.floor(this.#pace.maxBatches * part)) && bytes < MAX_BYTES * part;
  }

  add(sent: InFlightBatch): void {
    this.#inFlight.push({ ...sent, isRepeat: this.#unanswered.some((run) => rangesOverlap(run, sent.run)), overtaken: 0 });
  }

  /** Takes out what the gateway has settled. */
  settle(stream: Stream, epoch: number, numbers: SeqRanges, nowMs: number): void {
    const isSettled = (run: StreamSeqRange) => run.stream === stream && run.epoch === epoch && isRangeSettled(run, numbers);
    let answeredLater = 0;
    for (const sent of this.#inFlight.toReversed()) {
      if (isSettled(sent.run)) answeredLater += 1;
      else sent.overtaken += answeredLater;
    }
    for (const sent of this.#take((sent) => isSettled(sent.run)))
      this.#pace = paceAfterAck(this.#pace, nowMs - sent.sentAtMs, sent.payload.length, sent.isRepeat);
    if (answeredLater > 0) this.#progressAtMs = nowMs;
    this.#unanswered = this.#unanswered.filter((run) => !isSettled(run));
    const lost = this.#take((sent) => sent.overtaken >= LOST_WHEN_OVERTAKEN);
    if (lost.length > 0) this.#pace = paceAfterLoss(this.#pace);
    this.#remember(lost);
  }

  /** Takes out what was not answered in time: it is then unsent again, and the log still has it. While answers come, it only queues. */
  expire(nowMs: number): void {
    const { timeoutMs } = this.#pace;
    const expired = this.#take((sent) => nowMs - Math.max(sent.sentAtMs, this.#progressAtMs) >= timeoutMs);
    if (expired.length === 0) return;
    // Batches that went out together are one time-out, not many.
    this.#pace = paceAfterTimeout(this.#pace, Math.max(...expired.map((sent) => sent.payload.length)));
    this.#remember(expired);
  }

  /** The gateway is there again after time-outs: what it never got need not wait for its time. @returns whether it had been away */
  revive(nowMs: number): boolean {
    if (this.#pace.timeouts === 0) return false;
    this.#pace = { ...this.#pace, timeouts: 0, timeoutMs: INITIAL_PACE.timeoutMs };
    this.#remember(this.#take((sent) => nowMs - sent.sentAtMs >= INITIAL_PACE.timeoutMs));
    return true;
  }

  /** Takes out the batch that a refusal names by the SHA-256 (hex) of its payload. */
  refused(sha256: string): InFlightBatch | null {
    return this.#take((sent) => createHash('sha256').update(sent.payload).digest('hex') === sha256)[0] ?? null;
  }

  /** The connection is gone, and with it all that was under way. The size of batches that came through is still known. */
  clear(): void {
    this.#inFlight = [];
    this.#unanswered = [];
    this.#progressAtMs = -Infinity;
    this.#pace = { ...INITIAL_PACE, maxBatchBytes: this.#pace.maxBatchBytes };
  }

  #remember(sent: readonly InFlightBatch[]): void {
    this.#unanswered = [...this.#unanswered, ...sent.map(({ run }) => run)].slice(-MAX_REMEMBERED);
  }

  #take(matches: (sent: TrackedBatch) => boolean): TrackedBatch[] {
    const taken: TrackedBatch[] = [];
    this.#inFlight = this.#inFlight.filter((sent) => {
      if (!matches(sent)) return true;
      taken.push(sent);
      return false;
    });
    return taken;
  }
}
