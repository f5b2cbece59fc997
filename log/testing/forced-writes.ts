/** What is forced to disk and renamed, in order: what a power cut in between would find. */
import fs from 'node:fs';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { mockFs } from './mock-fs.ts';

/** From now until the test ends; the list grows, each entry like `force a.json` or `rename a.json.new a.json`. */
export function recordForcedWrites(t: TestContext): string[] {
  const steps: string[] = [];
  const pathOf = new Map<number, string>();
  const { openSync, fsyncSync, fdatasyncSync, renameSync } = fs;
  const { open, rename } = fs.promises;
  mockFs(t, 'openSync', (path: string, flags: string, mode?: number) => {
    const fd = openSync(path, flags, mode);
    pathOf.set(fd, path);
    return fd;
  });
  for (const [name, run] of Object.entries({ fsyncSync, fdatasyncSync }))
    mockFs(t, name, (fd: number) => {
      steps.push(`force ${basename(pathOf.get(fd) ?? '?')}`);
      run(fd);
    });
  mockFs(t, 'renameSync', (from: string, to: string) => {
    steps.push(`rename ${basename(from)} ${basename(to)}`);
    renameSync(from, to);
  });
  mockFs(t, 'open', async (path: string, flags: string, mode?: number) => {
    const handle = await open(path, flags, mode);
    for (const name of ['sync', 'datasync'] as const) {
      const run = handle[name].bind(handle);
      handle[name] = () => {
        steps.push(`force ${basename(path)}`);
        return run();
      };
    }
    return handle;
  }, fs.promises);
  mockFs(t, 'rename', (from: string, to: string) => {
    steps.push(`rename ${basename(from)} ${basename(to)}`);
    return rename(from, to);
  }, fs.promises);
  return steps;
}
