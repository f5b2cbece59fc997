/** Up to which event time the rules have seen everything, and how long that took. */
import { valueAt } from '../../core/wire/columns.ts';
import type { LogBatch } from '../feed/log-batch.ts';

export class EvaluationProgress {
  /** Event time; null before the first event. */
  evaluatedTo: number | null = null;
  /** From occurring to being evaluated, of the newest live event; null before the first. */
  delayMs: number | null = null;

  note(groups: readonly LogBatch[], nowMs: number): void {
    for (const { columns, receivedAt } of groups) {
      const [times, origins] = [columns.cells('occurredAt'), columns.cells('origin')];
      for (let index = 0; index < columns.count; index += 1) {
        const atMs = Math.min(valueAt(times, index) as number, receivedAt);
        if (atMs < (this.evaluatedTo ?? -Infinity)) continue;
        this.evaluatedTo = atMs;
        if (valueAt(origins, index) !== 'backfill') this.delayMs = Math.max(0, nowMs - atMs);
      }
    }
  }
}
