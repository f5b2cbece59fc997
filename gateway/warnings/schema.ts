/** The tables of `state.db`, and how an older file becomes one of today. */
import type { DatabaseSync } from 'node:sqlite';
import { FaultError } from '../../core/faults.ts';
import type { Migrations } from '../sqlite/migrations.ts';
import { keyFromVersion1, recordFromVersion1, type KeyOfVersion1, type ViewOfVersion1, type WarningOfVersion1 } from './version-1.ts';
import { warningRows } from './record.ts';

const TABLES_1 = `
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS series (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS warnings (id TEXT PRIMARY KEY, raised_at INTEGER NOT NULL, open INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS warnings_by_time ON warnings (open, raised_at);
CREATE TABLE IF NOT EXISTS findings (id TEXT PRIMARY KEY, from_at INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS findings_by_time ON findings (from_at);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL, final INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS changes (n INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS changes_epoch (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
`;
const TABLES_2 =
  'CREATE TABLE IF NOT EXISTS warning_changes (warning TEXT NOT NULL, n INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (warning, n)) STRICT, WITHOUT ROWID';

/** 1: keys hold their newest warning, and `warnings` what the API showed. 2: a warning has a record of its own, and each of its changes a row. */
export const STATE_MIGRATIONS: Migrations = [
  { version: 1, migrate: (db) => { db.exec(TABLES_1); } },
  { version: 2, migrate: (db) => { db.exec(TABLES_2); takeOverWarnings(db); } },
];

function takeOverWarnings(db: DatabaseSync): void {
  const warnings = new Map<string, WarningOfVersion1>();
  const putKey = db.prepare('UPDATE keys SET json = ? WHERE key = ?');
  for (const { key, json } of db.prepare('SELECT key, json FROM keys').all() as unknown as { key: string; json: string }[]) {
    const old = JSON.parse(json) as KeyOfVersion1;
    if (old.warning && Array.isArray(old.warning.changes)) warnings.set(old.warning.id, old.warning);
    putKey.run(JSON.stringify(keyFromVersion1(old)), key);
  }
  const published = new Map(
    (
      db.prepare("SELECT json ->> 'id' AS id, count(*) AS n FROM changes WHERE json_valid(json) GROUP BY 1").all() as unknown as {
        id: string;
        n: number;
      }[]
    ).map(({ id, n }) => [id, n]),
  );
  const putWarning = db.prepare('UPDATE warnings SET json = ? WHERE id = ?');
  const putChange = db.prepare('INSERT OR REPLACE INTO warning_changes VALUES (?, ?, ?)');
  for (const { id, json } of db.prepare('SELECT id, json FROM warnings').all() as unknown as { id: string; json: string }[]) {
    const record = recordFromVersion1(JSON.parse(json) as ViewOfVersion1, warnings.get(id) ?? null, published.get(id) ?? 0);
    if (!record) throw new FaultError('CV_STORE_DAMAGED', { path: '', detail: `warning ${id} cannot be understood` });
    const { warning, cursor } = record;
    const rows = warningRows(warning, cursor, warning.changes);
    putWarning.run(rows.warning.json, id);
    for (const [, n, text] of rows.changes) putChange.run(id, BigInt(n), text);
  }
}
