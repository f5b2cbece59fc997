/** Reads the store of a gateway that does not run back, without changing it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { seriesKey } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { databaseFailure, databaseFault } from '../sqlite/failure.ts';
import { acquireLock } from '../sqlite/lock.ts';
import { rejectNewerVersion } from '../sqlite/migrations.ts';
import { StoreReader } from './reader.ts';
import { STORE_VERSION } from './schema.ts';
import { verifyStore, type Verification } from './verify.ts';

export interface StoreFileCheck extends Verification {
  path: string;
  /** `indicator|device|point` by id, of those that are damaged. */
  names: ReadonlyMap<number, string>;
}

/**
 * @param dir of `store.db`
 * @returns null when there is no store
 * @throws CV_STORE_BUSY while a gateway holds it; CV_STORE_NEWER, CV_STORE_DAMAGED, CV_STORE_FAILED
 */
export async function verifyStoreFile(dir: string, onSlice: (done: number, of: number) => void): Promise<StoreFileCheck | null> {
  const path = join(dir, 'store.db');
  if (!existsSync(path)) return null;
  const lock = held(path);
  const { operations } = new StoreReader();
  try {
    rejectNewerVersion(path, STORE_VERSION);
    operations.open({ path });
    const found = await verifyStore(
      { size: operations.checkSize, chunks: operations.check, blocks: operations.checkBlocks, file: operations.checkFile },
      onSlice,
    );
    const wanted = new Set(found.damages.map(({ series }) => series));
    const names = new Map(operations.names().flatMap(({ id, ...name }) => (wanted.has(id) ? [[id, seriesKey(name)] as const] : [])));
    return { ...found, path, names };
  } catch (error) {
    throw error instanceof FaultError ? error : databaseFault(databaseFailure(error), path);
  } finally {
    operations.close();
    lock.release();
  }
}

function held(path: string): { release(): void } {
  try {
    return acquireLock(`${path}.lock`);
  } catch (error) {
    throw databaseFault(databaseFailure(error), path);
  }
}
