/**
 * The ballast: a file full of nothing that is given up when the disk has no room left, so that marks and gap records can
 * still be written and files be let go in order; made again when there is room. On a full disk only removing files makes
 * any: not even SQLite's checkpoint works there.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { removeDatabaseFile } from './database-file.ts';
import { damagedFiles } from './salvage.ts';
import type { DiskReport } from './storage.ts';

const MAX_BYTES = 4 << 20;
/** The write-ahead logs at their mark would fit in this share of a log's bound. */
const SHARE_OF_LOG = 64;
const SHARE_OF_DISK = 4;
/** Made only where so many times its size is free. */
const ROOM = 2;
const CHUNK_BYTES = 64 << 10;
/** Where it could not be made, it is tried again after so many reports, one a commit. */
const REPORTS_A_TRY = 100;

/** How large the ballast of a log is. 4 MB from 256 MB on: a write-ahead log at its mark. */
export function defaultBallastBytes(maxBytes: number, diskBytes: number): number {
  return Math.floor(Math.min(MAX_BYTES, maxBytes / SHARE_OF_LOG, diskBytes / SHARE_OF_DISK));
}

export class Ballast {
  readonly #dir: string;
  readonly #path: string;
  readonly #bytes: number;
  #held: boolean;
  #pausedReports = 0;

  constructor(dir: string, bytes: number) {
    this.#dir = dir;
    this.#path = join(dir, 'ballast');
    this.#bytes = bytes;
    this.#held = bytes === 0 || (existsSync(this.#path) && statSync(this.#path).size >= bytes);
  }

  /** The disk as it is; makes the ballast when it is missing and there is room. */
  report(): DiskReport {
    if (this.#pausedReports > 0) this.#pausedReports -= 1;
    else if (!this.#held && freeBytes(this.#dir) >= this.#bytes * ROOM) this.#make();
    return { freeBytes: freeBytes(this.#dir), ballast: this.#held, wantedBytes: this.#held ? 0 : this.#bytes * ROOM };
  }

  /** Gives it up, and damaged files that were kept for whoever might look into them. @returns whether that made room */
  release(): boolean {
    const asides = damagedFiles(this.#dir);
    for (const name of asides) removeDatabaseFile(join(this.#dir, name));
    const had = existsSync(this.#path);
    if (had) unlinkSync(this.#path);
    this.#held = false;
    return had || asides.length > 0;
  }

  /** Filled with what no file system can make smaller. */
  #make(): void {
    try {
      const fd = openSync(this.#path, 'w');
      try {
        const chunk = new Uint8Array(CHUNK_BYTES);
        for (let at = 0; at < this.#bytes; at += CHUNK_BYTES) {
          randomFillSync(chunk);
          let written = 0;
          for (const end = Math.min(CHUNK_BYTES, this.#bytes - at); written < end;) written += writeSync(fd, chunk, written, end - written);
        }
        fsyncSync(fd);
        this.#held = true;
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      // Somebody else took the room meanwhile, or the disk is ill: without it is how it was.
      rmSync(this.#path, { force: true });
      this.#pausedReports = REPORTS_A_TRY;
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
