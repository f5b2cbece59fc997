/**
 * The tables of a database as an ordered list of migrations, each in one transaction. A new file takes all of them, an
 * older one those that it lacks; so a table has the same root page in both. `user_version` is the version of the last one.
 * docs/decisions/0064-versions-of-databases.md.
 */
import { DatabaseSync } from 'node:sqlite';
import { existsSync } from 'node:fs';
import { FaultError } from '../../core/faults.ts';
import { inTransaction } from '../../log/transaction.ts';
import { databaseFailure } from './failure.ts';
import { backUpBeforeMigration } from './backup.ts';

interface Migration {
  /** `user_version` afterwards; higher than in the migration before. */
  version: number;
  /** Within one transaction. It adds tables and changes rows; a table that is not used any more is emptied, never dropped: the places of the others would change. */
  migrate(db: DatabaseSync): void;
}

/** In order of their versions. */
export type Migrations = readonly Migration[];

/** A database whose form has not changed since it came to be. */
export const initialVersion = (tables: string): Migrations => [{ version: 1, migrate: (db) => { db.exec(tables); } }];

export const latestVersion = (migrations: Migrations): number => migrations.at(-1)?.version ?? 0;

/**
 * Asked before anything of the file is changed.
 *
 * @throws CV_STORE_NEWER for a file of a later version
 */
export function rejectNewerVersion(path: string, newest: number): void {
  if (!existsSync(path)) return;
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const version = versionOf(db);
    if (version > newest) throw new FaultError('CV_STORE_NEWER', { path, detail: String(version) });
  } finally {
    db.close();
  }
}

/**
 * Brings an open file to the newest version; the one that it was is kept beside it before the first change.
 *
 * @returns whether an older file became one of today
 * @throws CV_STORE_MIGRATION when it could not be kept or changed: it is as it was, or whole at a version between
 */
export function migrateDatabase(db: DatabaseSync, path: string, migrations: Migrations): boolean {
  if (isEmpty(db)) {
    inTransaction(db, () => { for (const migration of migrations) apply(db, migration); });
    return false;
  }
  const version = versionOf(db);
  const missing = migrations.filter((migration) => migration.version > version);
  const [first] = missing;
  if (!first) return false;
  try {
    backUpBeforeMigration(db, path, first.version);
    for (const migration of missing) inTransaction(db, () => { apply(db, migration); });
    return true;
  } catch (error) {
    // What is damaged is for the salvage.
    if (databaseFailure(error).code === 'CV_STORE_DAMAGED') throw error;
    throw new FaultError('CV_STORE_MIGRATION', { path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

function apply(db: DatabaseSync, { version, migrate: run }: Migration): void {
  run(db);
  db.exec(`PRAGMA user_version = ${version}`);
}

const isEmpty = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' LIMIT 1").get() === undefined;

const versionOf = (db: DatabaseSync): number => (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
