/** Gap records: events that say what a log lost. */
import type { Draft, Gap } from '../core/event.ts';
import type { LossReason } from '../core/losses.ts';

const GAP_POINT = 'log';
const GAP_INDICATOR = 'cv.gap';

export interface LossRecord extends Gap {
  reason: LossReason;
}

/** A gap as a draft of its stream; device is the edge, value the number of lost events. */
export function gapDraft(edge: string, centre: string, gap: Gap, nowMs: number, clock: 'edge' | 'unsynced' = 'edge'): Draft {
  return {
    device: edge, point: GAP_POINT, indicator: GAP_INDICATOR, centre, kind: 'gap', value: gap.count, unit: '1',
    occurredAt: nowMs, clock, observedAt: nowMs, quality: 'good', origin: 'live', gap,
  };
}

/** Merges adjacent losses of the same epoch and reason. */
export function mergeLosses(losses: readonly LossRecord[]): LossRecord[] {
  const joined: LossRecord[] = [];
  for (const lost of losses.toSorted((a, b) => a.epoch - b.epoch || a.fromSeq - b.fromSeq)) {
    const last = joined.at(-1);
    const fits =
      last !== undefined &&
      last.epoch === lost.epoch &&
      last.reason === lost.reason &&
      (lost.fromSeq === 0 ? last.fromSeq === 0 : last.toSeq + 1 === lost.fromSeq && last.fromSeq > 0);
    if (!fits) joined.push({ ...lost });
    else
      joined[joined.length - 1] = {
        ...last,
        toSeq: lost.toSeq,
        count: last.count + lost.count,
        fromAt: Math.min(last.fromAt, lost.fromAt),
        toAt: Math.max(last.toAt, lost.toAt),
      };
  }
  return joined;
}
