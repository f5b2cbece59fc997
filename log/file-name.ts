/** Names of log files, `<chain>-<epoch>-<first number>.db`, and their size. */
import type { LogFileName } from './storage.ts';

const PATTERN = /^([a-z]+)-(\d{1,16})-(\d{1,16})\.db$/;

export function logFileName(chain: string, epoch: number, first: number): LogFileName {
  return { name: `${chain}-${epoch}-${first}.db`, epoch, first };
}

export function parseLogFileName(name: string): (LogFileName & { chain: string }) | null {
  const match = PATTERN.exec(name);
  return match ? { name, chain: match[1] as string, epoch: Number(match[2]), first: Number(match[3]) } : null;
}

const MAX_FILE_BYTES = 64 << 20;
const MIN_FILE_BYTES = 64 << 10;
/** A log has at least this many files, so that removing one loses little. */
const FILES_PER_LOG = 16;

/** File size of a log of `maxBytes`. */
export function logFileBytes(maxBytes: number, asked?: number): number {
  return asked ?? Math.min(MAX_FILE_BYTES, Math.max(MIN_FILE_BYTES, Math.floor(maxBytes / FILES_PER_LOG)));
}

/** Part of maxBytes reserved for the next file, which is created in advance. */
export const PREPARED_FILE_BYTES = 16 << 10;
