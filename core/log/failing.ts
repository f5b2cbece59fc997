/** The disk's failures in the words of the fault table. */
import { FaultError } from '../faults.ts';
import { StorageError, type OpenReport, type OpenRequest, type Storage } from './storage.ts';

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
  return new FaultError('CV_LOG_FAILED', { detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}
