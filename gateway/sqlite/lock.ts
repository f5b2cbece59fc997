/** Keeps a second process out of a database that several connections of ours share. */
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderSync } from '../../core/folder.ts';

/**
 * Held in a file of its own, which nobody else opens: closing any descriptor of a file drops the locks on it.
 *
 * @throws SQLite's busy when another process holds it
 */
export function acquireLock(path: string): { release(): void } {
  makeFolderSync(dirname(path));
  const db = new DatabaseSync(path);
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw error;
  }
  return { release: () => db.close() };
}
