/** A folder for one test, gone afterwards. */
import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface TempDir {
  dir: string;
  remove(): Promise<void>;
}

export const tempDir = (): Promise<TempDir> => dirIn(tmpdir());

async function dirIn(parent: string): Promise<TempDir> {
  const dir = await mkdtemp(join(parent, 'cityvitals-'));
  // A test's hooks run in the order they were made, so what writes there may not have ended yet: then once more.
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 10 }) };
}

const MEMORY_FOLDER = '/dev/shm';
const MIN_FREE_BYTES = 48 << 20;

/**
 * The same in memory where the system has that: for tests that commit thousands of times and are not about the disk's
 * durability. Elsewhere it is an ordinary folder.
 */
export async function memoryDir(): Promise<TempDir> {
  return dirIn((await hasMemoryFolder()) ? MEMORY_FOLDER : tmpdir());
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
