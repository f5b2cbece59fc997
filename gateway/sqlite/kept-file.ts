/**
 * The file as it was before a migration, beside the new one (`state.db.before-v1`): whoever goes back to the version of
 * before puts it in place again. It goes once the new version has proved itself: at the first opening after a run that
 * committed so many times.
 */
import type { DatabaseSync } from 'node:sqlite';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { forceFolderSync, forceSync } from '../../core/folder.ts';
import { removeFile } from '../../log/file-on-disk.ts';

/** In one run: the new version reads what it finds, and writes. */
export const CONFIRMING_COMMITS = 100;
const CONFIRMED = '.confirmed';

/** Under its name it is whole; what a kill or a full disk left of it lies under another. @param version of the first migration that follows */
export function keepCopy(db: DatabaseSync, path: string, version: number): void {
  const kept = `${path}.before-v${version}`;
  const unfinished = `${kept}.new`;
  removeFile(unfinished);
  try {
    db.prepare('VACUUM INTO ?').run(unfinished);
    forceSync(unfinished, 'r+');
  } catch (error) {
    removeFile(unfinished);
    throw error;
  }
  renameSync(unfinished, kept);
  forceFolderSync(dirname(path));
}

/** Files of before migrations that are not confirmed yet. */
export function keptFiles(path: string): string[] {
  return files(path, /\.before-v\d+$/);
}

/** The new version has written often enough. */
export function confirm(path: string): void {
  for (const kept of keptFiles(path)) renameSync(kept, kept + CONFIRMED);
}

/** Removes what was confirmed in an earlier run. */
export function removeConfirmed(path: string): void {
  for (const kept of files(path, /\.before-v\d+\.confirmed$/)) removeFile(kept);
}

function files(path: string, ends: RegExp): string[] {
  const dir = dirname(path);
  if (!existsSync(dir)) return [];
  return readdirSync(dir).filter((name) => name.startsWith(`${basename(path)}.before-v`) && ends.test(name)).map((name) => join(dir, name));
}
