/** One file of a log, read back whole: by its tree of pages, and where that is damaged by the pages themselves. */
import { existsSync } from 'node:fs';
import { isSealed } from './file-on-disk.ts';
import { LogFile } from './log-file.ts';
import { addRange, type Range } from './ranges.ts';
import { readRaw } from './raw-rows.ts';
import { walk } from './salvage.ts';
import { failureOf, isDamage, isSqlite, type Group } from './storage.ts';
import type { GroupOrigin } from './types.ts';
import { readWriteAhead } from './write-ahead.ts';

const MAGIC = 'SQLite format 3\0';

export interface FileContent {
  groups: number;
  /** Numbers of rows whose checksum is right, in order. */
  present: Range[];
  origins: GroupOrigin[];
  /** State (edge) or snapshot of marks (gateway) that it begins with; null: it cannot be read. */
  state: string | null;
  /** Settled ranges that were written beside groups. */
  settled: string[];
  /** How far the log was trimmed when it was written last. */
  trimmed: string | null;
  /** It was put together from a damaged one: rows may be missing. */
  isSalvaged: boolean;
  /** What is wrong with its bytes; null: nothing. */
  damage: string | null;
}

/** @param path of a file that nobody writes to */
export function readBack(path: string, form: { epoch: number; origins: boolean }): FileContent {
  // What a killed process left is not opened as a database, since that would change it.
  if (!isSealed(path)) return ofPages(path, form, leftOverDamage(path));
  try {
    const found = ofTree(path, form);
    return found.damage === null ? found : ofPages(path, form, found.damage);
  } catch (error) {
    if (!isSqlite(error) && !isDamage(error)) throw error;
    return ofPages(path, form, failureOf(error).detail);
  }
}

function leftOverDamage(path: string): string | null {
  if (existsSync(`${path}-wal`) && readWriteAhead(readRaw(`${path}-wal`)).damaged) return 'the write-ahead log is damaged';
  return readRaw(path).subarray(0, MAGIC.length).toString('latin1') === MAGIC ? null : 'file is not a database';
}

function ofTree(path: string, { epoch, origins }: { epoch: number; origins: boolean }): FileContent {
  const file = LogFile.open(path, epoch, origins, true);
  try {
    const content = empty(null);
    for (const group of file.groups(0, Number.MAX_SAFE_INTEGER)) {
      if (group) take(content, group);
      else content.damage = 'wrong checksum';
    }
    const [state, trimmed] = [file.note('state'), file.note('trimmed')];
    if (state.damaged || trimmed.damaged) content.damage ??= 'wrong checksum';
    return Object.assign(content, { state: state.text, trimmed: trimmed.text, isSalvaged: file.isSalvaged, settled: origins ? file.settledNotes() : [] });
  } finally {
    file.close();
  }
}

function ofPages(path: string, form: { epoch: number; origins: boolean }, damage: string | null): FileContent {
  const { groups, notes, settled } = walk(path, form);
  const content = empty(damage);
  for (const group of groups) take(content, group);
  return Object.assign(content, { state: notes.state ?? null, trimmed: notes.trimmed ?? null, settled });
}

const empty = (damage: string | null): FileContent => ({ groups: 0, present: [], origins: [], state: null, settled: [], trimmed: null, isSalvaged: false, damage });

function take(content: FileContent, { seq, count, origin }: Group): void {
  content.groups += 1;
  const last = content.present.at(-1);
  if (last && seq === last[1] + 1) last[1] = seq + count - 1;
  else content.present = addRange(content.present, seq, seq + count - 1);
  if (origin) content.origins.push(origin);
}
