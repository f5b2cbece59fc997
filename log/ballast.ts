/**
 * The ballast: a reserved file that is deleted when the disk is full, so that marks and gap records can still be written
 * and old files removed in order. It is created again when there is space. On a full disk only deleting files frees
 * space: not even SQLite's checkpoint works there.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statfsSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeDatabaseFile } from './database-file.ts';
import { damagedFiles } from './salvage.ts';
import type { DiskReport } from './storage.ts';

const MAX_BYTES = 4 << 20;
/** Write-ahead logs at their checkpoint size fit into this share of the log's maxBytes. */
const SHARE_OF_LOG = 64;
const SHARE_OF_DISK = 4;
/** Created only when this many times its size is free. */
const FREE_FACTOR = 2;
/** After a failed attempt, wait this many reports (one per commit) before the next. */
const REPORTS_PER_ATTEMPT = 100;

/** Default ballast size. 4 MB for logs of 256 MB and more: the size of one write-ahead log. */
export function defaultBallastBytes(maxBytes: number, diskBytes: number): number {
  return Math.floor(Math.min(MAX_BYTES, maxBytes / SHARE_OF_LOG, diskBytes / SHARE_OF_DISK));
}

export class Ballast {
  readonly #dir: string;
  readonly #path: string;
  readonly #bytes: number;
  #present: boolean;
  #pausedReports = 0;

  constructor(dir: string, bytes: number) {
    this.#dir = dir;
    this.#path = join(dir, 'ballast');
    this.#bytes = bytes;
    this.#present = bytes === 0 || (existsSync(this.#path) && statSync(this.#path).size >= bytes);
  }

  /** Reports free space; creates the ballast when it is missing and there is space. */
  report(): DiskReport {
    if (this.#pausedReports > 0) this.#pausedReports -= 1;
    else if (!this.#present && freeBytes(this.#dir) >= this.#bytes * FREE_FACTOR) this.#make();
    return { freeBytes: freeBytes(this.#dir), ballast: this.#present, wantedBytes: this.#present ? 0 : this.#bytes * FREE_FACTOR };
  }

  /** Deletes the ballast and the damaged files kept for inspection. @returns whether that freed space */
  release(): boolean {
    const damaged = damagedFiles(this.#dir);
    for (const name of damaged) removeDatabaseFile(join(this.#dir, name));
    const had = existsSync(this.#path);
    if (had) unlinkSync(this.#path);
    this.#present = false;
    return had || damaged.length > 0;
  }

  /** Random bytes: no file system can compress them. */
  #make(): void {
    try {
      writeFileSync(this.#path, randomBytes(this.#bytes), { flush: true });
      this.#present = true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      // The space was taken meanwhile, or the disk failed: continue without ballast.
      rmSync(this.#path, { force: true });
      this.#pausedReports = REPORTS_PER_ATTEMPT;
    }
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

export function diskCapacityBytes(dir: string): number {
  const { blocks, bsize } = statfsSync(dir);
  return blocks * bsize;
}
