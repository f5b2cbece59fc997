/**
 * What becomes of a damaged database: what can be read of it goes into a new one, which then stands in its place; the
 * damaged one lies aside under a name of its own. docs/decisions/0043-damaged-databases.md.
 */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { renameDatabaseFile, removeDatabaseFile } from '../../log/database-file.ts';
import { forceFolderSync } from '../../core/folder.ts';
import { storageFailureOf, isDiskFullFailure } from '../../log/storage.ts';
import { openDamaged, headerDamage } from './damaged.ts';
import { databaseFailure } from './failure.ts';
import { SqliteFile } from './file.ts';
import { acquireLock } from './lock.ts';
import type { Migrations } from './migrations.ts';

/** Evidence for whoever looks into it; more of it would only be the same disk again. */
const MAX_ASIDE = 3;
const UNFINISHED = '.salvage';
/** The first page as it was, where it had to be made anew to read the rest. */
const PAGE = '-page1';

export interface DatabaseSalvage<Found> {
  /** Where the damaged file lies. */
  aside: string;
  /** What showed that it was damaged. */
  detail: string;
  found: Found;
}

/** Copies what is sound; from nothing where nothing can be read, or the disk has no room for a copy. */
export type SalvageCopy<Found> = (from: DatabaseSync | null, into: SqliteFile) => Found;

/**
 * Opens a database, and a new one in place of one that is damaged.
 *
 * @param open opens the file that lies at the path now
 * @returns what was opened, and what was saved of a damaged one; null when it was sound
 */
export function openOrSalvage<Opened, Found>(
  path: string,
  migrations: Migrations,
  open: () => Opened,
  copy: SalvageCopy<Found>,
): { opened: Opened; salvage: DatabaseSalvage<Found> | null } {
  finishSalvage(path);
  let detail = headerDamage(path);
  if (detail === null) {
    try {
      return { opened: open(), salvage: null };
    } catch (error) {
      const failure = databaseFailure(error);
      if (failure.code !== 'CV_STORE_DAMAGED') throw error;
      ({ detail } = failure);
    }
  }
  const salvage = salvageFile(path, migrations, detail, copy);
  return { opened: open(), salvage };
}

/** Only for files nobody has open; another process is kept out meanwhile. */
export function salvageFile<Found>(path: string, migrations: Migrations, detail: string, copy: SalvageCopy<Found>): DatabaseSalvage<Found> {
  return alone(path, () => replace(path, migrations, detail, copy));
}

function replace<Found>(path: string, migrations: Migrations, detail: string, copy: SalvageCopy<Found>): DatabaseSalvage<Found> {
  const aside = nextAside(path);
  const from = openDamaged(path, migrations, aside + PAGE);
  let found: Found;
  try {
    found = into(path, migrations, (file) => copy(from, file));
  } catch (error) {
    if (!isDiskFullFailure(storageFailureOf(error))) throw error;
    found = into(path, migrations, (file) => copy(null, file));
  } finally {
    from?.close();
  }
  renameDatabaseFile(path, aside);
  renameSync(path + UNFINISHED, path);
  forceFolderSync(dirname(path));
  for (const old of asideFiles(path).slice(0, -MAX_ASIDE)) for (const one of [old, old + PAGE]) removeDatabaseFile(one);
  return { aside, detail, found };
}

/** Leaves a whole file, at rest, under the name of what is not finished. */
function into<Found>(path: string, migrations: Migrations, run: (file: SqliteFile) => Found): Found {
  removeDatabaseFile(path + UNFINISHED);
  const file = new SqliteFile(path + UNFINISHED, migrations);
  try {
    file.open(() => {});
    return run(file);
  } finally {
    file.close();
  }
}

/** Ends what a process was killed at: the damaged file is moved away only when the new one is whole. */
function finishSalvage(path: string): void {
  if (!existsSync(path + UNFINISHED)) return;
  alone(path, () => {
    if (existsSync(path)) removeDatabaseFile(path + UNFINISHED);
    else renameSync(path + UNFINISHED, path);
  });
}

function alone<T>(path: string, run: () => T): T {
  const lock = acquireLock(`${path}.lock`);
  try {
    return run();
  } finally {
    lock.release();
  }
}

/** Damaged ones that were put aside, oldest first. */
function asideFiles(path: string): string[] {
  const dir = dirname(path);
  return readdirSync(dir)
    .filter((name) => name.startsWith(`${basename(path)}.damaged-`) && /\.damaged-\d+$/.test(name))
    .map((name) => join(dir, name))
    .toSorted((a, b) => numberOf(a) - numberOf(b));
}

const numberOf = (name: string): number => Number(/(\d+)$/.exec(name)?.[1] ?? 0);

const nextAside = (path: string): string => `${path}.damaged-${Math.max(0, ...asideFiles(path).map(numberOf)) + 1}`;
