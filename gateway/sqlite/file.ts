/** One SQLite file of the gateway: opened for us alone, durable with each commit, opened anew when its handle broke. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderSync } from '../../core/folder.ts';
import { inTransaction } from '../../log/transaction.ts';
import { databaseFailure, needsReopening } from './failure.ts';
import { confirmBackups, COMMITS_TO_CONFIRM, unconfirmedBackups, removeConfirmedBackups } from './backup.ts';
import { acquireLock } from './lock.ts';
import { migrateDatabase, latestVersion, rejectNewerVersion, type Migrations } from './migrations.ts';

/** 1 MB: whoever commits waits for it to be written back now and then, and that is a matter of a few commits' time. */
const CHECKPOINT_PAGES = 256;

export interface FileOptions {
  /** Other connections of this process read the file too; another process is kept out by a lock beside it. */
  shared?: boolean;
}

export class SqliteFile {
  readonly path: string;
  readonly #migrations: Migrations;
  readonly #shared: boolean;
  #lock: { release(): void } | null = null;
  #db: DatabaseSync | null = null;
  #broken = false;
  /** Commits until the file of before a migration is confirmed; null where none waits for it. */
  #unconfirmed: number | null = null;
  #onOpened: (db: DatabaseSync) => void = () => {};

  constructor(path: string, migrations: Migrations, options: FileOptions = {}) {
    this.path = path;
    this.#migrations = migrations;
    this.#shared = options.shared ?? false;
  }

  /**
   * A file of an earlier version becomes one of today.
   *
   * @param onOpened runs at each opening: prepares statements, reads what is kept in memory
   * @throws CV_STORE_NEWER, CV_STORE_MIGRATION, and errors of SQLite
   */
  open(onOpened: (db: DatabaseSync) => void): void {
    this.#onOpened = onOpened;
    if (this.#shared) this.#lock ??= acquireLock(`${this.path}.lock`);
    try {
      rejectNewerVersion(this.path, latestVersion(this.#migrations));
      this.#openNow();
      removeConfirmedBackups(this.path);
      this.#unconfirmed = unconfirmedBackups(this.path).length > 0 ? COMMITS_TO_CONFIRM : null;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Runs within one transaction: all of it is on disk when this returns, or nothing is. */
  transaction<T>(run: (db: DatabaseSync) => T): T {
    const db = this.#usable();
    let result: T;
    try {
      result = inTransaction(db, () => run(db));
    } catch (error) {
      this.#broken = needsReopening(databaseFailure(error));
      // What was kept in memory of the failed transaction is read anew.
      if (!this.#broken) this.#onOpened(db);
      throw error;
    }
    this.#noteCommit();
    return result;
  }

  #noteCommit(): void {
    if (this.#unconfirmed === null) return;
    this.#unconfirmed -= 1;
    if (this.#unconfirmed > 0) return;
    this.#unconfirmed = null;
    try {
      confirmBackups(this.path);
    } catch (error) {
      // The commit stands; the next run confirms it.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
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
      db.exec(
        `PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=${this.#shared ? 'NORMAL' : 'EXCLUSIVE'}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${CHECKPOINT_PAGES}`,
      );
      migrateDatabase(db, this.path, this.#migrations);
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
