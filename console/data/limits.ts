/** Which of a value's limits it lies beyond. */
import type { LastValue } from '../../api/devices.ts';
import type { Level, Value } from '../../api/fields.ts';

export type Limit = LastValue['limits'][number];

const isBeyond = (value: number, limit: Limit): boolean => (limit.direction === 'high' ? value >= limit.value : value <= limit.value);

/** The worst level whose limit the value has reached; null within all, or when there is no number or no limit. */
export function beyondLimit({ value, limits }: { value: Value; limits: readonly Limit[] }): Level | null {
  if (typeof value !== 'number') return null;
  const reached = limits.filter((limit) => isBeyond(value, limit)).map(({ level }) => level);
  return reached.length > 0 ? (Math.min(...reached) as Level) : null;
}
