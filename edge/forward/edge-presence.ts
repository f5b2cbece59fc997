/**
 * Presence: the retained word about this edge (online, version, log depth, devices), and the clock it is answered with.
 * Spoken on each connect, soon after a device came or went, and every ten seconds or, with many devices, less often.
 */
import { STREAMS } from '../../core/event.ts';
import type { EdgeLog } from '../../log/types.ts';
import type { ClockAnswer, DeviceState, EdgeState, UnknownDeviceState } from '../../core/wire/messages.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';

const EVERY_MS = 10_000;
/** With many devices it is said less often: at most 500 bytes a second, and once a minute. */
const MS_A_BYTE = 2;
const SELDOM_MS = 60_000;
const DEVICES_EVERY_MS = 1_000;
/** While the clock is not known, everything waits for the answer. */
const UNSET_EVERY_MS = 2_000;
/** An answer to something said longer ago says little about the clock. */
const MAX_ROUND_TRIP_MS = 10_000;

export interface EdgePresenceParts {
  edge: string;
  centre: string;
  version: string;
  devices(): DeviceState[];
  /** Who spoke and is not configured; news of it waits for the next word. */
  unknownDevices?(): UnknownDeviceState[];
  httpUrl(): string | null;
  /** By which the gateway asks there. */
  httpKey?: string;
  /** SHA-256 of the key by which commands are verified; null or absent: they are not. */
  commandKey?(): string | null;
  /** Absent: our clock is to be believed as it is. */
  clock?: GatewayClock;
}

/** A clock that the gateway's word may set. */
interface GatewayClock {
  /** Whether anything that bears a time may be sent. */
  isSettled(): boolean;
  /** It is `nowAt` at the gateway, ms UTC, as uncertain as half of `tookMs`. */
  gatewayAnswered(nowAt: number, tookMs: number): void;
}

/** The last will, and the last word on a clean stop. */
export function offlinePayload(facts: Pick<EdgePresenceParts, 'edge' | 'centre'>): string {
  const state: EdgeState = { v: WIRE_VERSION, edge: facts.edge, centre: facts.centre, online: false };
  return JSON.stringify(state);
}

export class EdgePresence {
  readonly #facts: EdgePresenceParts;
  readonly #log: EdgeLog;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #publish: (payload: string) => void;
  readonly #startedMs: number;
  #saidAtMs = -Infinity;
  #saidDevices = '';
  #everyMs = EVERY_MS;
  /** Wall clock and monotonic ms of what was last said: the echo that is believed. */
  #awaited: { sentAt: number; atMs: number } | null = null;
  #clockOffsetMs: number | null = null;

  constructor(facts: EdgePresenceParts, log: EdgeLog, world: Pick<World, 'clock' | 'tell'>, publish: (payload: string) => void) {
    this.#facts = facts;
    this.#log = log;
    this.#world = world;
    this.#publish = publish;
    this.#startedMs = world.clock.monotonicMs();
  }

  /** The gateway's clock minus ours, ms; null before the first answer. */
  get clockOffsetMs(): number | null {
    return this.#clockOffsetMs;
  }

  publish(): void {
    const devices = this.#facts.devices().map((device) => (this.#isSettled ? device : { ...device, lastAt: null }));
    const sentAt = this.#world.clock.nowMs();
    this.#saidAtMs = this.#world.clock.monotonicMs();
    this.#saidDevices = whoIsThere(devices);
    this.#awaited = { sentAt, atMs: this.#saidAtMs };
    const payload = JSON.stringify(this.#state(sentAt, devices));
    this.#everyMs = Math.min(SELDOM_MS, Math.max(EVERY_MS, payload.length * MS_A_BYTE));
    this.#publish(payload);
  }

  /** About once a second while connected. */
  tick(): void {
    const sinceMs = this.#world.clock.monotonicMs() - this.#saidAtMs;
    if (
      sinceMs >= (this.#isSettled ? this.#everyMs : UNSET_EVERY_MS) ||
      (sinceMs >= DEVICES_EVERY_MS && whoIsThere(this.#facts.devices()) !== this.#saidDevices)
    )
      this.publish();
  }

  clockAnswered({ clock: { echo, at } }: ClockAnswer): void {
    const awaited = this.#awaited;
    if (awaited?.sentAt !== echo) return;
    this.#awaited = null;
    // Measured on the clock that never steps; half of the way there, half back.
    const tookMs = this.#world.clock.monotonicMs() - awaited.atMs;
    if (tookMs > MAX_ROUND_TRIP_MS) return;
    const nowAt = at + tookMs / 2;
    this.#facts.clock?.gatewayAnswered(nowAt, tookMs);
    const offsetMs = Math.round(nowAt - this.#world.clock.nowMs());
    if (this.#clockOffsetMs === null || Math.abs(offsetMs - this.#clockOffsetMs) >= CLOCK_NEWS_MS) this.#note(offsetMs);
    this.#clockOffsetMs = offsetMs;
  }

  #note(offsetMs: number): void {
    const level = Math.abs(offsetMs) >= CLOCK_NEWS_MS ? 'warn' : 'info';
    this.#world.tell({ kind: 'notice', level, en: `clock of the gateway is ${offsetMs} ms ahead of ours`, zh: `网关时钟比本机快 ${offsetMs} 毫秒` });
  }

  get #isSettled(): boolean {
    return this.#facts.clock?.isSettled() ?? true;
  }

  #state(sentAt: number, devices: DeviceState[]): EdgeState {
    const sizes = STREAMS.map((stream) => [stream, this.#log.size(stream)] as const);
    const http = this.#facts.httpUrl();
    const unknown = this.#facts.unknownDevices?.() ?? [];
    const commandKey = this.#facts.commandKey?.() ?? null;
    return {
      v: WIRE_VERSION,
      edge: this.#facts.edge,
      centre: this.#facts.centre,
      online: true,
      sentAt,
      version: this.#facts.version,
      startedAt: Math.round(sentAt - (this.#world.clock.monotonicMs() - this.#startedMs)),
      clockOffsetMs: this.#clockOffsetMs,
      log: {
        depth: sizes.reduce((sum, [, size]) => sum + size.events, 0), bytes: sizes.reduce((sum, [, size]) => sum + size.bytes, 0),
        byStream: Object.fromEntries(sizes.map(([stream, size]) => [stream, size.events])),
      },
      ...(http ? { http, ...(this.#facts.httpKey && { httpKey: this.#facts.httpKey }) } : {}),
      ...(commandKey !== null && { commandKey }),
      devices,
      ...(unknown.length > 0 ? { unknown } : {}),
    };
  }
}

/** From here on an offset is worth a word. */
const CLOCK_NEWS_MS = 2_000;

const whoIsThere = (devices: readonly DeviceState[]) => JSON.stringify(devices.map(({ id, online, reason }) => [id, online, reason]));
