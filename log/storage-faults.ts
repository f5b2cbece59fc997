/** Maps storage failures to faults. */
import { FaultError, type FaultCode } from '../core/faults.ts';
import {
  isDiskFullFailure,
  isReadOnlyFailure,
  StorageError,
  type StorageOpenReport,
  type StorageOpenRequest,
  type LogStorage,
  type StorageFailure,
} from './storage.ts';
import './faults.ts';

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openStorage(storage: LogStorage, dir: string, request: Omit<StorageOpenRequest, 'dir'>): Promise<StorageOpenReport> {
  try {
    return await storage.open({ dir, ...request });
  } catch (error) {
    await storage.close();
    if (!(error instanceof StorageError)) throw error;
    const { locked, detail } = error.failure;
    throw new FaultError(locked ? 'CV_LOG_LOCKED' : 'CV_LOG_UNUSABLE', { dir, detail }, { cause: error });
  }
}

export function toLogFault(error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const code = error instanceof StorageError ? codeOf(error.failure) : 'CV_LOG_FAILED';
  return new FaultError(code, { detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}

function codeOf(failure: StorageFailure): FaultCode {
  if (isDiskFullFailure(failure)) return 'CV_LOG_DISK_FULL';
  return isReadOnlyFailure(failure) ? 'CV_LOG_READ_ONLY' : 'CV_LOG_FAILED';
}

/** Nothing was written, and a new file may succeed at once. */
export function isRetryableInNewFile(error: unknown): boolean {
  return error instanceof StorageError && error.failure.retryable === true;
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof StorageError && isDiskFullFailure(error.failure);
}
