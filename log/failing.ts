/** The disk's failures in the words of the fault table. */
import { FaultError, type FaultCode } from '../core/faults.ts';
import { isFull, isReadOnly, StorageError, type OpenReport, type OpenRequest, type Storage, type StorageFailure } from './storage.ts';
import './faults.ts';

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openStorage(storage: Storage, dir: string, request: Omit<OpenRequest, 'dir'>): Promise<OpenReport> {
  try {
    return await storage.open({ dir, ...request });
  } catch (error) {
    await storage.close();
    if (!(error instanceof StorageError)) throw error;
    const { locked, detail } = error.failure;
    throw new FaultError(locked ? 'CV_LOG_LOCKED' : 'CV_LOG_UNUSABLE', { dir, detail }, { cause: error });
  }
}

export function failedWith(error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const code = error instanceof StorageError ? codeOf(error.failure) : 'CV_LOG_FAILED';
  return new FaultError(code, { detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}

function codeOf(failure: StorageFailure): FaultCode {
  if (isFull(failure)) return 'CV_LOG_DISK_FULL';
  return isReadOnly(failure) ? 'CV_LOG_READ_ONLY' : 'CV_LOG_FAILED';
}

/** Nothing of it is on disk, and a new file may take it at once. */
export function isWorthAnotherFile(error: unknown): boolean {
  return error instanceof StorageError && error.failure.again === true;
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof StorageError && isFull(error.failure);
}
