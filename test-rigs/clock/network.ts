/** The way to a gateway, in virtual time, and the gateway's own check behind it: what comes in is judged, named and acknowledged. */
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../core/event.ts';
import { addRange, toMark, type SeqRange } from '../../log/ranges.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import type { EdgeState } from '../../core/wire/messages.ts';
import { parseEdgeTopic, WIRE_VERSION, type EdgeAddress, edgeTopic } from '../../core/wire/topics.ts';
import type { Random } from '../../core/world.ts';
import type { VirtualClock } from '../../core/testing/virtual-clock.ts';
import type { UplinkEvents } from '../../edge/forward/uplink.ts';
import { checkBatch } from '../../gateway/intake/accept.ts';

/** There and back. */
const MAX_TRIP_MS = 800;
const RETRY_MS = 3000;

export class SimulatedNetwork {
  readonly events = new Map<string, Event>();
  readonly refused: unknown[] = [];
  /** Events that came twice, and not the same. */
  readonly changed: [Event, Event][] = [];
  /** Clock exchanges that were answered. */
  answers = 0;
  sent = 0;
  isUp = false;
  /** Whether anything may be sent yet, and what was all the same. */
  mayFlow: () => boolean = () => this.answers > 0;
  tooEarly = 0;
  readonly #truth: VirtualClock;
  readonly #random: Random;
  readonly #marks = new Map<string, SeqRange[]>();
  #line: { events: UplinkEvents; isConnected: boolean } | null = null;

  constructor(truth: VirtualClock, random: Random) {
    this.#truth = truth;
    this.#random = random;
  }

  connect(events: UplinkEvents) {
    const line = { events, isConnected: false };
    this.#line = line;
    const isThere = () => this.#line === line && line.isConnected;
    const trying = () => {
      if (this.#line !== line) return;
      if (this.isUp && !line.isConnected) {
        line.isConnected = true;
        events.up('gateway');
      }
      this.#truth.after(RETRY_MS, trying);
    };
    return {
      open: () => { this.#truth.after(10, trying); },
      close: async () => { if (this.#line === line) this.#line = null; },
      get isUp() { return isThere(); },
      isReady: isThere,
      retarget: () => {},
      reconnect: () => {},
      publish: (topic: string, payload: Uint8Array | string) => { if (isThere()) this.#take(line, topic, Buffer.from(payload)); },
    };
  }

  cut(): void {
    const line = this.#line;
    if (!line?.isConnected) return;
    line.isConnected = false;
    line.events.down();
  }

  #take(line: { events: UplinkEvents; isConnected: boolean }, topic: string, payload: Buffer): void {
    const address = parseEdgeTopic(topic);
    if (!address) throw new Error(topic);
    const thereMs = (this.#random.next() * MAX_TRIP_MS) / 2;
    const backMs = (this.#random.next() * MAX_TRIP_MS) / 2;
    if (address.leaf === 'up' || address.leaf === 'late') {
      this.sent += 1;
      if (!this.mayFlow()) this.tooEarly += 1;
    }
    this.#truth.after(thereMs, () => {
      const answer = address.leaf === 'state' ? this.#clock(payload) : this.#batch(address, payload);
      this.#truth.after(backMs, () => {
        if (this.#line !== line || !line.isConnected) return;
        if ('clock' in answer) this.answers += 1;
        line.events.message(edgeTopic(address.centre, address.edge, 'ack'), Buffer.from(JSON.stringify(answer)));
      });
    });
  }

  #clock(payload: Buffer): object {
    const { sentAt } = JSON.parse(payload.toString()) as EdgeState;
    return { v: WIRE_VERSION, clock: { echo: sentAt, at: this.#truth.nowMs() } };
  }

  #batch({ edge }: EdgeAddress, payload: Buffer): object {
    this.refused.push(...checkBatch(payload, edge, { nowMs: this.#truth.nowMs(), accepts: ['live', 'backfill'], relays: [] }).refused);
    const { stream, epoch, seq, events } = decodeBatch(payload);
    for (const event of events) {
      const id = `${event.stream}:${event.epoch}:${event.seq}`;
      const before = this.events.get(id);
      if (before && !isDeepStrictEqual(before, event)) this.changed.push([before, event]);
      this.events.set(id, before ?? event);
    }
    const key = `${stream}|${epoch}`;
    const settled = addRange(this.#marks.get(key) ?? [], seq, seq + events.length - 1);
    this.#marks.set(key, settled);
    return { v: WIRE_VERSION, stream, epoch, ...toMark(settled), refused: [], gateway: 'gw', at: this.#truth.nowMs() };
  }
}
