/** Reads a whole log file: through SQLite, or from raw pages when damaged. */
import { existsSync } from 'node:fs';
import { isSealedFile } from './database-file.ts';
import { LogFile } from './log-file.ts';
import { addRange, type SeqRange } from './ranges.ts';
import { readRawFile } from './recover-rows.ts';
import { recoverFile } from './salvage.ts';
import { storageFailureOf, isCorruption, isSqliteError, type LogGroup } from './storage.ts';
import type { GroupOrigin } from './types.ts';
import { readWal } from './wal.ts';

const MAGIC = 'SQLite format 3\0';

export interface LogFileContent {
  groups: number;
  /** Numbers in valid rows, in order. */
  present: SeqRange[];
  origins: GroupOrigin[];
  /** State (edge) or snapshot of marks (gateway) at its start; null when unreadable. */
  state: string | null;
  /** Settled ranges written without groups. */
  settled: string[];
  /** Trim state at its last write. */
  trimmed: string | null;
  /** The file was salvaged: rows may be missing. */
  isSalvaged: boolean;
  /** Damage; null when none. */
  damage: string | null;
}

/** @param path of a file that is not being written */
export function readLogFile(path: string, form: { epoch: number; origins: boolean }): LogFileContent {
  // A file of a killed process is not opened with SQLite, which would change it.
  if (!isSealedFile(path)) return readByPages(path, form, leftOverDamage(path));
  try {
    const found = readByTree(path, form);
    return found.damage === null ? found : readByPages(path, form, found.damage);
  } catch (error) {
    if (!isSqliteError(error) && !isCorruption(error)) throw error;
    return readByPages(path, form, storageFailureOf(error).detail);
  }
}

function leftOverDamage(path: string): string | null {
  if (existsSync(`${path}-wal`) && readWal(readRawFile(`${path}-wal`)).damaged) return 'write-ahead log is damaged';
  return readRawFile(path).subarray(0, MAGIC.length).toString('latin1') === MAGIC ? null : 'file is not a database';
}

function readByTree(path: string, { epoch, origins }: { epoch: number; origins: boolean }): LogFileContent {
  const file = LogFile.openForReading(path, epoch, origins, true);
  try {
    const content = empty(null);
    for (const group of file.groups(0, Number.MAX_SAFE_INTEGER)) {
      if (group) take(content, group);
      else content.damage = 'wrong checksum';
    }
    const [state, trimmed] = [file.metadata('state'), file.metadata('trimmed')];
    if (state.damaged || trimmed.damaged) content.damage ??= 'wrong checksum';
    return Object.assign(content, {
      state: state.text,
      trimmed: trimmed.text,
      isSalvaged: file.isSalvaged,
      settled: origins ? file.settledRanges() : [],
    });
  } finally {
    file.close();
  }
}

function readByPages(path: string, form: { epoch: number; origins: boolean }, damage: string | null): LogFileContent {
  const { groups, metadata, settled } = recoverFile(path, form);
  const content = empty(damage);
  for (const group of groups) take(content, group);
  return Object.assign(content, { state: metadata.state ?? null, trimmed: metadata.trimmed ?? null, settled });
}

const empty = (damage: string | null): LogFileContent => ({
  groups: 0,
  present: [],
  origins: [],
  state: null,
  settled: [],
  trimmed: null,
  isSalvaged: false,
  damage,
});

function take(content: LogFileContent, { seq, count, origin }: LogGroup): void {
  content.groups += 1;
  content.present = addRange(content.present, seq, seq + count - 1);
  if (origin) content.origins.push(origin);
}
