/** Makes and sets `fsync-shim.c`: for any process that a rig starts, a disk that flushes slowly, or fails to. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileShim } from './compile.ts';

const SOURCE = join(import.meta.dirname, 'fsync-shim.c');

export interface SlowDisk {
  /** Ms that each fsync and fdatasync takes longer. */
  delayMs?: number;
  /** errno that each of them fails with: 5 = EIO, 28 = ENOSPC. */
  errno?: number;
  /** Only for files whose path has this text in it. */
  path?: string;
  /** Slow and failing only while this file exists: made and removed by the rig while the process runs. */
  while?: string;
  /** Where calls are counted, over all processes that are given the same file (`fsyncCounts`). */
  count?: string;
}

/** The environment that puts a process on such a disk. @throws when gcc is not there or cannot compile it */
export async function slowDisk(disk: SlowDisk): Promise<Record<string, string>> {
  return {
    LD_PRELOAD: await compileShim(SOURCE),
    ...(disk.delayMs === undefined ? {} : { FSYNC_SHIM_DELAY_MS: String(disk.delayMs) }),
    ...(disk.errno === undefined ? {} : { FSYNC_SHIM_ERRNO: String(disk.errno) }),
    ...(disk.path === undefined ? {} : { FSYNC_SHIM_PATH: disk.path }),
    ...(disk.while === undefined ? {} : { FSYNC_SHIM_WHILE: disk.while }),
    ...(disk.count === undefined ? {} : { FSYNC_SHIM_COUNT: disk.count }),
  };
}

/** Calls so far, and those that were failed on purpose; zeros before the first. */
export function fsyncCounts(file: string): { calls: number; failed: number } {
  if (!existsSync(file)) return { calls: 0, failed: 0 };
  const bytes = readFileSync(file);
  return bytes.length < 16
    ? { calls: 0, failed: 0 }
    : { calls: Number(bytes.readBigUInt64LE(0)), failed: Number(bytes.readBigUInt64LE(8)) };
}

export { canCompile as shimAvailable } from './compile.ts';
