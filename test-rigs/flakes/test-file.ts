/** One test file in a run of its own, as `npm test` runs it, and what failed in it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Failure } from './reporter.ts';

const COMPILED = join(import.meta.dirname, '..', '..', '.cache', 'compiled');
const REPORTER = join(import.meta.dirname, 'reporter.ts');
/** As in tools/test.ts. */
const TEST_TIMEOUT_MS = 120_000;
/** The runner's own time-out cannot end a test that never gives its turn back. */
const LIMIT_MS = 10 * 60_000;
const MAX_SAID = 4000;

/** @returns null where it was called off */
export function runTestFile(root: string, file: string, signal: AbortSignal): Promise<Failure[] | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(null);
    // A test's own runner says to its children that they are within one; this is another run.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    // A group of its own, so that what a hanging test has started ends with it.
    const child = spawn(process.execPath, ['--test', `--test-reporter=${REPORTER}`, `--test-timeout=${TEST_TIMEOUT_MS}`, file], {
      cwd: root, env: { NODE_COMPILE_CACHE: COMPILED, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    });
    let lines = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { lines += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-MAX_SAID); });
    const end = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch { /* It has ended by itself. */ }
    };
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, LIMIT_MS);
    signal.addEventListener('abort', end, { once: true });
    process.once('exit', end);
    child.once('error', reject);
    // A process that a test has left behind holds the pipes.
    child.once('exit', end);
    child.once('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      process.off('exit', end);
      if (signal.aborted) return resolve(null);
      const failures = failuresOf(lines);
      if (isLate) failures.push({ test: file, error: `did not end within ${LIMIT_MS / 60_000} minutes` });
      else if (code !== 0 && failures.length === 0) failures.push({ test: file, error: said.trim() || `exit code ${code}` });
      resolve(failures);
    });
  });
}

/** Lines that are none of the reporter's are what a test printed itself. */
export function failuresOf(lines: string): Failure[] {
  return lines.split('\n').flatMap((line) => {
    try {
      const failure = JSON.parse(line) as Failure;
      return typeof failure?.test === 'string' && typeof failure.error === 'string' ? [failure] : [];
    } catch {
      return [];
    }
  });
}
