/** One transaction of SQLite, for the log's files and the gateway's. */
import type { DatabaseSync } from 'node:sqlite';

/** All of what `run` writes is on disk when this returns, or nothing is. */
export function inTransaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = run();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // After a full disk or failed fsync SQLite has already rolled back; another ROLLBACK would throw.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
