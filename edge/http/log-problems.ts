/** What ails the edge's log, overheard for its health: what stands, and what was damaged or lost of late, with its range. */
import { explain, type FaultCode } from '../../core/faults.ts';
import type { Tell, TelemetryEvent } from '../../core/telemetry.ts';
import '../../log/faults.ts';

export interface LogProblem {
  code: FaultCode;
  at: number;
  en: string;
  zh: string;
}

/** These end, and then that is told. */
const STANDING: ReadonlySet<FaultCode> = new Set<FaultCode>(['CV_LOG_FULL', 'CV_LOG_FAILED', 'CV_LOG_DISK_FULL', 'CV_LOG_READ_ONLY']);
/** These happened: whoever comes to look within a day sees them. */
const HAPPENED: ReadonlySet<FaultCode> = new Set<FaultCode>(['CV_LOG_SALVAGED', 'CV_LOG_DAMAGED', 'CV_LOG_REWOUND']);
const KEPT_MS = 24 * 3600_000;
const MAX_KEPT = 50;

export class LogProblems {
  readonly #nowMs: () => number;
  readonly #standing = new Map<FaultCode, LogProblem>();
  #happened: LogProblem[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The given way to tell, overheard. */
  wrapTell(tell: Tell): Tell {
    return (event) => {
      this.#hear(event);
      tell(event);
    };
  }

  list(): LogProblem[] {
    const since = this.#nowMs() - KEPT_MS;
    return [...this.#standing.values(), ...this.#happened.filter(({ at }) => at >= since)];
  }

  #hear(event: TelemetryEvent): void {
    if (event.kind === 'fault_cleared') this.#standing.delete(event.code as FaultCode);
    if (event.kind !== 'fault') return;
    const { code } = event.fault;
    const trouble = () => ({ code, at: this.#nowMs(), en: explain(event.fault, 'en').message, zh: explain(event.fault, 'zh-CN').message });
    if (STANDING.has(code)) this.#standing.set(code, trouble());
    if (HAPPENED.has(code)) this.#happened = [...this.#happened, trouble()].slice(-MAX_KEPT);
  }
}
