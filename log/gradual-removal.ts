/**
 * Files that are let go, in portions: to free 64 MB in one go takes as long as fifty commits. They lose their names at
 * once; whoever opens the folder finishes what was left of them.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { renameDatabaseFile, removeDatabaseFile } from './database-file.ts';

const GONE = '.gone';
const PORTION_BYTES = 8 << 20;

export class GradualRemoval {
  readonly #dir: string;
  readonly #paths: string[] = [];

  constructor(dir: string) {
    this.#dir = dir;
    for (const name of readdirSync(dir).filter((one) => one.endsWith(GONE))) removeDatabaseFile(join(dir, name));
  }

  /** Nobody has it open. */
  add(name: string): void {
    const path = join(this.#dir, name);
    renameDatabaseFile(path, path + GONE);
    this.#paths.push(path + GONE);
  }

  /** @returns whether there was something to do */
  removePortion(): boolean {
    const [path] = this.#paths;
    if (path === undefined) return false;
    try {
      const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes > PORTION_BYTES) {
        truncateSync(path, bytes - PORTION_BYTES);
        return true;
      }
      removeDatabaseFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      // The disk is ill; the next opening tries again.
    }
    this.#paths.shift();
    return true;
  }

  close(): void {
    while (this.removePortion());
  }
}
