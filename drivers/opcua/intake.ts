/**
 * What the server says of each point, as frames in order. It sees what is missing: a queue that ran over, and the time
 * between the last value of one subscription and the first of the next, which it asks the server's history for.
 */
import type { DataValue } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { Feed } from './feed.ts';
import { isAheadOfSending, SAME_CLOCK_MS, type OpcuaFrame, type OpcuaMissed } from './frame.ts';
import type { Contact, Hole, Memory } from './memory.ts';
import type { OpcuaPoint } from './settings.ts';
import { overflowed } from './status.ts';
import { frameOfValue } from './value.ts';

export class Intake {
  readonly #points: readonly PointOf<OpcuaPoint>[];
  readonly #memory: Memory;
  readonly #feed: Feed;
  /** Gives what the history holds of a hole, or null where there is none to be had. */
  readonly #history: (hole: Hole) => Promise<DataValue[] | null>;
  /** Points that a subscription went on with, and that have not said anything since. */
  readonly #unconfirmed = new Set<string>();
  #filling: Promise<void> = Promise.resolve();
  /** When the link before last heard of the server. */
  readonly #before: Contact | null;
  /** By how much the server's clock is ahead of ours, ms. */
  #skewMs: number;

  constructor(points: readonly PointOf<OpcuaPoint>[], memory: Memory, feed: Feed, history: (hole: Hole) => Promise<DataValue[] | null>) {
    this.#points = points;
    this.#memory = memory;
    this.#feed = feed;
    this.#history = history;
    this.#before = memory.contact;
    this.#skewMs = memory.contact?.skewMs ?? 0;
  }

  /** The server spoke: by how much its clock is ahead. @param serverAt by its own clock; null where it does not say */
  clocked(nowMs: number, serverAt: number | null): void {
    const aheadMs = serverAt === null ? 0 : serverAt - nowMs;
    this.#skewMs = Math.abs(aheadMs) < SAME_CLOCK_MS ? 0 : aheadMs;
  }

  /**
   * All that the server said is taken: a gap never begins before this.
   *
   * @param nowMs by our clock, when it spoke
   */
  heard(nowMs: number, serverAt: number | null): void {
    this.clocked(nowMs, serverAt);
    this.#memory.contact = { at: nowMs, skewMs: this.#skewMs };
  }

  /** From a point's last value, or a contact after it, which says that there was none until then, to this time of the server. */
  #hole(point: PointOf<OpcuaPoint>, lastAt: number, contact: Contact | null, toAt: number): Hole {
    const thenMs = contact?.skewMs ?? this.#skewMs;
    const fromAt = Math.max(lastAt - thenMs, contact?.at ?? -Infinity);
    // The history is asked by the server's clock as it is now: somebody may have set it meanwhile.
    const isSet = Math.abs(this.#skewMs - thenMs) >= SAME_CLOCK_MS;
    return { point, fromAt, toAt: Math.max(fromAt, toAt - this.#skewMs), there: { fromAt: fromAt + (isSet ? this.#skewMs : thenMs), toAt } };
  }

  /** The subscription of before goes on: what it does not speak of has not changed. */
  resumed(): void {
    for (const point of this.#memory.last.keys()) this.#unconfirmed.add(point);
    this.#fillHoles();
  }

  /** A new subscription begins: what happened since the last value of the one before is not in it. */
  begun(): void {
    for (const [point, last] of this.#memory.last) if (timeOfFrame(last) !== null) this.#memory.afterHole.add(point);
    this.#fillHoles();
  }

  /** A value of the point with that index came. */
  value(index: number, value: DataValue): void {
    const point = this.#points[index];
    if (!point) return;
    const frame = frameOfValue(point, value);
    if (this.#feed.error) return; // it stays with the server, and with the next link
    const before = this.#memory.last.get(point.id);
    const at = timeOfFrame(frame);
    const beforeAt = before ? timeOfFrame(before) : null;
    const isAfterHole = this.#memory.afterHole.delete(point.id);
    const hole = isAfterHole && beforeAt !== null && at !== null && at !== beforeAt ? this.#hole(point, beforeAt, this.#before, at) : null;
    if (hole && hole.toAt > hole.fromAt) this.#fill(hole);
    else if (overflowed(frame.status)) this.#missed(this.#hole(point, beforeAt ?? at ?? 0, this.#memory.contact, at ?? beforeAt ?? 0), 'device_overflow');
    else if (beforeAt !== null && at !== null && at > beforeAt) this.#memory.paceMs.set(point.id, at - beforeAt);
    if (!this.#feed.give(frame)) return;
    this.#unconfirmed.delete(point.id);
    this.#memory.last.set(point.id, frame);
  }

  /** The server has sent all it had for now. Points that it did not speak of are as they were. */
  caughtUp(): void {
    for (const point of this.#unconfirmed) {
      const last = this.#memory.last.get(point);
      // It holds now; that it was measured earlier has been said.
      if (last) this.#feed.give({ ...last, sourceAt: null, serverAt: null });
    }
    this.#unconfirmed.clear();
  }

  /** Messages of the subscription are gone for good; which points they were of, nobody can say. */
  lostMessages(nowMs: number): void {
    for (const point of this.#points) {
      const last = this.#memory.last.get(point.id);
      const at = last ? timeOfFrame(last) : null;
      if (at !== null) this.#missed(this.#hole(point, at, this.#memory.contact, nowMs + this.#skewMs), 'device_away');
    }
  }

  /** Those that the link before had no time for. */
  #fillHoles(): void {
    for (const hole of this.#memory.holes) this.#fill(hole);
  }

  #fill(hole: Hole): void {
    this.#memory.holes.add(hole);
    // One after the other: a server's history is slow, and what is live goes on meanwhile.
    this.#filling = this.#filling.then(async () => {
      const values = await this.#history(hole).catch(() => null);
      if (this.#feed.error) return; // the next link asks again
      const isTold = values === null ? this.#missed(hole, 'device_away') : values.every((value) => this.#feed.give({ ...frameOfValue(hole.point, value), history: true }));
      if (isTold) this.#memory.holes.delete(hole);
    });
  }

  #missed({ point, fromAt, toAt }: Hole, reason: OpcuaMissed['missed']['reason']): boolean {
    // As many as at its pace before; none comes faster than the server samples.
    const samplingMs = this.#memory.subscription?.samplingMs[this.#points.findIndex(({ id }) => id === point.id)] ?? 0;
    const paceMs = Math.max(samplingMs, this.#memory.paceMs.get(point.id) ?? 0);
    const count = paceMs > 0 ? Math.max(1, Math.round((toAt - fromAt) / paceMs) - 1) : 1;
    return this.#feed.give({ missed: { point: point.id, fromAt, toAt, count, reason } });
  }
}

/** A gap has the server's time: that of a source which is ahead of it says nothing of when a value was missing. */
const timeOfFrame = (frame: OpcuaFrame): number | null => (isAheadOfSending(frame) ? frame.serverAt : frame.sourceAt ?? frame.serverAt);
