/**
 * Uncaught errors of a service are reported and counted, and the process continues, so that one unexpected request does
 * not stop the service. Too many of them end the process: a supervisor restarts it, and acknowledged data is on disk.
 */
import type { Fault } from '../core/faults.ts';
import './faults.ts';

const MAX_PER_MINUTE = 100;
const MINUTE_MS = 60_000;
const MAX_DETAIL = 2000;

export interface UncaughtErrorOptions {
  report(fault: Fault): void;
  nowMs(): number;
  /** Called when there are too many. */
  end(): void;
}

/** Handles uncaught errors. */
export function uncaughtErrorHandler({ report, nowMs, end }: UncaughtErrorOptions): (error: unknown) => void {
  let times: number[] = [];
  return (error) => {
    const now = nowMs();
    times = [...times.filter((atMs) => now - atMs < MINUTE_MS), now];
    try {
      report({ code: 'CV_PROCESS_EXCEPTION', params: { detail: detailOf(error) } });
    } catch {
      // Reporting itself failed: counted like the others.
    }
    if (times.length >= MAX_PER_MINUTE) end();
  };
}

/** With the stack, limited in length. */
function detailOf(error: unknown): string {
  return (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, MAX_DETAIL);
}
