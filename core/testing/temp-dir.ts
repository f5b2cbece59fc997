/** A folder for one test, gone afterwards. */
import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function tempDir(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-'));
  return { dir, remove: () => removed(dir) };
}

/** Hooks run in the order they were made, so what writes there may not have ended yet: then once more. */
const removed = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 10 });

const MEMORY_FOLDER = '/dev/shm';
const MIN_FREE_BYTES = 48 << 20;

/**
 * The same in memory where the system has that: for tests that commit thousands of times and are not about the disk's
 * durability. Elsewhere it is an ordinary folder.
 */
export async function memoryDir(): Promise<{ dir: string; remove(): Promise<void> }> {
  if (!(await hasMemoryFolder())) return tempDir();
  const dir = await mkdtemp(join(MEMORY_FOLDER, 'cityvitals-'));
  return { dir, remove: () => removed(dir) };
}

async function hasMemoryFolder(): Promise<boolean> {
  try {
    await access(MEMORY_FOLDER, constants.W_OK);
    const { bavail, bsize } = await statfs(MEMORY_FOLDER);
    return bavail * bsize >= MIN_FREE_BYTES;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}
