/** What is remembered of a sensor's uplinks: which came already, and the counter of the last. Pure but for that. */
import { eventOf, fCntOf } from './chirpstack.ts';
import type { MqttInFrame } from './frame.ts';
import { timeFrom } from './value.ts';

const MOST_REMEMBERED = 64;
/** A larger jump is no loss but another session, whose join went to nobody. */
const MOST_MISSED = 16_384;

export class UplinkMemory {
  readonly #seen = new Set<string>();
  #last: { fCnt: number; at: number; devAddr: unknown } | null = null;

  /** @returns null for an uplink that came already */
  take(topic: string, event: Record<string, unknown>, observedAt: number): Pick<MqttInFrame, 'before'> | null {
    const type = eventOf(topic);
    if (type === 'join') this.#last = null;
    if (type !== 'up') return {};
    const { deduplicationId, devAddr } = event;
    if (typeof deduplicationId === 'string') {
      if (this.#seen.has(deduplicationId)) return null;
      this.#seen.add(deduplicationId.slice(0, 64));
      if (this.#seen.size > MOST_REMEMBERED) this.#seen.delete(this.#seen.values().next().value as string);
    }
    const fCnt = fCntOf(event);
    if (fCnt === null) return {};
    const last = this.#last;
    this.#last = { fCnt, at: timeFrom(event.time) ?? observedAt, devAddr };
    const isSameSession = last !== null && last.devAddr === devAddr && fCnt > last.fCnt + 1 && fCnt - last.fCnt < MOST_MISSED;
    return isSameSession ? { before: { fCnt: last.fCnt, at: last.at } } : {};
  }
}
