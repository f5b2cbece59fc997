/** Reads `state.db` of a gateway that does not run back, without changing it: its structure, and all that the rules and the outbox need of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { FaultError } from '../../core/faults.ts';
import { isJson } from '../sqlite/damaged.ts';
import { databaseFailure, databaseFault } from '../sqlite/failure.ts';
import { latestVersion, rejectNewerVersion } from '../sqlite/migrations.ts';
import { STATE_MIGRATIONS } from './schema.ts';

export interface StateFileCheck {
  path: string;
  /** Rows by table. */
  counts: Record<(typeof TABLES)[number], number>;
  /** What is wrong with its structure, or cannot be understood. */
  problems: BilingualText[];
}

const TABLES = ['series', 'keys', 'warnings', 'warning_changes', 'findings', 'outbox'] as const;
/** Of each row: what names it, and its text. */
const COLUMNS: Record<(typeof TABLES)[number], [id: string, text: string]> = {
  series: ['key', 'json'],
  keys: ['key', 'json'],
  warnings: ['id', 'json'],
  warning_changes: ["warning || ' ' || n", 'json'],
  findings: ['id', 'json'],
  outbox: ['n', 'payload'],
};
/** Of a table; more would say the same. */
const MAX_NAMED = 20;

/**
 * @param dir of `state.db`
 * @returns null when there is none
 * @throws CV_STORE_BUSY while a gateway uses it; CV_STORE_NEWER, CV_STORE_DAMAGED, CV_STORE_FAILED
 */
export function verifyStateFile(dir: string): StateFileCheck | null {
  const path = join(dir, 'state.db');
  if (!existsSync(path)) return null;
  try {
    rejectNewerVersion(path, latestVersion(STATE_MIGRATIONS));
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      return check(db, path);
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof FaultError ? error : databaseFault(databaseFailure(error), path);
  }
}

function check(db: DatabaseSync, path: string): StateFileCheck {
  const quick = (db.prepare('PRAGMA quick_check(20)').all() as { quick_check: string }[])
    .map((row) => row.quick_check)
    .filter((text) => text !== 'ok');
  const problems = quick.map((text): BilingualText => ({ en: text, zh: text }));
  const counts: StateFileCheck['counts'] = { series: 0, keys: 0, warnings: 0, warning_changes: 0, findings: 0, outbox: 0 };
  for (const table of TABLES) {
    // A file that no gateway of this version has opened yet.
    if (table === 'warning_changes' && db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) === undefined) continue;
    const [id, text] = COLUMNS[table];
    let named = 0;
    // A word that only clears its topic is empty.
    for (const row of db.prepare(`SELECT ${id} AS id, ${text} AS text FROM ${table}`).iterate() as Iterable<{
      id: unknown;
      text: string;
    }>) {
      counts[table] += 1;
      if (row.text === '' || isJson(row.text)) continue;
      named += 1;
      if (named <= MAX_NAMED)
        problems.push({ en: `${table} ${String(row.id)} cannot be understood`, zh: `${table} 表的 ${String(row.id)} 无法解析` });
    }
  }
  return { path, counts, problems };
}
