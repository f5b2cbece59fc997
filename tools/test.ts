/** `npm test [FILES]`: `npm run check`, then every test; a run that finds no test fails. At its end the slowest files are named. */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDERS = 'core log city api cases scene drivers models edge gateway console cli test-rigs tools configs'.split(' ');
/** The runner's own time-out cannot end a test that never gives its turn back; this ends the whole run. */
const LIMIT_MS = 20 * 60_000;

/**
 * Many wait for processes of their own: with one file at a time, which is the runner's default here, two cores stand idle
 * for a third of the run.
 */
const AT_ONCE = Math.max(3, availableParallelism() - 1);

/** Each file has a process of its own, which compiles what it loads; a third of the whole run's time. */
const COMPILED = join(import.meta.dirname, '..', '.cache', 'compiled');

const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.test.ts`)).toSorted();
if (files.length === 0) {
  console.error('no test files found');
  process.exit(1);
}
if (asked.length === 0) await run('npm', ['run', '--silent', 'check']);
// Two reporters may write in any order; which files were slow and how many tests were skipped is said last, also where tests fail.
const folder = mkdtempSync(join(tmpdir(), 'cityvitals-test-'));
const summary = join(folder, 'summary.txt');
process.on('exit', () => {
  try {
    process.stdout.write(readFileSync(summary, 'utf8'));
  } catch { /* The runner did not come so far. */ }
  rmSync(folder, { recursive: true, force: true });
});
await run(process.execPath, [
  '--test',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${join(import.meta.dirname, 'summary-reporter.ts')}`,
  `--test-reporter-destination=${summary}`,
  '--test-timeout=120000',
  `--test-concurrency=${AT_ONCE}`,
  ...files,
]);

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve) => {
    // A group of its own, so that what a hanging test has started ends with it.
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    });
    const end = (signal: NodeJS.Signals) => {
      if (child.pid) process.kill(-child.pid, signal);
    };
    const timer = setTimeout(() => {
      console.error(`the tests did not end within ${LIMIT_MS / 60_000} minutes`);
      end('SIGKILL');
    }, LIMIT_MS);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(signal));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) process.exit(code ?? (signal === 'SIGINT' ? 130 : 1));
      resolve();
    });
  });
}
