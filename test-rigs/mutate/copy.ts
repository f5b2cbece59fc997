/** A copy of the tree in which files are changed and their tests run, so that nobody ever sees a mistake in the tree itself. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SourceFile } from '../../tools/imports.ts';
import { failuresOf } from '../flakes/test-file.ts';

export function copyTree(root: string, to: string): void {
  const paths = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, maxBuffer: 64 << 20, encoding: 'utf8' }).split('\0');
  for (const path of paths) {
    if (path === '' || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(root, path), join(to, path));
  }
  rmSync(join(to, 'node_modules'), { recursive: true, force: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** All test files that import it, over others too; the nearest first. */
export function testsOf(path: string, sources: readonly SourceFile[]): string[] {
  const seen = new Set([path]);
  // A set grows while it is gone through, so this goes by distance.
  for (const near of seen) for (const source of sources) if (source.imports.includes(near)) seen.add(source.path);
  return [...seen].filter((found) => found.endsWith('.test.ts'));
}

/** Tells of each failure as it happens. */
const REPORTER = join(import.meta.dirname, '..', 'flakes', 'reporter.ts');

/** Whether they pass; a run over the limit does not. The first failure ends it: what a mistake lets hang would hang in many tests. */
export function passes(dir: string, tests: readonly string[], limitMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    // A test's own runner says to its children that they are within one; this is another run.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--test', `--test-reporter=${REPORTER}`, '--test-concurrency=1', `--test-timeout=${limitMs}`, ...tests], { cwd: dir, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    let hasFailed = false;
    const end = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch { /* It has ended by itself. */ }
    };
    createInterface({ input: child.stdout }).on('line', (line) => {
      // What a test prints itself is no failure.
      if (failuresOf(line).length === 0) return;
      hasFailed = true;
      end();
    });
    const timer = setTimeout(end, limitMs * tests.length);
    signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      end();
      resolve(code === 0 && !hasFailed);
    });
  });
}
