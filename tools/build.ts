/** `npm run build`: the compiled program in dist/, with what it reads beside its code: the console and the detector. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MODEL_SOURCES } from '../models/convert/sources.ts';
import { graphPath } from '../models/verify.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
run(process.execPath, 'models/convert/main.ts');
run('tsc', '-p', 'tsconfig.build.json');
// Straight to its place: gateway/console-dist belongs to whoever runs from the sources.
run('vite', 'build', 'console', '--logLevel', 'warn', '--outDir', join(dist, 'gateway', 'console-dist'));
// Those that were converted here alone: graphs that somebody fetched are not ours to pass on.
for (const path of MODEL_SOURCES.map(({ spec }) => graphPath(spec))) cpSync(path, join(dist, relative(root, path)));
for (const file of globSync('drivers/*/descriptions/*.yaml', { cwd: root })) cpSync(join(root, file), join(dist, file));
process.stdout.write('built dist/\n');

function run(command: string, ...args: string[]): void {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (done.error) process.stderr.write(`${command}: ${done.error.message}\n`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}
