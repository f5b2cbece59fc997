/**
 * `people.db`: users, sessions, tokens, set-up links and notes of what was done to it from outside, a row each. No
 * password, cookie, token or code stands in it, only their hashes. Runs in a worker.
 */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolderSync } from '../../core/folder.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { initialVersion } from '../sqlite/migrations.ts';

export const PEOPLE_TABLES = ['users', 'sessions', 'tokens', 'links', 'notes'] as const;
export type PeopleTable = (typeof PEOPLE_TABLES)[number];

const PEOPLE_MIGRATIONS = initialVersion(
  PEOPLE_TABLES.map((table) => `CREATE TABLE ${table} (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;`).join('\n'),
);

/** A row without JSON is taken out. */
export type PeopleChange = readonly [table: PeopleTable, id: string, json: string | null];
export type PeopleRows = Record<PeopleTable, string[]>;

export class PeopleDatabase {
  #file: SqliteFile | null = null;

  readonly operations = {
    open: ({ path }: { path: string }): PeopleRows => this.#open(path),
    save: (changes: readonly PeopleChange[]): void => this.#save(changes),
    close: (): void => {
      this.#file?.close();
      this.#file = null;
    },
  };

  #open(path: string): PeopleRows {
    makeFolderSync(dirname(path));
    // SQLite gives its other files the mode of this one.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const file = new SqliteFile(path, PEOPLE_MIGRATIONS);
    file.open(() => {});
    this.#file = file;
    return file.read(
      (db) =>
        Object.fromEntries(
          PEOPLE_TABLES.map((table) => [
            table,
            db
              .prepare(`SELECT json FROM ${table} ORDER BY id`)
              .all()
              .map(({ json }) => json as string),
          ]),
        ) as PeopleRows,
    );
  }

  #save(changes: readonly PeopleChange[]): void {
    this.#file?.transaction((db) => {
      for (const [table, id, json] of changes) {
        if (json === null) db.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
        else db.prepare(`INSERT OR REPLACE INTO ${table} (id, json) VALUES (?, ?)`).run(id, json);
      }
    });
  }
}
