/**
 * `state.db`: what the rules remember, the warnings, and the outbox, with the cursor of the log, all of a batch in one
 * transaction. Runs in a worker.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Cursor } from '../../log/types.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { addChanges, CHANGES_SCHEMA, changesAfter, openChanges } from './changes.ts';
import { firstVersion } from '../sqlite/migrations.ts';
import { openOrSalvage, type Salvage } from '../sqlite/salvage.ts';
import { copyState, type SavedState } from './salvage.ts';

const MIGRATIONS = firstVersion(`
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS series (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS warnings (id TEXT PRIMARY KEY, raised_at INTEGER NOT NULL, open INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS warnings_by_time ON warnings (open, raised_at);
CREATE TABLE IF NOT EXISTS findings (id TEXT PRIMARY KEY, from_at INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS findings_by_time ON findings (from_at);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL, final INTEGER NOT NULL) STRICT;
${CHANGES_SCHEMA}`);

/** Closed warnings, and findings, that are kept; older ones go. */
const KEPT = 20_000;

type Keyed = [key: string, json: string];

export interface OutboxEntry {
  topic: string;
  payload: string;
  /** The last word on this topic: afterwards it is cleared. */
  final: boolean;
}

export interface StateBatch {
  /** null: only time went on. */
  upTo: Cursor | null;
  series: Keyed[];
  keys: Keyed[];
  warnings: { id: string; raisedAt: number; open: boolean; json: string }[];
  findings: { id: string; fromAt: number; json: string }[];
  outbox: OutboxEntry[];
  /** Number of the last of these changes of warnings; absent: none is counted. */
  lastChange?: number;
}

export interface StateSnapshot {
  cursor: Cursor;
  series: Keyed[];
  keys: Keyed[];
  /** Open ones, and the newest of the others. */
  warnings: string[];
  outbox: (OutboxEntry & { n: number })[];
}

export class StateDatabase {
  #file: SqliteFile | null = null;

  readonly operations = {
    open: ({ path }: { path: string }) => this.#open(path),
    commit: (batch: StateBatch) => this.#commit(batch),
    sent: ({ n }: { n: number }) => { this.#opened.transaction((db) => { db.prepare('DELETE FROM outbox WHERE n <= ?').run(BigInt(n)); }); },
    findings: ({ limit }: { limit: number }) => this.#opened.read((db) => jsons(db, 'SELECT json FROM findings ORDER BY from_at DESC LIMIT ?', BigInt(limit))),
    startChanges: ({ nowMs }: { nowMs: number }) => this.#opened.transaction((db) => openChanges(db, nowMs)),
    changes: ({ after, limit }: { after: number; limit: number }) => this.#opened.read((db) => changesAfter(db, after, limit)),
    close: () => { this.#file?.close(); },
  };

  get #opened(): SqliteFile {
    return this.#file as SqliteFile;
  }

  /** A file that cannot be used is put aside, and what can be saved of it stands in its place. */
  #open(path: string): { snapshot: StateSnapshot; salvage: Salvage<SavedState> | null } {
    const { opened, salvage } = openOrSalvage(path, MIGRATIONS, () => this.#openFile(path), copyState);
    return { snapshot: opened, salvage };
  }

  #openFile(path: string): StateSnapshot {
    const file = new SqliteFile(path, MIGRATIONS);
    file.open(() => {});
    try {
      file.transaction(prune);
      const snapshot = readAll(file);
      // What cannot be understood would keep the rules from starting, or be sent to whoever listens.
      for (const text of [...snapshot.series, ...snapshot.keys].map(([, json]) => json).concat(snapshot.warnings, snapshot.outbox.map(({ payload }) => payload || 'null'))) JSON.parse(text);
      this.#file = file;
      return snapshot;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** @returns the numbers of the outbox entries */
  #commit({ upTo, series, keys, warnings, findings, outbox, lastChange }: StateBatch): number[] {
    return this.#opened.transaction((db) => {
      for (const [table, rows] of [['series', series], ['keys', keys]] as const) {
        const put = db.prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json`);
        for (const [key, json] of rows) put.run(key, json);
      }
      const putWarning = db.prepare('INSERT INTO warnings VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET open = excluded.open, json = excluded.json');
      for (const { id, raisedAt, open, json } of warnings) putWarning.run(id, BigInt(raisedAt), BigInt(open), json);
      if (lastChange !== undefined) addChanges(db, warnings.map(({ json }) => json), lastChange);
      const putFinding = db.prepare('INSERT INTO findings VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json');
      for (const { id, fromAt, json } of findings) putFinding.run(id, BigInt(fromAt), json);
      const post = db.prepare('INSERT INTO outbox (topic, payload, final) VALUES (?, ?, ?)');
      const numbers = outbox.map(({ topic, payload, final }) => Number(post.run(topic, payload, BigInt(final)).lastInsertRowid));
      if (upTo) {
        db.prepare('INSERT INTO progress VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq').run(BigInt(upTo.epoch), BigInt(upTo.seq));
      }
      return numbers;
    });
  }
}

function readAll(file: SqliteFile): StateSnapshot {
  return file.read((db) => ({
    cursor: (db.prepare('SELECT epoch, seq FROM progress').get() as Cursor | undefined) ?? { epoch: 0, seq: 0 },
    series: keyed(db, 'series'),
    keys: keyed(db, 'keys'),
    warnings: jsons(db, 'SELECT json FROM warnings ORDER BY raised_at'),
    outbox: (db.prepare('SELECT n, topic, payload, final FROM outbox ORDER BY n').all() as unknown as { n: number; topic: string; payload: string; final: number }[])
      .map(({ n, topic, payload, final }) => ({ n, topic, payload, final: final === 1 })),
  }));
}

function keyed(db: DatabaseSync, table: 'series' | 'keys'): Keyed[] {
  return (db.prepare(`SELECT key, json FROM ${table}`).all() as unknown as { key: string; json: string }[]).map(({ key, json }) => [key, json]);
}

function jsons(db: DatabaseSync, sql: string, ...params: bigint[]): string[] {
  return (db.prepare(sql).all(...params) as unknown as { json: string }[]).map(({ json }) => json);
}

function prune(db: DatabaseSync): void {
  db.prepare('DELETE FROM warnings WHERE open = 0 AND raised_at < (SELECT raised_at FROM warnings WHERE open = 0 ORDER BY raised_at DESC LIMIT 1 OFFSET ?)').run(BigInt(KEPT));
  db.prepare('DELETE FROM findings WHERE from_at < (SELECT from_at FROM findings ORDER BY from_at DESC LIMIT 1 OFFSET ?)').run(BigInt(KEPT));
}
