/** Counts what edges send, and tells it. */
import type { Stream } from '../../core/event.ts';
import type { Tell } from '../../core/telemetry.ts';
import { valueAt } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import type { LogBatch } from '../feed/log-batch.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import type { RefusedEvent } from './accept.ts';

export interface IntakeStats {
  /** Events, since start. */
  accepted: number;
  duplicates: number;
  refused: number;
  /** From occurredAt to the gateway, of the newest live measurement; ms. */
  acceptMs: number | null;
}

export class IntakeCounts {
  readonly stats: IntakeStats = { accepted: 0, duplicates: 0, refused: 0, acceptMs: null };
  readonly #registry: Pick<PresenceRegistry, 'noteEvents'>;
  readonly #tell: Tell;

  constructor(registry: Pick<PresenceRegistry, 'noteEvents'>, tell: Tell) {
    this.#registry = registry;
    this.#tell = tell;
  }

  kept(edge: string, stream: Stream, batches: readonly LogBatch[], refused: readonly RefusedEvent[], receivedAt: number): void {
    for (const { columns } of batches) {
      this.stats.accepted += columns.count;
      this.#tell({ kind: 'events_accepted', count: columns.count, sender: edge, stream });
      const newestAt = newestLive(columns);
      if (newestAt !== null) this.stats.acceptMs = Math.max(0, receivedAt - newestAt);
      this.#registry.noteEvents(columns);
    }
    if (refused.length === 0) return;
    this.stats.refused += refused.length;
    this.#tell({ kind: 'samples_lost', count: refused.length, reason: 'quarantined', intended: true, stream, sender: edge });
    const oneOfEachCode = new Map(refused.map((one) => [one.code, one]));
    for (const [code, { params }] of oneOfEachCode) this.#tell({ kind: 'fault', edge, fault: { code, params } });
  }

  duplicates(edge: string, count: number): void {
    if (count === 0) return;
    this.stats.duplicates += count;
    this.#tell({ kind: 'samples_lost', count, reason: 'duplicate', intended: true, sender: edge });
  }

  tooManyHoles(edge: string, stream: string): void {
    this.#tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_HOLES', params: { edge, stream, maxRanges: MAX_HAVE_RANGES } } });
  }
}

/** When the last live value of a batch occurred. States too, as in the store's figure: the two are read side by side. */
function newestLive(batch: EventColumns): number | null {
  const [kinds, origins, times] = [batch.cells('kind'), batch.cells('origin'), batch.cells('occurredAt')];
  for (let index = batch.count - 1; index >= 0; index -= 1) {
    const kind = valueAt(kinds, index);
    if (kind !== 'gap' && kind !== 'diagnostic' && valueAt(origins, index) === 'live') return valueAt(times, index) as number;
  }
  return null;
}
