/** `npm run build`: the compiled package in dist/, with everything that runs beside it: console, configs, detector. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
run(process.execPath, ['models/convert/main.ts']);
run('tsc', ['-p', 'tsconfig.build.json']);
run('vite', ['build', 'console', '--logLevel', 'warn']);
copy('gateway/console-dist');
copy('configs', (path) => !path.endsWith('.test.ts'));
// What a program reads beside its code: graphs and their notes, README of drivers stay in the sources.
for (const file of globSync('models/*/*.onnx', { cwd: root })) copy(file);
process.stdout.write('built dist/\n');

function run(command: string, args: string[]): void {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function copy(path: string, filter: (path: string) => boolean = () => true): void {
  if (!existsSync(join(root, path))) throw new Error(`${path} is missing`);
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  cpSync(join(root, path), join(dist, path), { recursive: true, filter });
}
