/**
 * The last guard of a service: an error that nothing has dealt with is told and counted, and the process goes on, since
 * one request that we have not thought of must not cost everybody's data. Where they do not end, the process does: a
 * supervisor starts it anew, and what was acknowledged is on disk.
 */
import type { Fault } from '../core/faults.ts';
import './faults.ts';

const MOST_A_MINUTE = 100;
const MINUTE_MS = 60_000;
const MAX_DETAIL = 2000;

export interface GuardParts {
  tell(fault: Fault): void;
  nowMs(): number;
  /** There were too many. */
  end(): void;
}

/** Takes what nothing has caught. */
export function lastGuard({ tell, nowMs, end }: GuardParts): (error: unknown) => void {
  let times: number[] = [];
  return (error) => {
    const now = nowMs();
    times = [...times.filter((atMs) => now - atMs < MINUTE_MS), now];
    try {
      tell({ code: 'CV_PROCESS_EXCEPTION', params: { detail: detailOf(error) } });
    } catch {
      // Telling is what fails: it counts as the rest.
    }
    if (times.length >= MOST_A_MINUTE) end();
  };
}

/** With its place; of a hostile message only so much. */
function detailOf(error: unknown): string {
  return (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, MAX_DETAIL);
}
