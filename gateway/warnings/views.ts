/** Station: the warnings as the API lists them: open ones, and the newest of those that are over. */
import type { WarningView } from '../../api/views.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import { matchesFilter, newestFirst, type WarningFilter } from './list.ts';

/** Warnings that are listed; of more, the oldest that are over leave the list. */
const MAX_VIEWS = 20_000;

export class WarningViews {
  readonly #views = new Map<string, WarningView>();
  readonly #listeners = new Set<(warning: WarningView) => void>();
  readonly #onDropped: (id: string) => void;

  /** @param onDropped told of each that leaves the list */
  constructor(onDropped: (id: string) => void) {
    this.#onDropped = onDropped;
  }

  /** Puts one in, or in place of what it was. */
  put(view: WarningView): void {
    this.#views.set(view.id, view);
    if (this.#views.size <= MAX_VIEWS) return;
    for (const [id, { state }] of this.#views) {
      if (isOpen(state)) continue;
      this.#views.delete(id);
      this.#onDropped(id);
      return;
    }
  }

  announce(view: WarningView): void {
    this.put(view);
    for (const listener of this.#listeners) listener(view);
  }

  list(filter: WarningFilter = {}): WarningView[] {
    return [...this.#views.values()].filter((view) => matchesFilter(view, filter)).toSorted(newestFirst);
  }

  get(id: string): WarningView | null {
    return this.#views.get(id) ?? null;
  }

  openCount(): number {
    let open = 0;
    for (const { state } of this.#views.values()) if (isOpen(state)) open += 1;
    return open;
  }

  onChange(listener: (warning: WarningView) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }
}
