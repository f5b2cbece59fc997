/** How much an edge may tell the record. An honest one sums what repeats itself and never comes near it; another is counted. */
import { setBounded } from '../../core/bounded-map.ts';

/** At once, as after weeks without a network; and so many a minute from then on. */
const MAX_AT_ONCE = 20_000;
const PER_MINUTE = 60;
const MAX_EDGES = 10_000;
const MINUTE_MS = 60_000;

interface Budget {
  left: number;
  atMs: number;
  /** Not written, and not said yet; null: nothing was over. */
  unsaid: number | null;
}

export class EdgeBudget {
  readonly #edges = new Map<string, Budget>();

  /**
   * @param atMs when it came in
   * @returns whether it is written; `over`: how many were not, to be said now. The first is said at once, since a restart
   *   forgets the others
   */
  take(edge: string, atMs: number): { isWritten: boolean; over: number } {
    const known = this.#edges.get(edge) ?? { left: MAX_AT_ONCE, atMs, unsaid: null };
    const earned = (Math.max(0, atMs - known.atMs) / MINUTE_MS) * PER_MINUTE;
    const left = Math.min(MAX_AT_ONCE, known.left + earned);
    const next = (budget: Omit<Budget, 'atMs'>): void =>
      setBounded(this.#edges, edge, { ...budget, atMs: Math.max(atMs, known.atMs) }, MAX_EDGES);
    if (left >= 1) {
      next({ left: left - 1, unsaid: null });
      return { isWritten: true, over: known.unsaid ?? 0 };
    }
    next({ left, unsaid: known.unsaid === null ? 0 : known.unsaid + 1 });
    return { isWritten: false, over: known.unsaid === null ? 1 : 0 };
  }
}
