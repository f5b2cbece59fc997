/** What goes wrong in a database file, so that it survives the way out of a worker. */
import type { FaultCode } from '../../core/faults.ts';
import { FaultError } from '../../core/faults.ts';

export interface DatabaseFailure {
  code: FaultCode;
  detail: string;
  /** SQLite's primary result code; null when the failure is not SQLite's. */
  errcode: number | null;
}

const BUSY = 5;
const DAMAGED = new Set([11, 26]);
/** After these a handle may stay broken although the disk is well again (LOG-AND-WIRE 1): it is opened anew. */
const REOPEN = new Set([8, 10, 14]);

export function databaseFailure(error: unknown): DatabaseFailure {
  if (error instanceof FaultError) return { code: error.fault.code, detail: String(error.fault.params.detail ?? ''), errcode: null };
  const errcode = typeof (error as { errcode?: unknown }).errcode === 'number' ? (error as { errcode: number }).errcode & 0xff : null;
  const isDamaged = errcode === null ? isNonsense(error) : DAMAGED.has(errcode);
  const code = errcode === BUSY ? 'CV_STORE_BUSY' : isDamaged ? 'CV_STORE_DAMAGED' : 'CV_STORE_FAILED';
  return { code, detail: error instanceof Error ? error.message : String(error), errcode };
}

/** Numbers beyond what JavaScript holds, and texts that are no JSON: nobody wrote them. */
const isNonsense = (error: unknown): boolean => error instanceof SyntaxError || (error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE';

export const needsReopening = (failure: DatabaseFailure): boolean => failure.errcode !== null && REOPEN.has(failure.errcode);

export const databaseFault = (failure: DatabaseFailure, path: string): FaultError =>
  new FaultError(failure.code, { path, detail: failure.detail });
