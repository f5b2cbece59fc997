/** What has been sent and not yet answered: bounded in batches and bytes, on memory as on the link. Pure. */
import { createHash } from 'node:crypto';
import type { Stream } from '../../core/event.ts';
import type { Ranges } from '../../core/log/ranges.ts';
import type { Lane } from '../../core/wire/topics.ts';
import { afterAck, afterTimeout, FIRST_PACE, type Pace } from './pace.ts';
import { isCovered, type Run } from './run.ts';

export interface InFlight {
  run: Run;
  lane: Lane;
  payload: Uint8Array;
  sentAtMs: number;
}

const MAX_BYTES = 2 << 20;
/** The rest is kept free for live batches, which then never wait for the backlog's answers. */
const LATE_PART = 0.7;

/** Times are monotonic ms. */
export class Window {
  #inFlight: InFlight[] = [];
  #pace: Pace = FIRST_PACE;

  get pace(): Pace {
    return this.#pace;
  }

  get runs(): Run[] {
    return this.#inFlight.map((sent) => sent.run);
  }

  /** One batch may always be under way, however big and however slow the link. */
  hasRoom(lane: Lane): boolean {
    const part = lane === 'late' ? LATE_PART : 1;
    const mine = lane === 'late' ? this.#inFlight.filter((sent) => sent.lane === 'late') : this.#inFlight;
    if (mine.length === 0) return true;
    const bytes = mine.reduce((sum, sent) => sum + sent.payload.length, 0);
    return mine.length < Math.max(1, Math.floor(this.#pace.maxBatches * part)) && bytes < MAX_BYTES * part;
  }

  add(sent: InFlight): void {
    this.#inFlight.push(sent);
  }

  /** Takes out what the gateway has settled. */
  settle(stream: Stream, epoch: number, numbers: Ranges, nowMs: number): InFlight[] {
    const settled = this.#take((sent) => sent.run.stream === stream && sent.run.epoch === epoch && isCovered(sent.run, numbers));
    for (const sent of settled) this.#pace = afterAck(this.#pace, nowMs - sent.sentAtMs);
    return settled;
  }

  /** Takes out what was not answered in time; it is then unsent again, and the log still has it. */
  expire(nowMs: number): InFlight[] {
    const { timeoutMs } = this.#pace;
    const expired = this.#take((sent) => nowMs - sent.sentAtMs >= timeoutMs);
    // Batches that went out together are one time-out, not many.
    const largest = Math.max(...expired.map((sent) => sent.payload.length));
    if (expired.length > 0) this.#pace = afterTimeout(this.#pace, largest);
    return expired;
  }

  /** The gateway is there again after time-outs: what it never got need not wait for its time. */
  revive(nowMs: number): InFlight[] {
    if (this.#pace.timeouts === 0) return [];
    this.#pace = { ...FIRST_PACE, maxBatchBytes: this.#pace.maxBatchBytes, roundTrip: this.#pace.roundTrip };
    return this.#take((sent) => nowMs - sent.sentAtMs >= FIRST_PACE.timeoutMs);
  }

  /** Takes out the batch that a refusal names by the SHA-256 (hex) of its payload. */
  refused(sha256: string): InFlight | null {
    return this.#take((sent) => createHash('sha256').update(sent.payload).digest('hex') === sha256)[0] ?? null;
  }

  /** The connection is gone, and with it all that was under way; the pace learnt stays, but for its time-outs. */
  clear(): void {
    this.#inFlight = [];
    this.#pace = { ...this.#pace, timeouts: 0, timeoutMs: FIRST_PACE.timeoutMs, maxBatches: FIRST_PACE.maxBatches };
  }

  #take(matches: (sent: InFlight) => boolean): InFlight[] {
    const taken: InFlight[] = [];
    this.#inFlight = this.#inFlight.filter((sent) => {
      if (!matches(sent)) return true;
      taken.push(sent);
      return false;
    });
    return taken;
  }
}
