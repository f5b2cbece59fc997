/** One SQLite file of the gateway: opened for us alone, durable with each commit, opened anew when its handle broke. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderSync } from '../../core/folder.ts';
import { failureOf, needsReopening } from './failure.ts';
import { holdLock } from './lock.ts';

/** 1 MB: whoever commits waits for it to be written back now and then, and that is a matter of a few commits' time. */
const CHECKPOINT_PAGES = 256;

export interface FileOptions {
  /** Other connections of this process read the file too; another process is kept out by a lock beside it. */
  shared?: boolean;
}

export class SqliteFile {
  readonly path: string;
  readonly #schema: string;
  readonly #shared: boolean;
  #lock: { release(): void } | null = null;
  #db: DatabaseSync | null = null;
  #broken = false;
  #onOpened: (db: DatabaseSync) => void = () => {};

  constructor(path: string, schema: string, options: FileOptions = {}) {
    this.path = path;
    this.#schema = schema;
    this.#shared = options.shared ?? false;
  }

  /** @param onOpened runs at each opening: prepares statements, reads what is kept in memory */
  open(onOpened: (db: DatabaseSync) => void): void {
    this.#onOpened = onOpened;
    if (this.#shared) this.#lock ??= holdLock(`${this.path}.lock`);
    try {
      this.#openNow();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Runs within one transaction: all of it is on disk when this returns, or nothing is. */
  transaction<T>(run: (db: DatabaseSync) => T): T {
    const db = this.#usable();
    try {
      db.exec('BEGIN IMMEDIATE');
      const result = run(db);
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has rolled back by itself already.
      if (db.isTransaction) db.exec('ROLLBACK');
      this.#broken = needsReopening(failureOf(error));
      // What was kept in memory of the failed transaction is read anew.
      if (!this.#broken) this.#onOpened(db);
      throw error;
    }
  }

  read<T>(run: (db: DatabaseSync) => T): T {
    return run(this.#usable());
  }

  /** Bytes on disk: file and write-ahead log. */
  bytes(): number {
    return [this.path, `${this.path}-wal`].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  close(): void {
    this.#closeHandle();
    this.#lock?.release();
    this.#lock = null;
  }

  #closeHandle(): void {
    this.#db?.close();
    this.#db = null;
  }

  #usable(): DatabaseSync {
    if (this.#broken) {
      this.#closeHandle();
      this.#openNow();
    }
    if (!this.#db) throw new Error(`${this.path} is closed`);
    return this.#db;
  }

  #openNow(): void {
    makeFolderSync(dirname(this.path));
    const db = new DatabaseSync(this.path);
    try {
      db.exec(`PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=${this.#shared ? 'NORMAL' : 'EXCLUSIVE'}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${CHECKPOINT_PAGES}`);
      db.exec(this.#schema);
      // Before the first checkpoint the tables themselves lie in the write-ahead log alone.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#db = db;
      this.#broken = false;
      this.#onOpened(db);
    } catch (error) {
      this.#db = null;
      db.close();
      throw error;
    }
  }
}
