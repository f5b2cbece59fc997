/**
 * Folders of which the names are on disk. Forcing a file forces its content, and not the name under which it is found: a
 * name that was made or changed is on disk once its folder was forced, and a folder's own once the one above it was.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Makes it, with those above it; names of those that were made are on disk when it resolves. */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) });
  for (const above of foldersAbove(path, first)) await forceFolder(above);
}

export function makeFolderSync(path: string, mode?: number): void {
  const first = mkdirSync(path, { recursive: true, ...(mode !== undefined && { mode }) });
  for (const above of foldersAbove(path, first)) forceFolderSync(above);
}

/** Names in it are on disk when it resolves. */
export async function forceFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

export function forceFolderSync(path: string): void {
  forceSync(path, 'r');
}

/** What a file holds, written through any handle, or the names in a folder are on disk when it returns. A folder opens for reading alone. */
export function forceSync(path: string, flags: 'r' | 'r+'): void {
  const fd = openSync(path, flags);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Those in which a name is new: of each folder from the first that was made down to the last. */
function foldersAbove(path: string, first: string | undefined): string[] {
  if (first === undefined) return [];
  const found: string[] = [];
  for (let at = resolve(path), end = resolve(first); ; at = dirname(at)) {
    found.unshift(dirname(at));
    if (at === end || dirname(at) === at) return found;
  }
}
