/** Watches the gateway's own telemetry for its status page and health. */
import type { Tell, TelemetryEvent } from '../../core/telemetry.ts';
import { explain, type Fault } from '../../core/faults.ts';
import type { HealthProblem } from '../../api/health.ts';
import '../../log/faults.ts';

/** While one of these was reported recently, the gateway is not working as it should. */
const IMPAIRING = new Set([
  'CV_LOG_FULL',
  'CV_LOG_FAILED',
  'CV_LOG_DISK_FULL',
  'CV_LOG_READ_ONLY',
  'CV_LOG_DAMAGED',
  'CV_QUARANTINE_FAILED',
  'CV_CONSUMER_FAILED',
  'CV_STORE_FAILED',
  'CV_BROKER_BEHIND',
  'CV_ACCEPT_FAILED',
]);
const RECENT_MS = 30_000;

export class HealthMonitor {
  /** Rows written to the time series since start. */
  stored = 0;
  readonly #nowMs: () => number;
  readonly #faults = new Map<string, { atMs: number; fault: Fault }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The given `tell`, watched. */
  over(tell: Tell): Tell {
    return (event) => {
      this.#watch(event);
      tell(event);
    };
  }

  /** Faults of the last half minute that keep the gateway from its work. */
  problems(): HealthProblem[] {
    const nowMs = this.#nowMs();
    return [...this.#faults]
      .filter(([, { atMs }]) => nowMs - atMs < RECENT_MS)
      .map(([code, { fault }]) => ({ code, detail: explain(fault, 'en').message, detailZh: explain(fault, 'zh-CN').message }));
  }

  #watch(event: TelemetryEvent): void {
    if (event.kind === 'points_stored') this.stored += event.count;
    if (event.kind === 'fault' && IMPAIRING.has(event.fault.code))
      this.#faults.set(event.fault.code, { atMs: this.#nowMs(), fault: event.fault });
  }
}
