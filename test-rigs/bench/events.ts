/** Events as a real edge gives them: 60 series that wander, jittered times, 4 % with a flag; about 340 B each as JSON. */
import type { Draft, Kind } from '../../core/event.ts';
import type { Random } from '../../core/world.ts';

const SERIES = 60;
const FLAGGED_SHARE = 0.04;

export function eventSource(random: Random, kind: Kind, startsAt: number, stepMs: number): (count: number) => Draft[] {
  const levels = Array.from({ length: SERIES }, () => random.next() * 10);
  let made = 0;
  const one = (): Draft => {
    const series = made % SERIES;
    const level = Math.max(0, (levels[series] as number) + (random.next() - 0.5) * 0.04);
    levels[series] = level;
    const occurredAt = Math.round(startsAt + made * stepMs + (random.next() - 0.5) * 40);
    made += 1;
    return {
      device: `pump-${String(Math.floor(series / 6)).padStart(2, '0')}-plc`,
      point: `level-${series % 6}`,
      indicator: `YJ-FLD-${String(series % 12).padStart(3, '0')}`,
      subject: `pump-${String(Math.floor(series / 6)).padStart(2, '0')}`,
      centre: '500112001',
      kind,
      value: Math.round(level * 1000) / 1000,
      unit: 'm',
      occurredAt,
      clock: 'device',
      observedAt: occurredAt + 5 + Math.floor(random.next() * 20),
      quality: 'good',
      origin: 'live',
      ...(random.next() < FLAGGED_SHARE ? { quality: 'uncertain' as const, flags: ['spike' as const] } : {}),
    };
  };
  return (count) => Array.from({ length: count }, one);
}
