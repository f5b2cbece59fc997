/** Test files in a run of their own, as `npm test` runs them, and what failed in them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestFailure } from './reporter.ts';

const REPORTER = join(import.meta.dirname, 'reporter.ts');
/** As in tools/test.ts. */
const TEST_TIMEOUT_MS = 120_000;
/** The runner's own time-out cannot end a test that never gives its turn back. */
const LIMIT_MS = 10 * 60_000;
const MAX_SAID = 4000;

interface Limits {
  /** Of one test. */
  testMs: number;
  /** Of all. */
  allMs: number;
  /** The first failure ends it. */
  endsAtFirst?: true;
}

/** @returns null where it was called off */
export const runTestFile = (root: string, file: string, signal: AbortSignal): Promise<TestFailure[] | null> =>
  runTestFiles(root, [file], { testMs: TEST_TIMEOUT_MS, allMs: LIMIT_MS }, signal);

/** One after the other. @returns null where it was called off */
export function runTestFiles(
  root: string,
  files: readonly string[],
  { testMs, allMs, endsAtFirst }: Limits,
  signal: AbortSignal,
): Promise<TestFailure[] | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(null);
    // A test's own runner says to its children that they are within one; this is another run.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    // A group of its own, so that what a hanging test has started ends with it.
    const child = spawn(
      process.execPath,
      ['--test', `--test-reporter=${REPORTER}`, '--test-concurrency=1', `--test-timeout=${testMs}`, ...files],
      {
        cwd: root,
        env: { NODE_COMPILE_CACHE: join(root, '.cache', 'compiled'), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    );
    const end = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch { /* It has ended by itself. */ }
    };
    const failures: TestFailure[] = [];
    let said = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      failures.push(...failuresOf(line));
      if (endsAtFirst && failures.length > 0) end();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-MAX_SAID); });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, allMs);
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
      const test = files.join(' ');
      if (isLate) failures.push({ test, error: `did not end within ${allMs / 60_000} minutes` });
      else if (code !== 0 && failures.length === 0) failures.push({ test, error: said.trim() || `exit code ${code}` });
      resolve(failures);
    });
  });
}

/** Lines that are none of the reporter's are what a test printed itself. */
export function failuresOf(lines: string): TestFailure[] {
  return lines.split('\n').flatMap((line) => {
    try {
      const failure = JSON.parse(line) as TestFailure;
      return typeof failure?.test === 'string' && typeof failure.error === 'string' ? [failure] : [];
    } catch {
      return [];
    }
  });
}
