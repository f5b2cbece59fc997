/** A small database of secrets' hashes and rights: tables of rows, each an id and one JSON, all read at start. Runs in a worker. */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolderSync } from '../../core/folder.ts';
import { SqliteFile } from './file.ts';
import { initialVersion } from './migrations.ts';

/** A row without JSON is taken out. */
export type JsonRowChange<Table extends string> = readonly [table: Table, id: string, json: string | null];
export type JsonRows<Table extends string> = Record<Table, string[]>;

/** Such a database as its user has it, in this thread. */
export interface JsonRowsFile<Table extends string> {
  open(): Promise<JsonRows<Table>>;
  /** Resolves when it is on disk: all of them, or none. */
  save(changes: readonly JsonRowChange<Table>[]): Promise<void>;
  close(): Promise<void>;
}

export class JsonRowsDatabase<Table extends string> {
  readonly #tables: readonly Table[];
  #file: SqliteFile | null = null;

  readonly operations = {
    open: ({ path }: { path: string }): JsonRows<Table> => this.#open(path),
    save: (changes: readonly JsonRowChange<Table>[]): void => this.#save(changes),
    close: (): void => {
      this.#file?.close();
      this.#file = null;
    },
  };

  constructor(tables: readonly Table[]) {
    this.#tables = tables;
  }

  #open(path: string): JsonRows<Table> {
    makeFolderSync(dirname(path));
    // SQLite gives its other files the mode of this one.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const made = this.#tables.map((table) => `CREATE TABLE ${table} (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;`);
    const file = new SqliteFile(path, initialVersion(made.join('\n')));
    file.open(() => {});
    this.#file = file;
    const rowsOf = (table: Table): string[] =>
      file.read((db) =>
        db
          .prepare(`SELECT json FROM ${table} ORDER BY id`)
          .all()
          .map(({ json }) => json as string),
      );
    return Object.fromEntries(this.#tables.map((table) => [table, rowsOf(table)])) as JsonRows<Table>;
  }

  #save(changes: readonly JsonRowChange<Table>[]): void {
    this.#file?.transaction((db) => {
      for (const [table, id, json] of changes) {
        if (json === null) db.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
        else db.prepare(`INSERT OR REPLACE INTO ${table} (id, json) VALUES (?, ?)`).run(id, json);
      }
    });
  }
}
