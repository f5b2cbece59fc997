/**
 * What a logger stored while it could not be heard, asked for when it is back (HJ 212-2017, 6.6: 2051, 2061, 2031 with
 * BeginTime and EndTime). Its answers are uploads like others. One request at a time, none of more than a queue holds.
 */
import type { Timer, World } from '../../core/world.ts';
import { stampOf, type Edition, type Message } from './message.ts';
import { HISTORY, type Hj212Settings } from './settings.ts';

/** So many uploads come of one request: a station's queue takes more. */
const MOST_PERIODS = 200;
/** A logger that says neither that it is done nor that it refuses is asked the next thing. */
const SILENT_MS = 60_000;

export interface HistoryRequest {
  cn: string;
  content: string;
}

export class History {
  readonly #settings: Hj212Settings;
  readonly #world: World;
  readonly #send: (request: HistoryRequest) => string;
  /** By command, the DataTime of the newest upload, ms UTC: only where it was heard before is it known what is missing. */
  readonly #newest = new Map<string, number>();
  #waiting: { cn: string; from: number; to: number }[] = [];
  #asked: { qn: string; cn: string; timer: Timer } | null = null;

  /** @param send makes a request of ours. @returns its number */
  constructor(settings: Hj212Settings, world: World, send: (request: HistoryRequest) => string) {
    this.#settings = settings;
    this.#world = world;
    this.#send = send;
  }

  /** An upload of statistics, by its DataTime. */
  heard(cn: string, at: number): void {
    if (at > (this.#newest.get(cn) ?? -Infinity)) this.#newest.set(cn, at);
  }

  /** It speaks again, on another connection than before. */
  isBack(edition: Edition): void {
    const nowMs = this.#world.clock.nowMs();
    const { history, historyReach, minuteEvery } = this.#settings;
    this.end();
    for (const kind of history) {
      const { cn } = HISTORY[kind];
      const everyMs = HISTORY[kind].everyMs ?? minuteEvery;
      const newest = this.#newest.get(cn);
      if (newest === undefined) continue;
      const from = Math.max(newest + everyMs, nowMs - historyReach);
      // A period that is not over yet cannot be missing.
      for (let at = from; at + everyMs <= nowMs; at += MOST_PERIODS * everyMs) this.#waiting.push({ cn, from: at, to: Math.min(nowMs, at + (MOST_PERIODS - 1) * everyMs) });
    }
    this.#next(edition);
  }

  /** An answer that ends a request: its result, or a refusal. @returns the command that it was for; null when it is none of ours */
  ended({ qn, edition }: Message): string | null {
    if (this.#asked?.qn !== qn) return null;
    const { cn } = this.#asked;
    this.#next(edition);
    return cn;
  }

  end(): void {
    this.#asked?.timer.cancel();
    this.#asked = null;
    this.#waiting = [];
  }

  #next(edition: Edition): void {
    this.#asked?.timer.cancel();
    this.#asked = null;
    const wanted = this.#waiting.shift();
    if (!wanted) return;
    const { cn, from, to } = wanted;
    const qn = this.#send({ cn, content: `BeginTime=${stampOf(from)}${edition === '2025' ? ';' : ','}EndTime=${stampOf(to)}` });
    this.#asked = { qn, cn, timer: this.#world.clock.after(SILENT_MS, () => this.#next(edition)) };
  }
}
