/**
 * Slows down who guesses passwords, without locking out who knows one. Each address that fails too often waits before its
 * credentials are looked at, right or wrong, so that silence tells a guesser nothing; few wait at a time, and when
 * more come, one of them by chance gives way: no order of arrival keeps the right one out. Other addresses, and
 * connections that stand, notice nothing.
 */
import { networkOf } from '../../core/net.ts';
import type { Timer, World } from '../../core/world.ts';

const WINDOW_MS = 60_000;
/** Wrong ones within a window that are answered at once; a site behind one address has several boxes to set up. */
export const FREE_FAILURES = 10;
export const WAIT_MS = 2000;
/** Of one address; with the wait, 8 looks a second. */
export const MAX_WAITING = 16;
const MAX_ADDRESSES = 1024;

interface Waiting {
  timer: Timer;
  giveWay(): void;
}

interface Record {
  failures: number;
  sinceMs: number;
  waiting: Waiting[];
}

export class Guesses {
  readonly #world: Pick<World, 'clock' | 'random'>;
  readonly #records = new Map<string, Record>();

  constructor(world: Pick<World, 'clock' | 'random'>) {
    this.#world = world;
  }

  /** How many addresses are remembered. */
  get addresses(): number {
    return this.#records.size;
  }

  failed(address: string): void {
    const key = networkOf(address);
    const nowMs = this.#world.clock.monotonicMs();
    const known = this.#records.get(key);
    const record =
      known && (nowMs - known.sinceMs < WINDOW_MS || known.waiting.length > 0) ? known : { failures: 0, sinceMs: nowMs, waiting: [] };
    record.failures += 1;
    record.sinceMs = nowMs;
    // The latest last, so that the one that has been quiet longest is forgotten first.
    this.#records.delete(key);
    this.#records.set(key, record);
    if (this.#records.size > MAX_ADDRESSES) this.#forgetOne();
  }

  /** Calls `look` now, or after the wait; `giveWay` instead when another took the place. */
  inTurn(address: string, look: () => void, giveWay: () => void): void {
    const record = this.#records.get(networkOf(address));
    if (!record || record.failures < FREE_FAILURES || this.#world.clock.monotonicMs() - record.sinceMs >= WINDOW_MS) return look();
    if (record.waiting.length >= MAX_WAITING) {
      const [out] = record.waiting.splice(Math.floor(this.#world.random.next() * record.waiting.length), 1);
      out?.timer.cancel();
      out?.giveWay();
    }
    const entry: Waiting = {
      giveWay,
      timer: this.#world.clock.after(WAIT_MS, () => {
        record.waiting = record.waiting.filter((one) => one !== entry);
        look();
      }),
    };
    record.waiting.push(entry);
  }

  close(): void {
    for (const { waiting } of this.#records.values()) for (const { timer } of waiting) timer.cancel();
    this.#records.clear();
  }

  #forgetOne(): void {
    for (const [key, { waiting }] of this.#records) {
      if (waiting.length > 0) continue;
      this.#records.delete(key);
      return;
    }
  }
}
