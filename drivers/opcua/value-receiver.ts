/**
 * Turns values of the server into frames, in order, and detects missing ones: an overflowed queue, and the time between
 * the last value of one subscription and the first of the next, which is filled from the server's history.
 */
import type { DataValue } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { FrameQueue } from './frame-queue.ts';
import { isAheadOfSending, SAME_CLOCK_MS, type OpcuaFrame, type OpcuaMissed } from './frame.ts';
import type { ServerContact, DataGap, ResumeState } from './resume-state.ts';
import type { OpcuaPoint } from './settings.ts';
import { hasOverflow } from './status.ts';
import { valueFrame } from './value.ts';

export class ValueReceiver {
  readonly #points: readonly PointOf<OpcuaPoint>[];
  readonly #state: ResumeState;
  readonly #queue: FrameQueue;
  /** Reads the values of a gap from the history; null when there is none. */
  readonly #history: (gap: DataGap) => Promise<DataValue[] | null>;
  /** Points of a resumed subscription without a value since. */
  readonly #unconfirmed = new Set<string>();
  #filling: Promise<void> = Promise.resolve();
  /** The last contact of the previous link with the server. */
  readonly #previousContact: ServerContact | null;
  /** How far the server's clock is ahead of ours, ms. */
  #skewMs: number;

  constructor(
    points: readonly PointOf<OpcuaPoint>[],
    state: ResumeState,
    queue: FrameQueue,
    history: (gap: DataGap) => Promise<DataValue[] | null>,
  ) {
    this.#points = points;
    this.#state = state;
    this.#queue = queue;
    this.#history = history;
    this.#previousContact = state.contact;
    this.#skewMs = state.contact?.skewMs ?? 0;
  }

  /** Updates the clock difference. @param serverAt by the server's clock; null when unknown */
  updateClock(nowMs: number, serverAt: number | null): void {
    const aheadMs = serverAt === null ? 0 : serverAt - nowMs;
    this.#skewMs = Math.abs(aheadMs) < SAME_CLOCK_MS ? 0 : aheadMs;
  }

  /**
   * All notifications of the server are handed on: a gap never begins before this.
   *
   * @param nowMs by our clock, when they were received
   */
  confirmContact(nowMs: number, serverAt: number | null): void {
    this.updateClock(nowMs, serverAt);
    this.#state.contact = { at: nowMs, skewMs: this.#skewMs };
  }

  /** The gap from a point's last value, or a later contact (no value until then), to this time of the server. */
  #gap(point: PointOf<OpcuaPoint>, lastAt: number, contact: ServerContact | null, toAt: number): DataGap {
    const thenMs = contact?.skewMs ?? this.#skewMs;
    const fromAt = Math.max(lastAt - thenMs, contact?.at ?? -Infinity);
    // The history is read by the server's current clock, which may have been set meanwhile.
    const wasClockSet = Math.abs(this.#skewMs - thenMs) >= SAME_CLOCK_MS;
    return {
      point,
      fromAt,
      toAt: Math.max(fromAt, toAt - this.#skewMs),
      serverTime: { fromAt: fromAt + (wasClockSet ? this.#skewMs : thenMs), toAt },
    };
  }

  /** The previous subscription continues: points without a notification have not changed. */
  subscriptionResumed(): void {
    for (const point of this.#state.lastFrames.keys()) this.#unconfirmed.add(point);
    this.#fillGaps();
  }

  /** A new subscription: values since the last one of the previous subscription are not in it. */
  subscriptionCreated(): void {
    for (const [point, last] of this.#state.lastFrames) if (timeOfFrame(last) !== null) this.#state.afterGap.add(point);
    this.#fillGaps();
  }

  /** A value of the point with that index. */
  receiveValue(index: number, value: DataValue): void {
    const point = this.#points[index];
    if (!point) return;
    const frame = valueFrame(point, value);
    if (this.#queue.error) return; // the server keeps it for the next link
    const before = this.#state.lastFrames.get(point.id);
    const at = timeOfFrame(frame);
    const beforeAt = before ? timeOfFrame(before) : null;
    const isAfterGap = this.#state.afterGap.delete(point.id);
    const gap =
      isAfterGap && beforeAt !== null && at !== null && at !== beforeAt ? this.#gap(point, beforeAt, this.#previousContact, at) : null;
    if (gap && gap.toAt > gap.fromAt) this.#fill(gap);
    else if (hasOverflow(frame.status))
      this.#missed(this.#gap(point, beforeAt ?? at ?? 0, this.#state.contact, at ?? beforeAt ?? 0), 'device_overflow');
    else if (beforeAt !== null && at !== null && at > beforeAt) this.#state.intervalMs.set(point.id, at - beforeAt);
    if (!this.#queue.push(frame)) return;
    this.#unconfirmed.delete(point.id);
    this.#state.lastFrames.set(point.id, frame);
  }

  /** The server has sent all that is new. Points without a notification are unchanged. */
  confirmUnchanged(): void {
    for (const point of this.#unconfirmed) {
      const last = this.#state.lastFrames.get(point);
      // The value holds now; its earlier time was reported before.
      if (last) this.#queue.push({ ...last, sourceAt: null, serverAt: null });
    }
    this.#unconfirmed.clear();
  }

  /** Messages of the subscription are lost; which points they concern is unknown. */
  reportLostMessages(nowMs: number): void {
    for (const point of this.#points) {
      const last = this.#state.lastFrames.get(point.id);
      const at = last ? timeOfFrame(last) : null;
      if (at !== null) this.#missed(this.#gap(point, at, this.#state.contact, nowMs + this.#skewMs), 'device_away');
    }
  }

  /** Fills the gaps that the previous link left. */
  #fillGaps(): void {
    for (const gap of this.#state.gaps) this.#fill(gap);
  }

  #fill(gap: DataGap): void {
    this.#state.gaps.add(gap);
    // One after the other: the history is slow, and live values continue meanwhile.
    this.#filling = this.#filling.then(async () => {
      const values = await this.#history(gap).catch(() => null);
      if (this.#queue.error) return; // the next link reads it again
      const isReported =
        values === null
          ? this.#missed(gap, 'device_away')
          : values.every((value) => this.#queue.push({ ...valueFrame(gap.point, value), history: true }));
      if (isReported) this.#state.gaps.delete(gap);
    });
  }

  #missed({ point, fromAt, toAt }: DataGap, reason: OpcuaMissed['missed']['reason']): boolean {
    // Estimated from the previous interval, not shorter than the server's sampling.
    const samplingMs = this.#state.subscription?.samplingMs[this.#points.findIndex(({ id }) => id === point.id)] ?? 0;
    const intervalMs = Math.max(samplingMs, this.#state.intervalMs.get(point.id) ?? 0);
    const count = intervalMs > 0 ? Math.max(1, Math.round((toAt - fromAt) / intervalMs) - 1) : 1;
    return this.#queue.push({ missed: { point: point.id, fromAt, toAt, count, reason } });
  }
}

/** Gaps use the server's time where the source's clock is ahead of it. */
const timeOfFrame = (frame: OpcuaFrame): number | null => (isAheadOfSending(frame) ? frame.serverAt : frame.sourceAt ?? frame.serverAt);
