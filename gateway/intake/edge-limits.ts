/** What one edge may send in a second. What is above stays unread and unanswered: it is sent again. */
import type { Fault, FaultCode } from '../../core/faults.ts';
import type { Tell } from '../../core/telemetry.ts';

/** Edges speak of themselves every 10 s and when a device comes or goes; of more than this the last counts, a second later. */
const MAX_STATES_PER_SECOND = 10;
const MAX_STATE_BYTES_PER_SECOND = 1 << 20;
/** No edge that works comes near either; one that did would take the time of all others (a batch of one event: 25 to 40 µs). */
const MAX_BATCHES_PER_SECOND = 5000;
const MAX_BYTES_PER_SECOND = 24 << 20;

interface SecondUsage {
  batches: number;
  bytes: number;
  states: number;
  stateBytes: number;
  told: Set<FaultCode>;
}

export class EdgeLimits {
  readonly #tell: Tell;
  readonly #byEdge = new Map<string, SecondUsage>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** @returns false above the limit, which is told */
  admitsBatch(edge: string, bytes: number): boolean {
    const usage = this.#usageOf(edge);
    if (usage.batches < MAX_BATCHES_PER_SECOND && usage.bytes < MAX_BYTES_PER_SECOND) {
      usage.batches += 1;
      usage.bytes += bytes;
      return true;
    }
    this.tellOnce(edge, { code: 'CV_EDGE_TOO_FAST', params: { edge, maxBatches: MAX_BATCHES_PER_SECOND, maxBytes: MAX_BYTES_PER_SECOND } });
    return false;
  }

  admitsState(edge: string, bytes: number): boolean {
    const usage = this.#usageOf(edge);
    if (usage.states >= MAX_STATES_PER_SECOND || usage.stateBytes >= MAX_STATE_BYTES_PER_SECOND) return false;
    usage.states += 1;
    usage.stateBytes += bytes;
    return true;
  }

  /** Once a second. */
  tellOnce(edge: string, fault: Fault): void {
    const { told } = this.#usageOf(edge);
    if (!told.has(fault.code)) this.#tell({ kind: 'fault', edge, fault });
    told.add(fault.code);
  }

  /** A second is over. */
  reset(): void {
    this.#byEdge.clear();
  }

  #usageOf(edge: string): SecondUsage {
    const known = this.#byEdge.get(edge);
    if (known) return known;
    const usage: SecondUsage = { batches: 0, bytes: 0, states: 0, stateBytes: 0, told: new Set() };
    this.#byEdge.set(edge, usage);
    return usage;
  }
}
