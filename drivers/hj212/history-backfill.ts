/**
 * Requests what a logger stored while it was disconnected (HJ 212-2017, 6.6: 2051, 2061, 2031 with BeginTime and EndTime).
 * The answers are uploads like others. One request at a time, each for no more uploads than the station's queue holds.
 */
import type { Timer, World } from '../../core/world.ts';
import { formatHj212Time, type Hj212Edition, type Hj212Message } from './message.ts';
import { HISTORY_COMMANDS, type Hj212Settings } from './settings.ts';

/** Uploads per request; the station's queue holds more. */
const MAX_PERIODS = 200;
/** When a logger sends neither result nor refusal, the next request is sent. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface Hj212HistoryRequest {
  cn: string;
  content: string;
}

export class HistoryBackfill {
  readonly #settings: Hj212Settings;
  readonly #world: World;
  readonly #send: (request: Hj212HistoryRequest) => string;
  /** DataTime of the newest upload by command, ms UTC: what is missing is known only after a first upload. */
  readonly #newest = new Map<string, number>();
  #waiting: { cn: string; from: number; to: number }[] = [];
  #pending: { qn: string; cn: string; timer: Timer } | null = null;

  /** @param send sends a request and returns its QN */
  constructor(settings: Hj212Settings, world: World, send: (request: Hj212HistoryRequest) => string) {
    this.#settings = settings;
    this.#world = world;
    this.#send = send;
  }

  /** An upload of statistics, with its DataTime. */
  noteUpload(cn: string, at: number): void {
    if (at > (this.#newest.get(cn) ?? -Infinity)) this.#newest.set(cn, at);
  }

  /** The logger sent something on a new connection. */
  reconnected(edition: Hj212Edition): void {
    const nowMs = this.#world.clock.nowMs();
    const { history, historyReach, minuteEvery } = this.#settings;
    this.cancel();
    for (const kind of history) {
      const { cn } = HISTORY_COMMANDS[kind];
      const everyMs = HISTORY_COMMANDS[kind].everyMs ?? minuteEvery;
      const newest = this.#newest.get(cn);
      if (newest === undefined) continue;
      const from = Math.max(newest + everyMs, nowMs - historyReach);
      // A period that has not ended cannot be missing.
      for (let at = from; at + everyMs <= nowMs; at += MAX_PERIODS * everyMs)
        this.#waiting.push({ cn, from: at, to: Math.min(nowMs, at + (MAX_PERIODS - 1) * everyMs) });
    }
    this.#next(edition);
  }

  /** The result or refusal of a request. @returns the command of the request; null when it is not ours */
  complete({ qn, edition }: Hj212Message): string | null {
    if (this.#pending?.qn !== qn) return null;
    const { cn } = this.#pending;
    this.#next(edition);
    return cn;
  }

  cancel(): void {
    this.#pending?.timer.cancel();
    this.#pending = null;
    this.#waiting = [];
  }

  #next(edition: Hj212Edition): void {
    this.#pending?.timer.cancel();
    this.#pending = null;
    const request = this.#waiting.shift();
    if (!request) return;
    const { cn, from, to } = request;
    const qn = this.#send({
      cn,
      content: `BeginTime=${formatHj212Time(from)}${edition === '2025' ? ';' : ','}EndTime=${formatHj212Time(to)}`,
    });
    this.#pending = { qn, cn, timer: this.#world.clock.after(ANSWER_TIMEOUT_MS, () => this.#next(edition)) };
  }
}
