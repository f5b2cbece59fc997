/** `presence.db`: a row for each edge and each device, and one for when that last sent something. Runs in a worker. */
import type { DatabaseSync } from 'node:sqlite';
import { isJsonOf, SalvageReader } from '../sqlite/damaged.ts';
import { FaultError } from '../../core/faults.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { initialVersion } from '../sqlite/migrations.ts';
import { openOrSalvage, type DatabaseSalvage } from '../sqlite/salvage.ts';

export const PRESENCE_MIGRATIONS = initialVersion(`
CREATE TABLE edges (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE devices (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE last_seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`);

const TABLES = ['edges', 'devices'] as const;

/** Damage may leave JSON that says nothing of an edge or a device. */
const has = (value: unknown, texts: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && texts.every((name) => typeof (value as Record<string, unknown>)[name] === 'string');
const IS_ENTRY: Record<(typeof TABLES)[number], (value: unknown) => boolean> = {
  edges: (value) => has(value, ['id', 'centre']) && typeof (value as { seenAt?: unknown }).seenAt === 'number',
  devices: (value) => has(value, ['edge', 'centre', 'driver', 'subject', 'reason']),
};

/** null: it is gone. */
export type PresenceRow = [id: string, json: string | null];

export interface PresenceRows extends Record<(typeof TABLES)[number], PresenceRow[]> {
  /** When each device last sent something, ms UTC: apart, since it changes most and is small. */
  lastSeen: [id: string, atMs: number][];
}

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

  /** A damaged file is put aside; its rows that can be read are kept, and edges report the rest again. */
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
      const rows = file.read((db) => ({ edges: rowsIn(db, 'edges'), devices: rowsIn(db, 'devices'), lastSeen: lastSeenIn(db) }));
      const isSound = TABLES.every((table) => rows[table].every(([, json]) => isJsonOf(json as string, IS_ENTRY[table])));
      if (!isSound) throw new FaultError('CV_STORE_DAMAGED', { path: '', detail: 'a row of it cannot be understood' });
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
    const forget = db.prepare('DELETE FROM last_seen WHERE id = ?');
    for (const [id, json] of rows[table]) {
      if (json !== null) put.run(id, json);
      else {
        drop.run(id);
        if (table === 'devices') forget.run(id);
      }
    }
  }
  const putTime = db.prepare('INSERT INTO last_seen VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at');
  for (const [id, atMs] of rows.lastSeen) putTime.run(id, BigInt(Math.floor(atMs)));
}

function lastSeenIn(db: DatabaseSync): PresenceRows['lastSeen'] {
  return (db.prepare('SELECT id, at FROM last_seen').all() as unknown as { id: string; at: number }[]).map(({ id, at }) => [id, at]);
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
        if (typeof id === 'string' && typeof json === 'string' && isJsonOf(json, IS_ENTRY[table]))
          saved[table] += Number(db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (?, ?)`).run(id, json).changes);
      }
    }
    for (const [id, at] of new SalvageReader(from).ofKeyed('last_seen', 'id, at', 'id')) {
      if (typeof id === 'string' && typeof at === 'bigint') db.prepare('INSERT OR IGNORE INTO last_seen VALUES (?, ?)').run(id, at);
    }
  });
  return saved;
}
