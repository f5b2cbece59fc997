/**
 * Salvage of a damaged file: it is renamed, and all readable rows are written to a new file under its name, which is
 * never appended to. docs/decisions/0010-log-layout.md.
 */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { forceFolderSync } from '../core/folder.ts';
import { databaseFileBytes, renameDatabaseFile, removeDatabaseFile } from './database-file.ts';
import { LogFile, type LogFileFormat, type LogMetadataKind } from './log-file.ts';
import type { SeqRange } from './ranges.ts';
import { recoverRows, readRawFile, type RecoveredRows } from './recover-rows.ts';
import { storageFailureOf, isDiskFullFailure, isReadOnlyFailure, type LogFileName, type LogGroup, type SalvageReport } from './storage.ts';

/** Kept for inspection. */
const MAX_DAMAGED_FILES = 3;
const UNFINISHED = '.salvage';
const DAMAGED_NAME = /\.db\.damaged-(\d+)$/;
const GROUPS_PER_COMMIT = 200;

/** Recovers the rows of a file that is not open, and of its write-ahead log. */
export function recoverFile(path: string, form: { epoch: number; origins: boolean }): RecoveredRows {
  const log = `${path}-wal`;
  return recoverRows(existsSync(path) ? readRawFile(path) : Buffer.alloc(0), existsSync(log) ? readRawFile(log) : Buffer.alloc(0), form);
}

/**
 * Replaces a damaged file by its recovered rows.
 *
 * @returns the report; when the disk is full or read-only, `damagedName` is null and `inMemory` replaces the file until then
 */
export function replaceDamagedFile(
  dir: string,
  file: LogFileName,
  rows: RecoveredRows,
  form: LogFileFormat,
  detail: string,
): SalvageReport & { inMemory: LogFile | null } {
  const path = join(dir, file.name);
  const damagedName = nextDamagedName(dir, file.name);
  const found = { name: file.name, detail, present: presentRanges(rows.groups) };
  const metadata = { ...rows.metadata, salvaged: JSON.stringify({ v: 1, aside: damagedName, detail }) };
  try {
    LogFile.create(path + UNFINISHED, form);
    writeRows(LogFile.openForWriting(path + UNFINISHED, file.epoch, form), rows, metadata).seal();
  } catch (error) {
    removeDatabaseFile(path + UNFINISHED);
    const failure = storageFailureOf(error);
    if (!isDiskFullFailure(failure) && !isReadOnlyFailure(failure)) throw error;
    return {
      ...found,
      damagedName: null,
      bytes: databaseFileBytes(path),
      inMemory: writeRows(LogFile.inMemory(file.epoch, form), rows, metadata),
    };
  }
  renameDatabaseFile(path, join(dir, damagedName));
  renameSync(path + UNFINISHED, path);
  forceFolderSync(dir);
  for (const old of damagedFiles(dir).slice(0, -MAX_DAMAGED_FILES)) removeDatabaseFile(join(dir, old));
  return { ...found, damagedName, bytes: databaseFileBytes(path), inMemory: null };
}

/** Completes salvages of a killed process: the damaged file is renamed only when the new one is complete. */
export function finishSalvages(dir: string): void {
  for (const name of readdirSync(dir).filter((one) => one.endsWith(UNFINISHED))) {
    const path = join(dir, name.slice(0, -UNFINISHED.length));
    if (existsSync(path)) removeDatabaseFile(join(dir, name));
    else renameSync(join(dir, name), path);
  }
}

/** Damaged files kept for inspection, oldest first. */
export function damagedFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => DAMAGED_NAME.test(name))
    .map((name) => ({ name, at: statSync(join(dir, name)).ctimeMs }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

function nextDamagedName(dir: string, name: string): string {
  const taken = damagedFiles(dir).map((one) => Number(DAMAGED_NAME.exec(one)?.[1]));
  return `${name}.damaged-${Math.max(0, ...taken) + 1}`;
}

/** @returns the file */
function writeRows(file: LogFile, rows: RecoveredRows, notes: Partial<Record<LogMetadataKind, string>>): LogFile {
  try {
    file.write([], notes);
    for (let offset = 0; offset < rows.groups.length; offset += GROUPS_PER_COMMIT)
      file.write(rows.groups.slice(offset, offset + GROUPS_PER_COMMIT), {});
    if (rows.settled.length > 0) file.write([], {}, rows.settled);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function presentRanges(groups: readonly LogGroup[]): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const { seq, count } of groups) {
    const last = ranges.at(-1);
    if (last && seq <= last[1] + 1) last[1] = Math.max(last[1], seq + count - 1);
    else ranges.push([seq, seq + count - 1]);
  }
  return ranges;
}
