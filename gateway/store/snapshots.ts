/** A connection that reads `store.db`: no query waits for a commit and no commit for a query. For the store's reading threads. */
import { DatabaseSync } from 'node:sqlite';
import { databaseFailure, needsReopening } from '../sqlite/failure.ts';

/** Long enough for any commit or checkpoint to end. */
const BUSY_MS = 5000;

export class Snapshots {
  #path = '';
  #db: DatabaseSync | null = null;

  /** The file is opened with the first question. */
  open(path: string): void {
    this.#path = path;
  }

  /** Answers from one snapshot of the file. */
  read<T>(run: (db: DatabaseSync) => T): T {
    this.#db ??= new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
    const db = this.#db;
    try {
      db.exec('BEGIN');
      return run(db);
    } catch (error) {
      if (needsReopening(databaseFailure(error))) this.close();
      throw error;
    } finally {
      if (this.#db?.isTransaction) db.exec('ROLLBACK');
    }
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
  }
}
