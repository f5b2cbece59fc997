/** `npm test [FILES]`: type check, lint, docs check, then every test; a run that finds no test fails. */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';

const FOLDERS = ['core', 'drivers', 'models', 'edge', 'gateway', 'cli', 'test-rigs', 'tools', 'configs'];

const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.test.ts`)).toSorted();
if (files.length === 0) {
  console.error('no test files found');
  process.exit(1);
}
if (asked.length === 0) await run('npm', ['run', '--silent', 'check']);
// A test that hangs is a failure of its own; no test of ours needs two minutes.
await run(process.execPath, ['--test', '--test-reporter=spec', '--test-timeout=120000', ...files]);

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      if (code !== 0) process.exit(code ?? (signal === 'SIGINT' ? 130 : 1));
      resolve();
    });
  });
}
