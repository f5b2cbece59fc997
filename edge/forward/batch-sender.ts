/**
 * The sender: takes batches from the log to the gateway and settles what it acknowledges. Nothing leaves the log but by
 * the gateway's word; what is not answered, refused or cut off is simply unsent again.
 */
import { FAULTS, faultOf, type Fault } from '../../core/faults.ts';
import { fromMark } from '../../log/ranges.ts';
import type { EdgeLog, CommittedGroup } from '../../log/types.ts';
import type { Ack, Refusal } from '../../core/wire/messages.ts';
import type { Lane } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';
import { BatchSource } from './batch-source.ts';
import { LiveBoundary } from './live-boundary.ts';
import { LaneScheduler } from './lane-scheduler.ts';
import { RefusedRanges } from './refused-ranges.ts';
import { countSettled, isRangeSettled, rangesOverlap, type StreamSeqRange } from './seq-range.ts';
import { SendWindow } from './send-window.ts';

/** Where batches go out. */
export interface BatchUplink {
  /** Connected, and neither the socket nor the broker's receipts are behind. */
  isReady(): boolean;
  send(lane: Lane, payload: Uint8Array): void;
}

const FIRST_HOLD_MS = 10_000;
const MAX_HOLD_MS = 300_000;
const RETRY_MS = 10_000;

export class BatchSender {
  readonly #log: EdgeLog;
  readonly #outlet: BatchUplink;
  readonly #world: World;
  readonly #window = new SendWindow();
  readonly #share = new LaneScheduler();
  readonly #freshness = new LiveBoundary();
  readonly #refusals = new RefusedRanges();
  readonly #feed: BatchSource;
  /** Being set aside just now. */
  #leaving: StreamSeqRange[] = [];
  /** The gateway wants something changed first (version, identity): nothing is sent until then. */
  #hold = { untilMs: 0, lengthMs: FIRST_HOLD_MS };
  #retriedAtMs = 0;
  #connected = false;
  /** The outlet had no room when there was something to look for. */
  #isHeldBack = false;
  #pumping = false;
  #again = false;

  constructor(log: EdgeLog, outlet: BatchUplink, world: World) {
    this.#log = log;
    this.#outlet = outlet;
    this.#world = world;
    this.#feed = new BatchSource(log, this.#freshness, this.#refusals);
  }

  connected(): void {
    this.#connected = true;
    this.wake();
  }

  disconnected(): void {
    this.#connected = false;
    this.#window.clear();
    this.#freshness.clear();
    this.#feed.clear();
  }

  groupKept(group: CommittedGroup): void {
    if (!this.#connected) return;
    this.#freshness.groupKept(group.stream, group.firstSeq, this.#now());
    this.#feed.groupKept(group);
    this.wake();
  }

  /** About once a second: time-outs. */
  tick(): void {
    const now = this.#now();
    this.#window.expire(now);
    if (now - this.#retriedAtMs >= RETRY_MS) {
      this.#retriedAtMs = now;
      this.#feed.retryAbsent();
    }
    this.wake();
  }

  /** Any word from the gateway: after time-outs it shows that sending helps again. */
  gatewayAnswered(): void {
    if (this.#window.revive(this.#now())) this.wake();
  }

  /** No live event is under way or waits: what is less urgent may go. */
  get isQuiet(): boolean {
    return this.#connected && !this.#window.has('up') && this.#feed.find('up', this.#underWay(), this.#now()) === null;
  }

  /** Something that was sent has left. */
  drained(): void {
    if (this.#isHeldBack) this.wake();
  }

  ack(ack: Ack): void {
    const { stream, epoch } = ack;
    const numbers = fromMark(ack);
    const before = this.#log.unsettled(stream).filter((run) => run.epoch === epoch);
    const settled = countSettled(before, numbers);
    const quarantined = countSettled(
      before,
      ack.refused.map(({ from, to }) => [from, to]),
    );
    this.#log
      .settle(stream, epoch, { upTo: ack.upTo, have: ack.have })
      .catch((error: unknown) => this.#tell(faultOf(error, 'CV_FORWARD_FAILED')));
    if (settled > 0) this.#world.tell({ kind: 'events_settled', count: settled, stream });
    if (quarantined > 0) this.#world.tell({ kind: 'samples_lost', count: quarantined, reason: 'quarantined', intended: false, stream });
    this.#window.settle(stream, epoch, numbers, this.#now());
    this.#refusals.forget((run) => run.stream === stream && run.epoch === epoch && isRangeSettled(run, numbers));
    this.#hold = { untilMs: 0, lengthMs: FIRST_HOLD_MS };
    this.wake();
  }

  refusal(refusal: Refusal): void {
    const refused = this.#window.refused(refusal.sha256);
    if (!refused) return;
    const row = refusal.error in FAULTS ? FAULTS[refusal.error as keyof typeof FAULTS] : null;
    this.#tell({
      code: 'CV_FORWARD_REFUSED',
      params: { code: refusal.error, detail: refusal.detail ?? '', events: refused.run.to - refused.run.from + 1 },
    });
    if (row?.retry === 'after-change') {
      // Smaller pieces would be refused as well; nothing is given up for a setting that is wrong.
      // All that was under way is refused alike; that is one refusal.
      const { untilMs, lengthMs } = this.#hold;
      if (this.#now() >= untilMs) this.#hold = { untilMs: this.#now() + lengthMs, lengthMs: Math.min(MAX_HOLD_MS, lengthMs * 2) };
      return;
    }
    const verdict = this.#refusals.refuse(refused.run);
    if (verdict.kind === 'set-aside') void this.#setAside(verdict.run, refusal.error);
    this.wake();
  }

  async #setAside(run: StreamSeqRange, code: string): Promise<void> {
    this.#leaving.push(run);
    try {
      for (let seq = run.from; seq <= run.to; seq += 1) await this.#log.setAside(run.stream, run.epoch, seq, code);
    } catch (error) {
      this.#tell(faultOf(error, 'CV_FORWARD_FAILED'));
    } finally {
      this.#leaving = this.#leaving.filter((other) => other !== run);
      this.wake();
    }
  }

  /** Sends as much as fits; calls while it runs make it look once more. */
  wake(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      do {
        this.#again = false;
        while (await this.#sendOne());
      } while (this.#again);
    } catch (error) {
      // The log cannot read just now; the next tick tries again.
      this.#tell(faultOf(error, 'CV_FORWARD_FAILED'));
    } finally {
      this.#pumping = false;
    }
  }

  async #sendOne(): Promise<boolean> {
    const now = this.#now();
    this.#isHeldBack = this.#connected && !this.#outlet.isReady();
    if (!this.#connected || this.#isHeldBack || now < this.#hold.untilMs) return false;
    const found = { up: this.#find('up', now), late: this.#find('late', now) };
    const lane = this.#share.choose({ up: found.up !== null, late: found.late !== null });
    const run = lane && found[lane];
    if (!lane || !run) return false;
    const next = await this.#feed.read(lane, run, this.#window.pace.maxBatchBytes);
    if (next.kind === 'damaged') {
      this.#tell(next.fault);
      void this.#setAside(next.run, next.fault.code);
    }
    if (next.kind !== 'batch') return true;
    // While the log read, the connection may have gone, or the numbers with it.
    if (!this.#connected || !this.#outlet.isReady() || this.#underWay().some((other) => rangesOverlap(other, next.run))) {
      this.#isHeldBack = !this.#outlet.isReady();
      return this.#connected && !this.#isHeldBack;
    }
    this.#window.add({ run: next.run, lane, payload: next.payload, sentAtMs: this.#now() });
    this.#share.sent(lane, next.payload.length, found.up !== null && found.late !== null);
    this.#outlet.send(lane, next.payload);
    this.#world.tell({ kind: 'batch_sent', count: next.run.to - next.run.from + 1, bytes: next.payload.length, lane });
    return true;
  }

  #find(lane: Lane, nowMs: number): StreamSeqRange | null {
    return this.#window.hasRoom(lane) ? this.#feed.find(lane, this.#underWay(), nowMs) : null;
  }

  #underWay(): StreamSeqRange[] {
    return [...this.#window.runs, ...this.#leaving];
  }

  #now(): number {
    return this.#world.clock.monotonicMs();
  }

  #tell(fault: Fault): void {
    this.#world.tell({ kind: 'fault', fault });
  }
}
