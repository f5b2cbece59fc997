/** What of a value may never be hidden: a change of what it is, and the crossing of a limit. Pure. */
import type { Draft } from '../../core/event.ts';

/** Whether something other than the value differs: quality, flags, kind, unit, whose clock, place. */
export function isOtherState(a: Draft, b: Draft): boolean {
  return (
    a.quality !== b.quality ||
    a.kind !== b.kind ||
    a.unit !== b.unit ||
    a.indicator !== b.indicator ||
    a.origin !== b.origin ||
    a.clock !== b.clock ||
    (a.flags ?? []).toSorted().join() !== (b.flags ?? []).toSorted().join() ||
    a.position?.lon !== b.position?.lon ||
    a.position?.lat !== b.position?.lat ||
    a.position?.heightM !== b.position?.heightM
  );
}

/** Below, on and above a limit are three sides. */
const sideOf = (value: number, limit: number) => Math.sign(value - limit);

export function crossesLimit(limits: readonly number[], last: Draft, draft: Draft): boolean {
  const { value: from } = last;
  const { value: to } = draft;
  if (typeof from !== 'number' || typeof to !== 'number') return false;
  return limits.some((limit) => sideOf(from, limit) !== sideOf(to, limit));
}
