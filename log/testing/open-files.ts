/** Files that are open: a handle that is forgotten is a leak, and on some systems keeps the file from being removed. */
import fs from 'node:fs';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { mockFs } from './mock-fs.ts';

/** @returns the names of files that were opened since and are not closed */
export function openFiles(t: TestContext): () => string[] {
  const open = new Map<unknown, string>();
  const { openSync, closeSync } = fs;
  const { open: openAsync } = fs.promises;
  mockFs(t, 'openSync', (path: string, flags: string, mode?: number) => {
    const fd = openSync(path, flags, mode);
    open.set(fd, basename(path));
    return fd;
  });
  mockFs(t, 'closeSync', (fd: number) => {
    open.delete(fd);
    closeSync(fd);
  });
  mockFs(t, 'open', async (path: string, flags: string, mode?: number) => {
    const handle = await openAsync(path, flags, mode);
    open.set(handle, basename(path));
    const close = handle.close.bind(handle);
    handle.close = () => {
      open.delete(handle);
      return close();
    };
    return handle;
  }, fs.promises);
  return () => [...open.values()];
}
