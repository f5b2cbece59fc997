/** What of a damaged `state.db` can be used: rows of which the text can be understood. Without its cursor the rules go over the log anew. */
import type { DatabaseSync } from 'node:sqlite';
import { isJson, ReadableRows, type Row } from '../sqlite/damaged.ts';
import type { SqliteFile } from '../sqlite/file.ts';

export interface SavedState {
  warnings: number;
  /** Of series and of rules' keys. */
  memories: number;
}

export function copyState(from: DatabaseSync | null, into: SqliteFile): SavedState {
  const saved: SavedState = { warnings: 0, memories: 0 };
  if (!from) return saved;
  const put = (db: DatabaseSync, table: string, row: Row): number => Number(db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row).changes);
  into.transaction((db) => {
    for (const table of ['series', 'keys']) {
      for (const row of new ReadableRows(from).ofKeyed(table, 'key, json', 'key')) if (areTexts(row) && isJson(row[1] as string)) saved.memories += put(db, table, row);
    }
    for (const [, ...row] of new ReadableRows(from).of('warnings', 'id, raised_at, open, json')) if (isEntry(row)) saved.warnings += put(db, 'warnings', row);
    for (const [, ...row] of new ReadableRows(from).of('findings', 'id, from_at, json')) if (isEntry(row)) put(db, 'findings', row);
    for (const row of new ReadableRows(from).of('outbox', 'topic, payload, final')) {
      const [, topic, payload, final] = row;
      // A word that only clears its topic is empty.
      if (areTexts([topic, payload] as Row) && typeof final === 'bigint' && (payload === '' || isJson(payload as string))) put(db, 'outbox', row);
    }
    for (const row of new ReadableRows(from).of('progress', 'epoch, seq')) if (row.every((number) => typeof number === 'bigint' && number > 0n)) put(db, 'progress', row);
  });
  return saved;
}

const areTexts = (row: Row): boolean => row.every((value) => typeof value === 'string');

/** Texts at both ends, numbers between them. */
function isEntry(row: Row): boolean {
  const [id, json] = [row[0], row.at(-1)];
  return areTexts([id, json] as Row) && isJson(json as string) && row.slice(1, -1).every((value) => typeof value === 'bigint');
}
