/** A copy of the tree in which files are changed and their tests run, so that nobody ever sees a mistake in the tree itself. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SourceFile } from '../../tools/imports.ts';
import { runTestFiles } from '../flakes/test-file.ts';

export function copyTree(root: string, to: string): void {
  const paths = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 64 << 20,
    encoding: 'utf8',
  }).split('\0');
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

/** Whether they pass; a run over the limit does not. The first failure ends it: what a mistake lets hang would hang in many tests. */
export async function testsPass(dir: string, tests: readonly string[], limitMs: number, signal: AbortSignal): Promise<boolean> {
  const failures = await runTestFiles(dir, tests, { testMs: limitMs, allMs: limitMs * tests.length, endsAtFirst: true }, signal);
  return failures?.length === 0;
}
