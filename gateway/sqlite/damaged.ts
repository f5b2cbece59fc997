/**
 * Reads what SQLite still reads of a damaged database. A first page that makes no sense is made anew: page size, tables
 * and their order are those of every file of its kind and version. What then comes out is for the caller to judge, row by row.
 */
import { closeSync, fsyncSync, openSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { removeDatabaseFile } from '../../log/database-file.ts';
import { isCorruption } from '../../log/storage.ts';
import { SqliteFile } from './file.ts';
import type { Migrations } from './migrations.ts';

const PAGE_BYTES = 4096;
/** In the first page: how many pages there are, where those that are free begin, and how many these are. */
const PAGE_COUNT_AT = 28;
const FREE_AT = 32;
const FREE_COUNT_AT = 36;
/** Fixed bytes in the header of every file of ours: page size, formats, no reserved bytes, shares of a page, form of the tables, texts in UTF-8, a version below 256. */
const CERTAIN: readonly [at: number, values: readonly number[]][] = [
  [16, [0x10]],
  [17, [0]],
  [18, [1, 2]],
  [19, [1, 2]],
  [20, [0]],
  [21, [64]],
  [22, [32]],
  [23, [32]],
  [44, [0]],
  [45, [0]],
  [46, [0]],
  [47, [4]],
  [56, [0]],
  [57, [0]],
  [58, [0]],
  [59, [1]],
  [60, [0]],
  [61, [0]],
  [62, [0]],
];
/** After so many questions without a row, all that is left lies within what cannot be read. */
const MAX_IN_VAIN = 2000;
/** So many numbers are looked at where nobody knows which is the last. */
const UNKNOWN_SPAN = 1n << 20n;

/** What is wrong with a file that SQLite would take for a new one, for one that it may only read, or for one with other texts; null when nothing is. Only for files nobody has open. */
export function headerDamage(path: string): string | null {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) return null;
  if (bytes < PAGE_BYTES) return `${bytes} bytes are left of it`;
  const header = pageAt(path, 0, 100);
  return CERTAIN.some(([at, values]) => !values.includes(header[at] as number)) ? 'its header is not that of a database of ours' : null;
}

/**
 * Opens a damaged file for reading, its write-ahead log applied.
 *
 * @param keepPage where the first page goes as it was, if it has to be made anew
 * @returns null when nothing can be read of it
 */
export function openDamaged(path: string, migrations: Migrations, keepPage: string): DatabaseSync | null {
  const first = headerDamage(path) === null ? opened(path) : null;
  if (first) return first;
  const pages = Math.floor((statSync(path, { throwIfNoEntry: false })?.size ?? 0) / PAGE_BYTES);
  if (pages < 2) return null;
  writeFileSync(keepPage, pageAt(path, 0, PAGE_BYTES));
  // Which version it was nobody knows: of a later one some tables would begin behind the end of the file.
  for (let count = migrations.length; count > 0; count -= 1) {
    const page = firstPageOf(`${path}.page`, migrations.slice(0, count));
    page.writeUInt32BE(pages, PAGE_COUNT_AT);
    page.writeUInt32BE(0, FREE_AT);
    page.writeUInt32BE(0, FREE_COUNT_AT);
    writePage(path, page);
    const db = opened(path);
    if (db) return db;
  }
  return null;
}

function opened(path: string): DatabaseSync | null {
  const db = new DatabaseSync(path);
  try {
    const { tables } = db
      .prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .get() as { tables: number };
    if (tables > 0) return db;
  } catch (error) {
    if (!isCorruption(error)) {
      db.close();
      throw error;
    }
  }
  db.close();
  return null;
}

/** As a new file of this schema has it. */
function firstPageOf(path: string, migrations: Migrations): Buffer {
  removeDatabaseFile(path);
  const file = new SqliteFile(path, migrations);
  file.open(() => {});
  file.close();
  const page = pageAt(path, 0, PAGE_BYTES);
  removeDatabaseFile(path);
  return page;
}

function pageAt(path: string, at: number, bytes: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const page = Buffer.alloc(bytes);
    readSync(fd, page, 0, bytes, at);
    return page;
  } finally {
    closeSync(fd);
  }
}

function writePage(path: string, page: Buffer): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, page, 0, page.length, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export const isJson = (text: string): boolean => isJsonOf(text, () => true);

/** Whether a text can be understood, and what it says has the right form. */
export function isJsonOf(text: string, isRight: (value: unknown) => boolean): boolean {
  try {
    return isRight(JSON.parse(text));
  } catch {
    // The caller reports it, with its row.
    return false;
  }
}

export type SqliteRow = SQLOutputValue[];

/** The rows of one table, as far as they can be read. */
export class SalvageReader {
  readonly #db: DatabaseSync;
  /** Something could not be read. */
  hasHoles = false;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * By their number, around what cannot be read. Integers come as bigint.
   *
   * @param columns without the row's number, which comes first
   */
  *of(table: string, columns: string): Generator<SqliteRow> {
    yield* this.#around(table, columns, this.#last(table));
  }

  /** Of a table without row numbers: from its beginning, and from its end, up to what cannot be read. */
  *ofKeyed(table: string, columns: string, key: string): Generator<SqliteRow> {
    for (const order of ['ASC', 'DESC']) {
      if (yield* this.#scan(`SELECT ${columns} FROM ${table} ORDER BY ${key} ${order}`)) return;
    }
  }

  /** null when that cannot be read. */
  #last(table: string): bigint | null {
    try {
      const statement = this.#db.prepare(`SELECT max(rowid) AS last FROM ${table}`);
      statement.setReadBigInts(true);
      return (statement.get() as { last: bigint | null }).last ?? 0n;
    } catch (error) {
      if (!isCorruption(error)) throw error;
      this.hasHoles = true;
      return null;
    }
  }

  /** What fails is halved, the largest pieces first: a few rows in the middle of what cannot be read are not worth all the questions. */
  *#around(table: string, columns: string, last: bigint | null): Generator<SqliteRow> {
    const ranges: [from: bigint, to: bigint][] = [[0n, last ?? BigInt(Number.MAX_SAFE_INTEGER)]];
    let inVain = 0;
    for (let range = ranges.shift(); range && inVain < MAX_IN_VAIN; range = ranges.shift()) {
      inVain += 1;
      let [next, end] = range;
      for (const row of this.#rows(`SELECT rowid, ${columns} FROM ${table} WHERE rowid >= ? AND rowid <= ? ORDER BY rowid`, [next, end])) {
        if (row === null) {
          if (last === null && end > next + UNKNOWN_SPAN) end = next + UNKNOWN_SPAN;
          const middle = (next + end) / 2n;
          if (next < end) ranges.push([next, middle], [middle + 1n, end]);
          break;
        }
        inVain = 0;
        next = (row[0] as bigint) + 1n;
        yield row;
      }
    }
  }

  /** @returns whether all was read */
  *#scan(sql: string): Generator<SqliteRow, boolean> {
    for (const row of this.#rows(sql, [])) {
      if (row === null) return false;
      yield row;
    }
    return true;
  }

  /** Rows up to what cannot be read; null is the end then. */
  *#rows(sql: string, params: bigint[]): Generator<SqliteRow | null> {
    let rows: Iterator<unknown>;
    try {
      const statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      statement.setReadBigInts(true);
      rows = statement.iterate(...params);
    } catch (error) {
      yield this.#hole(error);
      return;
    }
    for (;;) {
      let step: IteratorResult<unknown>;
      try {
        step = rows.next();
      } catch (error) {
        yield this.#hole(error);
        return;
      }
      if (step.done) return;
      yield step.value as SqliteRow;
    }
  }

  #hole(error: unknown): null {
    if (!isCorruption(error)) throw error;
    this.hasHoles = true;
    return null;
  }
}
