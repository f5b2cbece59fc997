/**
 * The end of the log, as it was put there: the newest groups without a hole between them. A consumer that keeps up takes
 * them from here, decoded as they are; one that does not reads the log.
 */
import type { Cursor } from '../../log/types.ts';
import type { LogBatch } from './log-batch.ts';

/** Small groups cost more than their events. */
const MAX_GROUPS = 4096;

export class LogTailCache {
  readonly #maxEvents: number;
  #groups: (LogBatch | null)[] = [];
  /** Before it there is nothing any more. */
  #begin = 0;
  #held = 0;

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  /** In order of the log; after a hole (the log wrote something by itself) the end begins anew. */
  add(group: LogBatch): void {
    const last = this.#groups.at(-1)?.last;
    if (last && (last.epoch !== group.first.epoch || last.seq + 1 !== group.first.seq)) this.#clear();
    this.#groups.push(group);
    this.#held += group.columns.count;
    while (this.#groups.length - this.#begin > 1 && (this.#held > this.#maxEvents || this.#groups.length - this.#begin > MAX_GROUPS))
      this.#drop();
    if (this.#begin <= MAX_GROUPS) return;
    this.#groups = this.#groups.slice(this.#begin);
    this.#begin = 0;
  }

  /** Lets go of what lies up to a place: nobody who is near will ask for it. What is kept for long costs the collector more than its making. */
  release({ epoch, seq }: Cursor): void {
    while (this.#begin < this.#groups.length && this.#at(this.#begin).first.epoch === epoch && this.#at(this.#begin).last.seq <= seq)
      this.#drop();
    if (this.#begin === this.#groups.length) this.#clear();
  }

  /** What follows a place, about `maxEvents` of it; none where that does not lie here. */
  after({ epoch, seq }: Cursor, maxEvents: number): LogBatch[] {
    let at = this.#placeOf(epoch, seq + 1);
    const found: LogBatch[] = [];
    for (let events = 0; at < this.#groups.length && (events === 0 || events + this.#at(at).columns.count <= maxEvents); at += 1) {
      events += this.#at(at).columns.count;
      found.push(this.#at(at));
    }
    return found;
  }

  /** Of the group that holds a number; beyond the end when there is none. */
  #placeOf(epoch: number, seq: number): number {
    const none = this.#groups.length;
    let low = this.#begin;
    let high = none - 1;
    if (high < low || this.#at(low).first.epoch !== epoch || this.#at(low).first.seq > seq || this.#at(high).last.seq < seq) return none;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at(middle).last.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #at(place: number): LogBatch {
    return this.#groups[place] as LogBatch;
  }

  #drop(): void {
    this.#held -= this.#at(this.#begin).columns.count;
    this.#groups[this.#begin] = null;
    this.#begin += 1;
  }

  #clear(): void {
    this.#groups = [];
    this.#begin = 0;
    this.#held = 0;
  }
}
