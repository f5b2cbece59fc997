/** Listens to what the gateway tells of itself and keeps what its status page and health say. */
import type { Tell, TelemetryEvent } from '../../core/telemetry.ts';
import { explain, type Fault } from '../../core/faults.ts';
import type { HealthProblem } from '../../api/health.ts';
import '../../log/faults.ts';

/** While one of these was told a moment ago, the gateway is not at its work. */
const IMPAIRING = new Set(['CV_LOG_FULL', 'CV_LOG_FAILED', 'CV_LOG_DISK_FULL', 'CV_LOG_READ_ONLY', 'CV_LOG_DAMAGED', 'CV_QUARANTINE_FAILED', 'CV_CONSUMER_FAILED', 'CV_STORE_FAILED', 'CV_BROKER_BEHIND', 'CV_ACCEPT_FAILED']);
const RECENT_MS = 30_000;

export class Tally {
  /** Rows written to the time series since start. */
  stored = 0;
  readonly #nowMs: () => number;
  readonly #faults = new Map<string, { atMs: number; fault: Fault }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The given way to tell, overheard. */
  over(tell: Tell): Tell {
    return (event) => {
      this.#hear(event);
      tell(event);
    };
  }

  /** Faults of the last half minute that keep the gateway from its work. */
  problems(): HealthProblem[] {
    const nowMs = this.#nowMs();
    return [...this.#faults].filter(([, { atMs }]) => nowMs - atMs < RECENT_MS).map(([code, { fault }]) => ({ code, detail: explain(fault, 'en').message, detailZh: explain(fault, 'zh-CN').message }));
  }

  #hear(event: TelemetryEvent): void {
    if (event.kind === 'points_stored') this.stored += event.count;
    if (event.kind === 'fault' && IMPAIRING.has(event.fault.code)) this.#faults.set(event.fault.code, { atMs: this.#nowMs(), fault: event.fault });
  }
}
