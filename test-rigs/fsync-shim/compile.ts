/** Compiles a library that is put in front of libc by LD_PRELOAD. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const MADE = join(import.meta.dirname, '..', '..', '.cache', 'fsync-shim');

/** Whether a rig or test can have one at all: a test without gcc says so and is skipped. */
export const canCompile = async (): Promise<boolean> => promisify(execFile)('gcc', ['--version']).then(() => true, () => false);

/** The library, compiled once for each version of its source. @throws when gcc is not there or cannot compile it */
export async function compileShim(source: string): Promise<string> {
  const library = join(MADE, `${createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  mkdirSync(MADE, { recursive: true });
  // Two rigs may start at the same moment: each compiles its own, and the names are swapped at once.
  const own = `${library}.${process.pid}`;
  await promisify(execFile)('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', own, source, '-ldl', '-lpthread']).catch(
    (error: Error) => {
      throw new Error(`${basename(source)}: ${error.message} (apt-get install gcc libc6-dev)`);
    },
  );
  renameSync(own, library);
  return library;
}
