/** What the doctor looks at: the kernel's files below a root, and a few programs; a test gives a folder and answers of its own. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface HostMachine {
  /** Absolute path of one of the kernel's files: /sys, /proc, /dev, /run. */
  path(name: string): string;
  /** Trimmed text; null when it is not there or may not be read. */
  read(name: string): string | null;
  list(name: string): string[];
  /** What a program prints; null when it is not installed or failed. */
  run(program: string, args: readonly string[]): Promise<string | null>;
  /** `major:minor` of the device a folder lies on. */
  deviceOf(dir: string): string;
  freeBytes(dir: string): number;
  pause(durationMs: number): Promise<void>;
  monotonicMs(): number;
}

const PROGRAM_MS = 5000;
/** Not there, not allowed, or the kernel has nothing to say. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'EIO', 'ESRCH', 'ENODEV', 'EOPNOTSUPP']);

export function hostMachine(root = '/'): HostMachine {
  const path = (name: string) => join(root, name);
  const unlessAbsent = <T>(look: () => T, absent: T): T => {
    try {
      return look();
    } catch (error) {
      if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return absent;
    }
  };
  return {
    path,
    read: (name) => unlessAbsent<string | null>(() => readFileSync(path(name), 'utf8').trim(), null),
    list: (name) => unlessAbsent<string[]>(() => readdirSync(path(name)).toSorted(), []),
    run: (program, args) =>
      promisify(execFile)(program, [...args], { timeout: PROGRAM_MS }).then(
        ({ stdout }) => stdout.trim(),
        () => null,
      ),
    deviceOf(dir) {
      const { dev } = statSync(dir);
      // As glibc splits it, below 2^32.
      return `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
    },
    freeBytes(dir) {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    },
    pause: (durationMs) => new Promise((resolve) => { setTimeout(resolve, durationMs); }),
    monotonicMs: () => performance.now(),
  };
}
