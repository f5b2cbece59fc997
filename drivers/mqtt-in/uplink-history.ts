/** Remembers a sensor's uplinks: their ids, and the last frame counter. Pure apart from that state. */
import { eventType, frameCounter } from './chirpstack.ts';
import type { MqttInFrame } from './frame.ts';
import { parseTime } from './value.ts';

const MAX_REMEMBERED = 64;
/** A larger jump is no loss but a new session, whose join was missed. */
const MAX_MISSED = 16_384;

export class UplinkHistory {
  readonly #seen = new Set<string>();
  #last: { fCnt: number; at: number; devAddr: unknown } | null = null;

  /** @returns null for a repeated uplink */
  record(topic: string, event: Record<string, unknown>, observedAt: number): Pick<MqttInFrame, 'before'> | null {
    const type = eventType(topic);
    if (type === 'join') this.#last = null;
    if (type !== 'up') return {};
    const { deduplicationId, devAddr } = event;
    if (typeof deduplicationId === 'string') {
      if (this.#seen.has(deduplicationId)) return null;
      this.#seen.add(deduplicationId.slice(0, 64));
      if (this.#seen.size > MAX_REMEMBERED) this.#seen.delete(this.#seen.values().next().value as string);
    }
    const fCnt = frameCounter(event);
    if (fCnt === null) return {};
    const last = this.#last;
    this.#last = { fCnt, at: parseTime(event.time) ?? observedAt, devAddr };
    const isSameSession = last !== null && last.devAddr === devAddr && fCnt > last.fCnt + 1 && fCnt - last.fCnt < MAX_MISSED;
    return isSameSession ? { before: { fCnt: last.fCnt, at: last.at } } : {};
  }
}
