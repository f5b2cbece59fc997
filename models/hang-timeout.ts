/**
 * How long a worker may take before it counts as hung: a multiple of the recent run time, since runs take longer on a busy
 * machine. No clock, no I/O.
 */

/** Also of a model that is quick: the whole machine may stand still for a moment. */
const LEAST_MS = 2000;
/** Times what a slow run of late took. */
const FACTOR = 20;
/** What one run leaves of the slowest before it: gone by half in 140. */
const FADES = 0.995;
/** One that was given up on may have been only slow: the next is given so much longer. */
const LONGER = 2;

export class HangTimeout {
  readonly #mostMs: number;
  /** By model: how long a slow run of one picture takes, ms. */
  readonly #slowMs = new Map<string, number>();
  /** Models that the process at hand has answered for: its first run makes the graph's memory, which takes longer. */
  readonly #known = new Set<string>();

  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /** @returns how long to wait for a run of so many pictures, ms */
  for(model: string, pictures: number): number {
    if (!this.#known.has(model)) return this.#mostMs;
    return Math.min(this.#mostMs, Math.max(LEAST_MS, FACTOR * (this.#slowMs.get(model) ?? 0) * pictures));
  }

  /** A run was answered after so long. */
  answered(model: string, waitedMs: number, pictures: number): void {
    this.#known.add(model);
    this.#slowMs.set(model, Math.max(waitedMs / pictures, (this.#slowMs.get(model) ?? 0) * FADES));
  }

  /** It was given up on after so long, or the process ended by itself. Of a first run that says nothing: it was given the longest. */
  unanswered(model: string, waitedMs: number, pictures: number): void {
    if (!this.#known.has(model)) return;
    this.#slowMs.set(model, Math.max((LONGER * waitedMs) / FACTOR / pictures, this.#slowMs.get(model) ?? 0));
  }

  /** Another process, which knows nothing yet. */
  anew(): void {
    this.#known.clear();
  }

  /** It is not in the process any more. */
  forget(model: string): void {
    this.#known.delete(model);
    this.#slowMs.delete(model);
  }
}
