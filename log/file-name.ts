/** How the files of a log are named, `<chain>-<epoch>-<first number>.db`, and how large they get. */
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
/** A log is at least this many files, so that letting one go lets go of little. */
const FILES_A_LOG = 16;

/** How large the files of a log are that holds `maxBytes`. */
export function logFileBytes(maxBytes: number, asked?: number): number {
  return asked ?? Math.min(MAX_FILE_BYTES, Math.max(MIN_FILE_BYTES, Math.floor(maxBytes / FILES_A_LOG)));
}

/** What is kept of a log's bound for the empty file that is made before it is needed. */
export const PREPARED_FILE_BYTES = 16 << 10;
