/** Station: the warnings as the API lists them: open ones, and the newest of those that are over. */
import type { WarningView } from '../../api/warnings.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import type { RuleTables } from '../../city/rules/engine.ts';
import type { OutboxEntry } from './database.ts';
import { matchesWarningFilter, newestFirst, type WarningFilter } from './list.ts';
import { warningMessage } from './view.ts';

/** Warnings that are listed; of more, the oldest that are over leave the list. */
const MAX_VIEWS = 20_000;

export class WarningViews {
  readonly #views = new Map<string, WarningView>();
  readonly #listeners = new Set<(warning: WarningView) => void>();
  /** Those that were saved, in the order in which they were raised. */
  load(views: readonly WarningView[]): void {
    for (const view of views) this.#views.set(view.id, view);
  }

  /** One that is new, or has changed. */
  announce(view: WarningView): void {
    this.#views.set(view.id, view);
    if (this.#views.size > MAX_VIEWS) this.#dropOldest();
    for (const listener of this.#listeners) listener(view);
  }

  #dropOldest(): void {
    for (const [id, { state }] of this.#views) {
      if (isOpen(state)) continue;
      this.#views.delete(id);
      return;
    }
  }

  list(filter: WarningFilter = {}): WarningView[] {
    return [...this.#views.values()].filter((view) => matchesWarningFilter(view, filter)).toSorted(newestFirst);
  }

  get(id: string): WarningView | null {
    return this.#views.get(id) ?? null;
  }

  openCount(sees: (centre: string) => boolean = () => true): number {
    let open = 0;
    for (const { state, centre } of this.#views.values()) if (isOpen(state) && sees(centre)) open += 1;
    return open;
  }

  onChange(listener: (warning: WarningView) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }
}

/** The open warnings as messages: a broker may have lost what it retained. */
export function openMessages({ keys, warnings }: Pick<RuleTables, 'keys' | 'warnings'>, views: Pick<WarningViews, 'get'>): OutboxEntry[] {
  return [...keys.values()].flatMap(({ newest }) => {
    const warning = newest && warnings.get(newest.id);
    const view = warning && isOpen(warning.state) ? views.get(warning.id) : null;
    return warning && view ? [warningMessage(view, warning.revision, null)] : [];
  });
}
