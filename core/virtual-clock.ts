/** A clock that only moves when told to: timers fire in order of their time, promises settle in between. */
import type { Clock, Timer } from './world.ts';

interface Waiting {
  dueMs: number;
  order: number;
  run: () => void;
  isOff: boolean;
}

const isBefore = (a: Waiting, b: Waiting) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  /** A heap: each is due no earlier than the one at half its place. Those that were cancelled go when their turn comes. */
  readonly #waiting: Waiting[] = [];
  #order = 0;

  constructor(startsAt = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startsAt;
    this.#startMs = startsAt;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting: Waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), order: (this.#order += 1), run, isOff: false };
    this.#push(waiting);
    return { cancel: () => { waiting.isOff = true; } };
  }

  /** When the next timer is due, ms UTC; null when none waits. */
  nextDueMs(): number | null {
    while (this.#waiting[0]?.isOff) this.#pop();
    return this.#waiting[0]?.dueMs ?? null;
  }

  /** Moves on, firing what falls due on the way; what timers start by promises gets its turns before time goes on. */
  async advanceMs(stepMs: number): Promise<void> {
    const untilMs = this.#nowMs + stepMs;
    await settle();
    for (;;) {
      const dueMs = this.nextDueMs();
      if (dueMs === null || dueMs > untilMs) break;
      const next = this.#pop() as Waiting;
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  #push(waiting: Waiting): void {
    const heap = this.#waiting;
    let index = heap.push(waiting) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(waiting, heap[above] as Waiting)) break;
      heap[index] = heap[above] as Waiting;
      index = above;
    }
    heap[index] = waiting;
  }

  #pop(): Waiting | undefined {
    const heap = this.#waiting;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Waiting, heap[below] as Waiting)) below += 1;
      if (!isBefore(heap[below] as Waiting, last)) break;
      heap[index] = heap[below] as Waiting;
      index = below;
    }
    heap[index] = last;
    return first;
  }
}

/** Lets everything that is ready to run, run: promise turns and one round of real I/O events. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => { setImmediate(resolve); });
}
