/** The disk itself: what this process has written, and how fast it takes bare appends. */
import { closeSync, fdatasyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes this process, its threads included, has caused to be written to block devices; page-wise, without the file system's journal. */
export function bytesWritten(): number {
  const match = /^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'));
  return Number(match?.[1] ?? 0);
}

/** Appends with fdatasync for `seconds`, `bytes` each. @returns appends a second */
export function bareAppends(dir: string, bytes: number, seconds: number): number {
  const path = join(dir, 'bare');
  const fd = openSync(path, 'w');
  const chunk = Buffer.alloc(bytes, 0x61);
  const startedMs = performance.now();
  let appends = 0;
  try {
    while (performance.now() - startedMs < seconds * 1000) {
      writeSync(fd, chunk);
      fdatasyncSync(fd);
      appends += 1;
    }
    return (appends * 1000) / (performance.now() - startedMs);
  } finally {
    closeSync(fd);
    unlinkSync(path);
  }
}
