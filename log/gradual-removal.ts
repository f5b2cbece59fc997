/**
 * Removes files in portions: freeing 64 MB at once takes as long as fifty commits. They are renamed at once; the next
 * opening removes leftovers.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { renameDatabaseFile, removeDatabaseFile } from './database-file.ts';

const REMOVED_SUFFIX = '.gone';
const PORTION_BYTES = 8 << 20;

export class GradualRemoval {
  readonly #dir: string;
  readonly #paths: string[] = [];

  constructor(dir: string) {
    this.#dir = dir;
    for (const name of readdirSync(dir).filter((one) => one.endsWith(REMOVED_SUFFIX))) removeDatabaseFile(join(dir, name));
  }

  /** @param name of a file that is not open */
  add(name: string): void {
    const path = join(this.#dir, name);
    renameDatabaseFile(path, path + REMOVED_SUFFIX);
    this.#paths.push(path + REMOVED_SUFFIX);
  }

  /** @returns whether there was something to do */
  removePortion(): boolean {
    const [path] = this.#paths;
    if (path === undefined) return false;
    try {
      const bytes = statSync(path).size;
      if (bytes > PORTION_BYTES) {
        truncateSync(path, bytes - PORTION_BYTES);
        return true;
      }
      removeDatabaseFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      // Disk failure; the next opening tries again. Or somebody else removed it.
    }
    this.#paths.shift();
    return true;
  }

  close(): void {
    while (this.removePortion());
  }
}
