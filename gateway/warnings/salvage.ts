/**
 * What of a damaged `state.db` can be used, of whatever version it was: rows of which the text can be understood. Without
 * its cursor the rules go over the log anew.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { KeyRecord } from '../../city/rules/engine.ts';
import { isJson, isJsonOf, SalvageReader, type SqliteRow } from '../sqlite/damaged.ts';
import type { SqliteFile } from '../sqlite/file.ts';
import { isWarningChange, isWarningKey, isWarningRecord, warningRows } from './record.ts';
import {
  isOfVersion1,
  keyFromVersion1,
  recordFromVersion1,
  type KeyOfVersion1,
  type ViewOfVersion1,
  type WarningOfVersion1,
} from './version-1.ts';

export interface SalvagedState {
  warnings: number;
  /** Of series and of rules' keys. */
  memories: number;
}

export function copyState(from: DatabaseSync | null, into: SqliteFile): SalvagedState {
  const saved: SalvagedState = { warnings: 0, memories: 0 };
  if (!from) return saved;
  const put = (db: DatabaseSync, table: string, row: SqliteRow): number =>
    Number(db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row).changes);
  into.transaction((db) => {
    const known = new Map<string, WarningOfVersion1>();
    for (const row of new SalvageReader(from).ofKeyed('series', 'key, json', 'key'))
      if (areTexts(row) && isJson(row[1] as string)) saved.memories += put(db, 'series', row);
    for (const row of new SalvageReader(from).ofKeyed('keys', 'key, json', 'key')) {
      const json = areTexts(row) && isJson(row[1] as string) ? keyText(row[1] as string, known) : null;
      if (json !== null) saved.memories += put(db, 'keys', [row[0] as string, json]);
    }
    for (const [, ...row] of new SalvageReader(from).of('warnings', 'id, raised_at, open, json')) {
      if (!isEntry(row)) continue;
      const record = recordText(row[3] as string, known);
      if (!record) continue;
      const { json, changes } = record;
      saved.warnings += put(db, 'warnings', [...row.slice(0, 3), json]);
      for (const change of changes) put(db, 'warning_changes', change);
    }
    for (const row of hasTable(from, 'warning_changes')
      ? new SalvageReader(from).ofKeyed('warning_changes', 'warning, n, json', 'warning, n')
      : [])
      if (isEntry(row) && isJsonOf(row[2] as string, isWarningChange)) put(db, 'warning_changes', row);
    for (const [, ...row] of new SalvageReader(from).of('findings', 'id, from_at, json')) if (isEntry(row)) put(db, 'findings', row);
    for (const row of new SalvageReader(from).of('outbox', 'topic, payload, final')) {
      const [, topic, payload, final] = row;
      // A word that only clears its topic is empty.
      if (areTexts([topic, payload] as SqliteRow) && typeof final === 'bigint' && (payload === '' || isJson(payload as string)))
        put(db, 'outbox', row);
    }
    forgetLost(db);
    for (const row of new SalvageReader(from).of('progress', 'epoch, seq'))
      if (row.every((number) => typeof number === 'bigint' && number > 0n)) put(db, 'progress', row);
  });
  return saved;
}

/** @returns null for what is no key */
function keyText(json: string, known: Map<string, WarningOfVersion1>): string | null {
  const key = JSON.parse(json) as KeyOfVersion1;
  if (!isOfVersion1(key)) return isWarningKey(key) ? json : null;
  if (key.warning && Array.isArray(key.warning.changes)) known.set(key.warning.id, key.warning);
  const today = keyFromVersion1(key);
  return isWarningKey(today) ? JSON.stringify(today) : null;
}

/** @returns null for what is no warning */
function recordText(json: string, known: ReadonlyMap<string, WarningOfVersion1>): { json: string; changes: SqliteRow[] } | null {
  const view = JSON.parse(json) as ViewOfVersion1;
  if (!isOfVersion1(view)) return isWarningRecord(view) ? { json, changes: [] } : null;
  const record = recordFromVersion1(view, known.get(view.id) ?? null, 0);
  if (!record) return null;
  const rows = warningRows(record.warning, record.cursor, record.warning.changes);
  return { json: rows.warning.json, changes: rows.changes.map(([id, n, text]) => [id, BigInt(n), text]) };
}

/** A condition that holds and whose warning could not be saved: its series are forgotten, so that it is raised again. */
function forgetLost(db: DatabaseSync): void {
  const isThere = db.prepare('SELECT 1 FROM warnings WHERE id = ?');
  const forget = db.prepare(
    "DELETE FROM series WHERE json_valid(json) AND json ->> 'rule' = ? AND json ->> 'subject' = ? AND json ->> 'centre' = ?",
  );
  const putKey = db.prepare('UPDATE keys SET json = ? WHERE key = ?');
  for (const { key, json } of db.prepare('SELECT key, json FROM keys').all() as unknown as { key: string; json: string }[]) {
    const record = JSON.parse(json) as KeyRecord;
    if (!record.newest || Object.keys(record.series ?? {}).length === 0 || isThere.get(String(record.newest.id))) continue;
    forget.run(String(record.rule), String(record.subject), String(record.centre));
    putKey.run(JSON.stringify({ ...record, series: {} }), key);
  }
}

const hasTable = (db: DatabaseSync, name: string): boolean =>
  db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(name) !== undefined;

const areTexts = (row: SqliteRow): boolean => row.every((value) => typeof value === 'string');

/** Texts at both ends, numbers between them. */
function isEntry(row: SqliteRow): boolean {
  const [id, json] = [row[0], row.at(-1)];
  return areTexts([id, json] as SqliteRow) && isJson(json as string) && row.slice(1, -1).every((value) => typeof value === 'bigint');
}
