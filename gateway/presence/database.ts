/** `presence.db`: a row for each edge and each device. Runs in a worker. */
import type { DatabaseSync } from 'node:sqlite';
import { isJson, SalvageReader } from '../sqlite/damaged.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { initialVersion } from '../sqlite/migrations.ts';
import { openOrSalvage, type DatabaseSalvage } from '../sqlite/salvage.ts';

export const PRESENCE_MIGRATIONS = initialVersion(`
CREATE TABLE edges (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE devices (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
`);

const TABLES = ['edges', 'devices'] as const;

/** null: it is gone. */
export type PresenceRow = [id: string, json: string | null];
export type PresenceRows = Record<(typeof TABLES)[number], PresenceRow[]>;

/** How many rows a salvage has saved. */
export type SalvagedRows = Record<(typeof TABLES)[number], number>;

export class PresenceDatabase {
  #file: SqliteFile | null = null;

  readonly operations = {
    open: ({ path }: { path: string }) => this.#open(path),
    save: (rows: PresenceRows) => { (this.#file as SqliteFile).transaction((db) => { save(db, rows); }); },
    close: () => {
      this.#file?.close();
      this.#file = null;
    },
  };

  /** A damaged file is put aside; its rows that can be read are kept, and edges say the rest again. */
  #open(path: string): { rows: PresenceRows; salvage: DatabaseSalvage<SalvagedRows> | null } {
    this.#file?.close();
    this.#file = null;
    const { opened, salvage } = openOrSalvage(path, PRESENCE_MIGRATIONS, () => this.#openFile(path), copyRows);
    return { rows: opened, salvage };
  }

  #openFile(path: string): PresenceRows {
    const file = new SqliteFile(path, PRESENCE_MIGRATIONS);
    file.open(() => {});
    try {
      const rows = file.read((db) => ({ edges: rowsIn(db, 'edges'), devices: rowsIn(db, 'devices') }));
      for (const [, json] of [...rows.edges, ...rows.devices]) JSON.parse(json as string);
      this.#file = file;
      return rows;
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

function save(db: DatabaseSync, rows: PresenceRows): void {
  for (const table of TABLES) {
    if (rows[table].length === 0) continue;
    const put = db.prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json`);
    const drop = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
    for (const [id, json] of rows[table]) {
      if (json === null) drop.run(id);
      else put.run(id, json);
    }
  }
}

function rowsIn(db: DatabaseSync, table: string): PresenceRow[] {
  return (db.prepare(`SELECT id, json FROM ${table}`).all() as unknown as { id: string; json: string }[]).map(({ id, json }) => [id, json]);
}

function copyRows(from: DatabaseSync | null, into: SqliteFile): SalvagedRows {
  const saved: SalvagedRows = { edges: 0, devices: 0 };
  if (!from) return saved;
  into.transaction((db) => {
    for (const table of TABLES) {
      for (const [id, json] of new SalvageReader(from).ofKeyed(table, 'id, json', 'id')) {
        if (typeof id === 'string' && typeof json === 'string' && isJson(json)) saved[table] += Number(db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (?, ?)`).run(id, json).changes);
      }
    }
  });
  return saved;
}
