/** Which warnings a list holds, and in which order. */
import type { WarningView } from '../../api/warnings.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';

export interface WarningFilter {
  condition?: WarningView['condition'] | undefined;
  open?: boolean | undefined;
  level?: WarningView['level'] | undefined;
  rule?: string | undefined;
  device?: string | undefined;
  centre?: string | undefined;
}

export function matchesWarningFilter(view: WarningView, { condition, open, level, rule, device, centre }: WarningFilter): boolean {
  return (
    (condition ?? view.condition) === view.condition &&
    (level ?? view.level) === view.level &&
    (rule ?? view.rule) === view.rule &&
    (device ?? view.device) === view.device &&
    (centre ?? view.centre) === view.centre &&
    (open === undefined || isOpen(view.state) === open)
  );
}

/** By when they were raised, the newest first; of one time by id. */
export function newestFirst(a: Pick<WarningView, 'raisedAt' | 'id'>, b: Pick<WarningView, 'raisedAt' | 'id'>): number {
  return b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : Number(a.id > b.id));
}
